"""The sockets of a publisher: their options, their keys, and how they are closed."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import zmq

from eventsim.errors import OutputError, ParameterError
from streams.connection_watch import ConnectionWatch
from streams.curve_access import ClientAccess, be_server, guard
from streams.socket_address import SocketAddress

Context = zmq.Context[zmq.Socket[bytes]]

HEARTBEAT_MS = 2_000
"""ZeroMQ's own, on the connection: a peer whose machine vanished is noticed within a few of them."""
RECONNECT_MS = 100
MAX_RECONNECT_MS = 2_000


@dataclass(frozen=True, slots=True)
class OpenSockets:
    """Sockets, the watches of their connections, and where they listen or connect to."""

    context: Context
    sockets: list[zmq.Socket[bytes]]
    watches: list[ConnectionWatch]
    endpoints: tuple[str, ...]
    access: ClientAccess | None

    def close(self, linger_s: float) -> None:
        """Close everything; what is on its way may still leave within `linger_s`."""
        for watch in self.watches:
            with suppress(zmq.ZMQError):
                watch.close()
        for socket in self.sockets:
            socket.close(linger=int(linger_s * 1000))
        if self.access is not None:
            self.access.stop()
        self.context.term()


def set_connection_options(socket: "zmq.Socket[bytes]") -> None:
    """Notice vanished peers, and try again soon where a connection breaks."""
    socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
    socket.setsockopt(zmq.HEARTBEAT_TIMEOUT, 5 * HEARTBEAT_MS)
    socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, MAX_RECONNECT_MS)
    # Holds for connections that break while the socket is open: by default what was still to leave through
    # one of them is waited for without end, and the linger that `close` gives comes too late for it.
    socket.setsockopt(zmq.LINGER, 0)


def open_sockets(
    addresses: Sequence[SocketAddress],
    *,
    live: bool,
    high_water_mark: int,
    server_keys: str | os.PathLike[str] | None,
    allowed_clients: str | os.PathLike[str] | None,
) -> OpenSockets:
    """Return the open sockets: one for all addresses where live, else one for each.

    Raises OutputError where an address cannot be used, ParameterError where a key file cannot.
    """
    if allowed_clients is not None and server_keys is None:
        raise ParameterError(
            "allowed_clients needs server_keys: without keys nobody can be told from another"
        )
    context: Context = zmq.Context()
    sockets: list[zmq.Socket[bytes]] = []
    watches: list[ConnectionWatch] = []
    access = None
    try:
        access = guard(context, allowed_clients)
        endpoints = []
        for _ in addresses[:1] if live else addresses:
            sockets.append(_socket(context, zmq.XPUB if live else zmq.PUSH, high_water_mark))
            if server_keys is not None:
                be_server(sockets[-1], server_keys)
            watches.append(ConnectionWatch(sockets[-1]))
        for index, address in enumerate(addresses):
            endpoints.append(address.open(sockets[0 if live else index], OutputError))
    except BaseException:
        OpenSockets(context, sockets, watches, (), access).close(0)
        raise
    return OpenSockets(context, sockets, watches, tuple(endpoints), access)


def _socket(context: Context, kind: int, high_water_mark: int) -> "zmq.Socket[bytes]":
    socket = context.socket(kind)
    set_connection_options(socket)
    socket.setsockopt(zmq.SNDHWM, high_water_mark)
    if kind == zmq.XPUB:
        # Tells of every subscriber that comes and goes, also where another has subscribed to the same.
        socket.setsockopt(zmq.XPUB_VERBOSER, 1)
    else:
        # Only consumers that are there get messages.
        socket.setsockopt(zmq.IMMEDIATE, 1)
    return socket
