"""CURVE key files: who may read a stream; in the form of other ZeroMQ programs (ZPL certificates)."""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import zmq

from eventsim.errors import OutputError, ParameterError

PathLike = str | os.PathLike[str]

_KEY = r'^\s*%s\s*=\s*"([^"\n]*)"\s*$'
_MAX_FILE_BYTES = 65_536
_NAME = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A public key and, from a secret file, its secret half; each 40 characters of Z85."""

    public: bytes
    secret: bytes | None = None

    def __repr__(self) -> str:
        return f"KeyPair({self.public.decode()}{'' if self.secret is None else ', secret'})"


def check_key_name(name: str) -> None:
    """Raise ParameterError where key files cannot be named so."""
    if not _NAME.match(name):
        raise ParameterError(f"key name {name!r} is not allowed: letters, digits, dots, dashes, underscores")


def make_key_files(folder: PathLike, name: str) -> tuple[Path, Path]:
    """Write a new pair of keys into `folder` and return the paths NAME.key (public) and NAME.key_secret.

    The secret file can be read by its owner alone. Neither may exist.

    Raises ParameterError where the name is not allowed, OutputError where a file cannot be written or exists.
    """
    check_key_name(name)
    public, secret = zmq.curve_keypair()
    public_path, secret_path = Path(folder) / f"{name}.key", Path(folder) / f"{name}.key_secret"
    for path in (public_path, secret_path):
        if path.exists():
            raise OutputError(f"{path}: exists already; keys are never overwritten")
    written: list[Path] = []
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for path, pair, mode in (
            (secret_path, KeyPair(public, secret), 0o600),
            (public_path, KeyPair(public), 0o644),
        ):
            # Created with its mode: a secret is at no moment readable by others.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            written.append(path)
            with os.fdopen(descriptor, "w") as file:
                file.write(_certificate(pair))
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise OutputError(
            f"{error.filename or folder}: cannot be written: {error.strerror or error}"
        ) from None
    return public_path, secret_path


def load_public_key(path: PathLike) -> bytes:
    """Return the public key in a key file.

    Raises ParameterError where it cannot be read or is no key file.
    """
    return _key(path, _text(path), "public-key")


def load_secret_key(path: PathLike) -> KeyPair:
    """Return the pair of keys in a secret key file.

    Raises ParameterError where it cannot be read, is no secret key file, holds halves that do not belong
    together, or where others than its owner may read it.
    """
    text = _text(path)
    public, secret = _key(path, text, "public-key"), _key(path, text, "secret-key")
    mode = stat.S_IMODE(os.stat(path).st_mode)
    if os.name == "posix" and mode & 0o077:
        raise ParameterError(
            f"{path}: a secret key that others may read (mode {mode:04o}); chmod 600 it, or make a new one"
        )
    if zmq.curve_public(secret) != public:
        raise ParameterError(f"{path}: the secret key does not belong to the public key")
    return KeyPair(public, secret)


def load_allowed_clients(folder: PathLike) -> frozenset[bytes]:
    """Return the public keys of all *.key files in a folder.

    Raises ParameterError where there is none, or one cannot be read.
    """
    path = Path(folder)
    if not path.is_dir():
        raise ParameterError(f"{path}: no folder of allowed clients' public keys")
    keys = frozenset(load_public_key(file) for file in sorted(path.glob("*.key")))
    if not keys:
        raise ParameterError(f"{path}: holds no *.key file, so nobody would be allowed")
    return keys


def _certificate(pair: KeyPair) -> str:
    kind = "public key" if pair.secret is None else "SECRET key: give it to nobody"
    lines = [f"#   eventsim CURVE {kind}", "metadata", "curve", f'    public-key = "{pair.public.decode()}"']
    if pair.secret is not None:
        lines.append(f'    secret-key = "{pair.secret.decode()}"')
    return "\n".join(lines) + "\n"


def _text(path: PathLike) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(_MAX_FILE_BYTES).decode()
    except OSError as error:
        raise ParameterError(f"{path}: key file cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise ParameterError(f"{path}: not a key file") from None


def _key(path: PathLike, text: str, field: str) -> bytes:
    match = re.search(_KEY % field, text, re.MULTILINE)
    if match is None:
        raise ParameterError(f"{path}: not a key file with a {field}")
    key = match[1].encode()
    try:
        zmq.curve_public(key)
    except (zmq.ZMQError, ValueError):
        raise ParameterError(f"{path}: its {field} is no CURVE key of 40 characters") from None
    return key
