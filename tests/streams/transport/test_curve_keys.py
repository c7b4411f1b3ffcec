import os
from pathlib import Path

import pytest
import zmq
from zmq.auth import load_certificate

from eventsim.errors import OutputError, ParameterError
from streams.curve_keys import load_allowed_clients, load_public_key, load_secret_key, make_key_files


def test_keys_that_were_made_are_loaded_also_by_other_programs(tmp_path: Path) -> None:
    public_path, secret_path = make_key_files(tmp_path / "keys", "server")
    pair = load_secret_key(secret_path)
    assert load_public_key(public_path) == pair.public
    assert zmq.curve_public(pair.secret) == pair.public
    assert load_certificate(secret_path) == (pair.public, pair.secret)
    assert load_certificate(public_path) == (pair.public, None)
    assert pair.secret.decode() not in public_path.read_text()
    assert pair.secret.decode() not in repr(pair)


def test_a_secret_is_for_its_owner_alone(tmp_path: Path) -> None:
    _, secret_path = make_key_files(tmp_path, "server")
    assert secret_path.stat().st_mode & 0o777 == 0o600
    secret_path.chmod(0o640)
    with pytest.raises(ParameterError, match=r"others may read \(mode 0640\)"):
        load_secret_key(secret_path)


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    public_path, secret_path = make_key_files(tmp_path, "server")
    before = secret_path.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        make_key_files(tmp_path, "server")
    public_path.unlink()
    with pytest.raises(OutputError, match="exists already"):
        make_key_files(tmp_path, "server")
    assert secret_path.read_bytes() == before


@pytest.mark.parametrize("name", ["", "../x", "a b", "a" * 65, ".x"])
def test_names_of_keys_are_checked(tmp_path: Path, name: str) -> None:
    with pytest.raises(ParameterError, match="key name"):
        make_key_files(tmp_path, name)


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        make_key_files(tmp_path / "file", "server")


def test_files_that_are_no_keys_are_refused_by_name(tmp_path: Path) -> None:
    public_path, secret_path = make_key_files(tmp_path, "server")
    _, other_path = make_key_files(tmp_path, "other")
    with pytest.raises(ParameterError, match=r"server\.key: not a key file with a secret-key"):
        load_secret_key(public_path)
    mixed = secret_path.read_text().splitlines()[:-1] + other_path.read_text().splitlines()[-1:]
    for content, words in (
        (b"", "not a key file"),
        (os.urandom(50) + b"\xff", "not a key file"),
        (b'public-key = "short"', "no CURVE key"),
        (b'public-key = "' + b"~" * 40 + b'"\nsecret-key = "x"', "no CURVE key"),
        ("\n".join(mixed).encode(), "does not belong"),
    ):
        bad = tmp_path / "bad"
        bad.write_bytes(content)
        bad.chmod(0o600)
        with pytest.raises(ParameterError, match=words) as error:
            load_secret_key(bad)
        assert "\n" not in str(error.value)
    for missing in (tmp_path / "missing", tmp_path):
        with pytest.raises(ParameterError, match="cannot be read"):
            load_public_key(missing)


def test_allowed_clients_are_the_public_keys_of_a_folder(tmp_path: Path) -> None:
    allowed = tmp_path / "allowed"
    keys = {load_public_key(make_key_files(allowed, name)[0]) for name in ("a", "b")}
    assert load_allowed_clients(allowed) == keys
    (allowed / "c.key").write_text("nothing")
    with pytest.raises(ParameterError, match=r"c\.key"):
        load_allowed_clients(allowed)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ParameterError, match="nobody would be allowed"):
        load_allowed_clients(tmp_path / "empty")
    with pytest.raises(ParameterError, match="no folder"):
        load_allowed_clients(tmp_path / "missing")
