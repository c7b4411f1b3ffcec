"""One end of a measured connection: python -m benchmarks.transport_process send|receive OPTIONS (JSON).

The sender prints its address as soon as it listens; both print what they measured when they are done.
"""

import json
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
import zmq

from streams.dvs_block import DvsBlock
from streams.pacing import pace
from streams.publisher import Publisher
from streams.subscriber import Subscriber

WIDTH, HEIGHT = 640, 480
LIMIT_S = 60.0
PACKED = np.dtype([("t", "<i8"), ("x", "<u2"), ("y", "<u2"), ("p", "?")])
_HIGH_WATER_MARK = 16


class Options(msgspec.Struct, kw_only=True):
    """What is measured.

    carrier : "eventsim", "eventsim live", or a plain PUSH and PULL of "pickle", "msgspec" (header and arrays
    as they are) or "packed" (header and 13-byte records).
    events : per message. rate_hz : events per second at most.
    """

    carrier: str
    seconds: float
    events: int
    rate_hz: float | None = None
    seed: int = 0
    address: str = "tcp://127.0.0.1:0"


class End(msgspec.Struct, kw_only=True):
    """What one end measured. per_second : events in each whole second."""

    events: int
    messages: int
    seconds: float
    cpu_s: float
    lost_events: int = 0
    wrong_messages: int = 0
    per_second: list[int] = []


def blocks(options: Options) -> Iterator[DvsBlock]:
    """Yield blocks of random events for as long as is measured; where a rate is given, in its time."""
    n, rng = options.events, np.random.default_rng(options.seed)
    length_ns = round(n / (options.rate_hz or 5e6) * 1e9)
    times = np.sort(rng.integers(0, length_ns, n))
    x = rng.integers(0, WIDTH, n).astype(np.uint16)
    y = rng.integers(0, HEIGHT, n).astype(np.uint16)
    on = rng.random(n) < 0.5
    start_ns, until = 0, time.monotonic() + options.seconds
    while time.monotonic() < until:
        yield DvsBlock(times + start_ns, x, y, on, WIDTH, HEIGHT, start_ns, start_ns + length_ns)
        start_ns += length_ns


def send(options: Options) -> End:
    """Send blocks and return what was sent."""
    if options.carrier.startswith("eventsim"):
        return _send_stream(options)
    with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
        socket.setsockopt(zmq.SNDHWM, _HIGH_WATER_MARK)
        socket.bind(options.address)
        _tell(socket.getsockopt_string(zmq.LAST_ENDPOINT))
        encode = _ENCODERS[options.carrier]
        end = _sent(options, lambda block: socket.send_multipart(encode(block)))
        socket.send_multipart([b""])
        return end


def _send_stream(options: Options) -> End:
    live = options.carrier == "eventsim live"
    with Publisher(options.address, "camera", mode="live" if live else "lossless") as out:
        _tell(out.address)
        out.wait_for_subscribers(1, LIMIT_S)
        return _sent(options, out.send)


def _sent(options: Options, hand_over: Callable[[DvsBlock], object]) -> End:
    made = blocks(options)
    n_messages, begun, cpu = 0, time.monotonic(), time.process_time()
    for block in made if options.rate_hz is None else pace(made):
        hand_over(block)
        n_messages += 1
    passed_s, cpu_s = time.monotonic() - begun, time.process_time() - cpu
    return End(events=n_messages * options.events, messages=n_messages, seconds=passed_s, cpu_s=cpu_s)


def receive(options: Options) -> End:
    """Receive until the end and return what came; every message is compared with what was sent."""
    expected = next(blocks(options))
    counted: list[tuple[float, int]] = []
    wrong, lost = 0, [0]
    cpu = time.process_time()
    for block in _received(options, lost):
        counted.append((time.monotonic(), block.time_ns.size))
        shift = block.start_ns - expected.start_ns
        right = block.time_ns[-1] - shift == expected.time_ns[-1] and np.array_equal(block.x, expected.x)
        wrong += not (right and np.array_equal(block.on, expected.on))
    cpu_s = time.process_time() - cpu
    at = np.array([when for when, _ in counted]) - counted[0][0]
    n = np.array([count for _, count in counted])
    per_second = np.bincount(at.astype(int), weights=n)[: int(at[-1])]
    return End(
        # The first message began before the time that is counted.
        events=int(n[1:].sum()),
        messages=len(counted),
        seconds=float(at[-1]),
        cpu_s=cpu_s,
        lost_events=lost[0],
        wrong_messages=wrong,
        per_second=[int(count) for count in per_second],
    )


def _received(options: Options, lost: list[int]) -> Iterator[DvsBlock]:
    if options.carrier.startswith("eventsim"):
        live = options.carrier == "eventsim live"
        with Subscriber(
            options.address, "camera", mode="live" if live else "lossless", timeout_s=LIMIT_S
        ) as stream:
            for received in stream:
                assert isinstance(received.block, DvsBlock)
                yield received.block
            lost[0] = stream.statistics.lost_items + stream.statistics.missed_items
        return
    with zmq.Context() as context, context.socket(zmq.PULL) as socket:
        socket.setsockopt(zmq.RCVHWM, _HIGH_WATER_MARK)
        socket.connect(options.address)
        decode = _DECODERS[options.carrier]
        while len(frames := socket.recv_multipart()) > 1:
            yield decode(frames)


def _pickled(block: DvsBlock) -> list[Any]:
    arrays = (block.time_ns, block.x, block.y, block.on, block.start_ns, block.end_ns)
    return [b"dvs", pickle.dumps(arrays, protocol=5)]


def _from_pickle(frames: list[bytes]) -> DvsBlock:
    times, x, y, on, start_ns, end_ns = pickle.loads(frames[1])
    return DvsBlock(times, x, y, on, WIDTH, HEIGHT, start_ns, end_ns)


def _plain_header(block: DvsBlock) -> bytes:
    return msgspec.json.encode({"n": len(block), "start": block.start_ns, "end": block.end_ns})


def _as_arrays(block: DvsBlock) -> list[Any]:
    return [_plain_header(block), block.time_ns, block.x, block.y, block.on]


def _from_arrays(frames: list[bytes]) -> DvsBlock:
    header = msgspec.json.decode(frames[0])
    times, x = np.frombuffer(frames[1], np.int64), np.frombuffer(frames[2], np.uint16)
    y = np.frombuffer(frames[3], np.uint16)
    on = np.frombuffer(frames[4], np.bool_)
    return DvsBlock(times, x, y, on, WIDTH, HEIGHT, header["start"], header["end"])


def _as_records(block: DvsBlock) -> list[Any]:
    records = np.empty(len(block), PACKED)
    records["t"], records["x"], records["y"], records["p"] = block.time_ns, block.x, block.y, block.on
    return [_plain_header(block), records]


def _from_records(frames: list[bytes]) -> DvsBlock:
    header, records = msgspec.json.decode(frames[0]), np.frombuffer(frames[1], PACKED)
    times, x, y, on = (np.ascontiguousarray(records[name]) for name in ("t", "x", "y", "p"))
    return DvsBlock(times, x, y, on, WIDTH, HEIGHT, header["start"], header["end"])


_ENCODERS: dict[str, Callable[[DvsBlock], list[Any]]] = {
    "pickle": _pickled,
    "msgspec": _as_arrays,
    "packed": _as_records,
}
_DECODERS: dict[str, Callable[[list[bytes]], DvsBlock]] = {
    "pickle": _from_pickle,
    "msgspec": _from_arrays,
    "packed": _from_records,
}


def _tell(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    """Measure one end."""
    options = msgspec.json.decode(sys.argv[2], type=Options)
    end = send(options) if sys.argv[1] == "send" else receive(options)
    _tell(json.dumps(msgspec.to_builtins(end)))


if __name__ == "__main__":
    main()
