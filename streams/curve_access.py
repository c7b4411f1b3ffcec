"""Keys put onto sockets, and the door keeper that lets only allowed clients in."""

import os

import zmq
from zmq.auth.thread import ThreadAuthenticator

from streams.curve_keys import load_allowed_clients, load_public_key, load_secret_key

PathLike = str | os.PathLike[str]


class _AllowedKeys:
    """Answers the authenticator of pyzmq."""

    def __init__(self, keys: frozenset[bytes]) -> None:
        self._keys = keys

    def callback(self, domain: str, key: bytes) -> bool:
        """Return True where a client's public key is allowed."""
        return key in self._keys


class ClientAccess:
    """Lets only the owners of some public keys connect to the CURVE servers of a context (RFC 27, ZAP)."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", keys: frozenset[bytes]) -> None:
        self._authenticator = ThreadAuthenticator(context)
        try:
            self._authenticator.start()
            self._authenticator.configure_curve_callback("*", _AllowedKeys(keys))
        except BaseException:
            # Its sockets would keep the context from ever ending.
            self.stop()
            raise

    def stop(self) -> None:
        """End the thread that answers."""
        self._authenticator.stop()


def guard(context: "zmq.Context[zmq.Socket[bytes]]", allowed_clients: PathLike | None) -> ClientAccess | None:
    """Return the door keeper of a context, or None where every client with the server's key may come in."""
    return None if allowed_clients is None else ClientAccess(context, load_allowed_clients(allowed_clients))


def be_server(socket: "zmq.Socket[bytes]", secret_key_file: PathLike) -> None:
    """Let a socket accept only connections encrypted for this server."""
    pair = load_secret_key(secret_key_file)
    socket.curve_publickey = pair.public
    socket.curve_secretkey = pair.secret
    socket.curve_server = True


def be_client(socket: "zmq.Socket[bytes]", secret_key_file: PathLike, server_key_file: PathLike) -> None:
    """Let a socket connect only to the owner of the server's key, showing its own."""
    pair = load_secret_key(secret_key_file)
    socket.curve_publickey = pair.public
    socket.curve_secretkey = pair.secret
    socket.curve_serverkey = load_public_key(server_key_file)
