"""One end of a live chain: python -m benchmarks.live_latency_process play|receive ARGUMENTS.

`play FILE BLOCK_MS SPEED` sends a sound file as a microphone would, and prints its address first; `receive
ADDRESS` prints, as JSON, how late each message came, counted from the end of the sound behind it.
"""

import sys
import time
from pathlib import Path

import msgspec

from streams.audio_file import AudioFile
from streams.pacing import pace
from streams.publisher import Publisher
from streams.subscriber import Subscriber

WAIT_S = 120.0


class Arrivals(msgspec.Struct, kw_only=True):
    """What a receiver saw.

    latency_ns : of each message, in order. decisions : how many decisions the message held (of sound, 0).
    """

    stream_kind: str
    latency_ns: list[int]
    decisions: list[int]
    lost_messages: int
    missed_messages: int


class _Clock:
    """A monotonic clock that remembers when it was first asked: when the replay began."""

    def __init__(self) -> None:
        self.began_ns: int | None = None

    def __call__(self) -> int:
        now_ns = time.monotonic_ns()
        if self.began_ns is None:
            self.began_ns = now_ns
        return now_ns


def play(file: Path, block_ms: float, speed: float) -> None:
    """Send a file at its pace to two subscribers.

    A block's origin is when its last sample was due, not when this process woke up for it: that a sleep ends
    late counts as latency.
    """
    source = AudioFile(file)
    source = AudioFile(file, max(1, round(block_ms * source.rate_hz / 1000)))
    with Publisher("tcp://127.0.0.1:0", "sound") as publisher:
        _tell(publisher.address)
        if not publisher.wait_for_subscribers(2, WAIT_S):
            return
        clock = _Clock()
        wall_ns = time.time_ns() - time.monotonic_ns()
        for block in pace(source, speed, clock_ns=clock):
            due_ns = (clock.began_ns or 0) + round(block.end_sample * 1e9 / block.rate_hz / speed)
            publisher.send(block, wall_ns + due_ns)


def receive(address: str) -> Arrivals:
    """Return what came from an address until its stream ended."""
    latency_ns, decisions, kind = [], [], ""
    with Subscriber(address, timeout_s=WAIT_S) as subscriber:
        for received in subscriber:
            header = received.header
            if header.origin_ns is None:
                continue
            kind = str(header.__struct_config__.tag)
            latency_ns.append(received.received_ns - header.origin_ns)
            decisions.append(header.n_items if kind == "decisions" else 0)
        counts = subscriber.statistics
    return Arrivals(
        stream_kind=kind,
        latency_ns=latency_ns,
        decisions=decisions,
        lost_messages=counts.lost_messages,
        missed_messages=counts.missed_messages,
    )


def _tell(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "play":
        play(Path(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
    else:
        _tell(msgspec.json.encode(receive(sys.argv[2])).decode())
