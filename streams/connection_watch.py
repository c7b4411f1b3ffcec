"""What happens on the connections of a socket: who came, who went, whose keys were refused."""

import time
from dataclasses import dataclass

import zmq
from zmq.utils.monitor import parse_monitor_message

_FAILURES = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
)
_OPENED = zmq.EVENT_ACCEPTED | zmq.EVENT_CONNECTED
_EVENTS = (
    _OPENED | zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED | _FAILURES
)
_RETRY_S = 0.5


@dataclass(frozen=True, slots=True)
class Refusal:
    """A handshake that failed. certain : it will fail again; else the peer may just have gone."""

    reason: str
    certain: bool


class ConnectionWatch:
    """Counts the connections of one socket and collects the handshakes that failed.

    Used by the thread that owns the socket; `monitor` becomes readable when there is something to `read`.
    """

    def __init__(self, socket: "zmq.Socket[bytes]") -> None:
        self._socket = socket
        endpoint = f"inproc://watch-{id(self):x}"
        socket.monitor(endpoint, _EVENTS)
        self.monitor: zmq.Socket[bytes] = socket.context.socket(zmq.PAIR)
        # Without bound, unlike that of `get_monitor_socket`: when nobody reads, as in a subscriber left alone
        # for an hour without its publisher, a full one stops ZeroMQ's thread, and closing waits for that.
        self.monitor.setsockopt(zmq.RCVHWM, 0)
        self.monitor.setsockopt(zmq.LINGER, 0)
        self.monitor.connect(endpoint)
        self.connected = 0
        self.disconnections = 0
        self._open = 0
        self._stranded: list[str] = []
        self._broken: tuple[str, float] | None = None

    def read(self) -> list[Refusal]:
        """Take in what happened, and return the handshakes that failed."""
        refusals = []
        while self.monitor.poll(0):
            event = parse_monitor_message(self.monitor.recv_multipart())
            if event["event"] & _OPENED:
                self._open += 1
                continue
            retried, broken = event["event"] == zmq.EVENT_CONNECT_RETRIED, self._broken
            if broken is not None:
                if not retried:
                    self._stranded.append(broken[0])
                self._broken = None
            if event["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self.connected += 1
                self._settle()
            elif event["event"] == zmq.EVENT_DISCONNECTED:
                self._open -= 1
                self._settle()
                self._broken = event["endpoint"].decode(errors="replace"), time.monotonic()
            elif event["event"] & _FAILURES:
                refusals.append(_refusal(event["event"], event["value"]))
        return refusals

    def stranded(self) -> list[str]:
        """Return the endpoints whose connections broke without being tried again.

        ZeroMQ tries again at once, and says so next, unless the other end broke the protocol; a message
        beyond MAXMSGSIZE counts as that.
        """
        if self._broken is not None and time.monotonic() - self._broken[1] > _RETRY_S:
            self._stranded.append(self._broken[0])
            self._broken = None
        endpoints, self._stranded = self._stranded, []
        return endpoints

    def _settle(self) -> None:
        """Count as broken what is connected beyond the open connections.

        A connection that never got through its handshake is told as disconnected too, whether or not its
        failure was, and nothing says which one it was: as long as another is in its handshake it is taken for
        that one, and set right when that one is through, or gone.
        """
        broken = max(0, self.connected - self._open)
        self.disconnections += broken
        self.connected -= broken

    def close(self) -> None:
        """End the watch; the socket must still be open."""
        self._socket.disable_monitor()
        self.monitor.close()


def _refusal(event: int, value: int) -> Refusal:
    if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
        return Refusal(f"the key is not among those allowed (status {value})", True)
    if event == zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL:
        if value == zmq.PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH:
            return Refusal("one side uses CURVE keys and the other does not", True)
        if value == zmq.PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC:
            return Refusal("the keys do not fit each other", True)
        return Refusal(f"the other side does not speak ZeroMQ's protocol as expected (0x{value:x})", True)
    return Refusal("the other side closed the connection during the handshake", False)
