"""Addresses of streams: tcp and ipc, bound or connected to, with errors in one line."""

import errno
from dataclasses import dataclass

import zmq

from eventsim.errors import EventSimError, ParameterError

MAX_ADDRESS_LENGTH = 255


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """Where a socket is bound, or what it connects to.

    >>> SocketAddress.parse("@tcp://*:5555", bind=False).bind
    True
    """

    endpoint: str
    bind: bool

    @classmethod
    def parse(cls, text: str, *, bind: bool) -> "SocketAddress":
        """Return the address in `text`; a leading @ binds, a leading > connects, else `bind` decides.

        Raises ParameterError where it is no address of a stream.
        """
        shown = repr(text if len(text) <= 80 else text[:80] + "...")
        endpoint = text
        if text[:1] in ("@", ">"):
            bind, endpoint = text[0] == "@", text[1:]
        scheme, separator, rest = endpoint.partition("://")
        if not separator or scheme not in ("tcp", "ipc") or not rest or len(text) > MAX_ADDRESS_LENGTH:
            raise ParameterError(
                f"address {shown} is not allowed: tcp://HOST:PORT or ipc://PATH, with @ before it to bind, "
                "> to connect"
            )
        if not endpoint.isprintable() or " " in endpoint:
            raise ParameterError(f"address {shown} holds a space or a control character")
        if scheme == "ipc" and len(rest.encode()) > zmq.IPC_PATH_MAX_LEN:
            raise ParameterError(
                f"address {shown}: a path of {zmq.IPC_PATH_MAX_LEN} bytes at most is allowed"
            )
        if scheme == "tcp":
            _check_host_and_port(shown, rest, bind)
        return cls(endpoint, bind)

    def open(self, socket: "zmq.Socket[bytes]", error: type[EventSimError]) -> str:
        """Bind or connect a socket and return the endpoint, with the port chosen where it was 0 or *.

        Raises `error` in one line where that is not possible.
        """
        try:
            if "[" in self.endpoint:
                socket.setsockopt(zmq.IPV6, 1)
            if self.bind:
                socket.bind(self.endpoint)
            else:
                socket.connect(self.endpoint)
        except zmq.ZMQError as problem:
            doing = "listen on" if self.bind else "connect to"
            raise error(f"cannot {doing} {self.endpoint}: {_reason(problem)}") from None
        return socket.getsockopt_string(zmq.LAST_ENDPOINT) if self.bind else self.endpoint


def _check_host_and_port(shown: str, rest: str, bind: bool) -> None:
    host, separator, port = rest.rpartition(":")
    if not separator or not host:
        raise ParameterError(f"address {shown} has no host and port: tcp://HOST:PORT")
    free = port in ("*", "0")
    if not (free or (port.isascii() and port.isdigit() and int(port) <= 65_535)):
        raise ParameterError(f"address {shown}: port {port[:20]!r} is not a number from 1 to 65535")
    if not bind and (free or host == "*"):
        raise ParameterError(f"address {shown} can be listened on, not connected to")


def _reason(problem: zmq.ZMQError) -> str:
    known = {
        zmq.EADDRINUSE: "the address is in use by another program",
        errno.ENODEV: "this machine has no such address",
        zmq.EADDRNOTAVAIL: "this machine has no such address",
        zmq.EINVAL: "not a valid address",
    }
    code = problem.errno if problem.errno is not None else -1
    return known.get(code, (problem.strerror or str(problem)).lower())
