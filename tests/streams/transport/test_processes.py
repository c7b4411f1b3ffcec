"""Publishers and subscribers as processes of their own, killed, restarted, and too slow."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.subscriber import Subscriber
from tests.streams.transport.generated_blocks import bits, sound

ROOT = Path(__file__).parents[3]
LIMIT_S = 60.0


class Processes:
    """Starts processes, and leaves none behind."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[str]] = []

    def start(self, module: str, **options: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", f"tests.streams.transport.{module}", json.dumps(options)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._started.append(subprocess.Popen(command, cwd=ROOT, text=True, **pipes))
        return self._started[-1]

    def publisher(
        self, address: str = "tcp://127.0.0.1:0", **options: object
    ) -> tuple[subprocess.Popen[str], str]:
        process = self.start("publishing_process", address=address, stream="s", **options)
        return process, process.stdout.readline().strip()

    def kill_all(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate(timeout=LIMIT_S)


@pytest.fixture
def processes() -> Iterator[Processes]:
    started = Processes()
    yield started
    started.kill_all()


def order(process: subprocess.Popen[str], command: str) -> None:
    process.stdin.write(command + "\n")
    process.stdin.flush()


def done(process: subprocess.Popen[str], command: str) -> str:
    order(process, command)
    return process.stdout.readline().strip()


@pytest.mark.timeout(180)
def test_a_publisher_that_is_killed_and_restarted_is_followed(processes: Processes) -> None:
    first, address = processes.publisher()
    with Subscriber(address, "s", timeout_s=LIMIT_S) as stream:
        done(first, "wait 1")
        done(first, "send 10")
        before = [stream.receive(LIMIT_S) for _ in range(10)]
        first.send_signal(signal.SIGKILL)
        first.wait(LIMIT_S)
        assert stream.receive(0.3) is None
        second, same = processes.publisher(address)
        assert same == address
        order(second, "wait 1")
        while stream.statistics.restarts == 0:
            assert stream.receive(0.05) is None
        assert second.stdout.readline() == "wait 0\n"
        done(second, "send 5")
        after = [stream.receive(LIMIT_S) for _ in range(5)]
        order(second, "end")
        assert stream.receive(LIMIT_S) is None
        counts = stream.statistics
    for received in (before, after):
        assert [bits(r.block) for r in received] == [bits(sound(160 * i, 160)) for i in range(len(received))]
    assert [r.restarted for r in before + after] == [False] * 10 + [True] + [False] * 4
    assert (counts.restarts, counts.unfinished, counts.disconnections) == (1, 1, 1)
    assert (counts.lost_messages, counts.missed_messages, counts.received_messages) == (0, 0, 15)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("mode", ["live", "lossless"])
def test_a_subscriber_that_is_killed_does_not_stop_the_others(processes: Processes, mode: str) -> None:
    """The next consumer gets the rest, and is told exactly how much it missed."""
    publisher, address = processes.publisher(mode=mode)
    victim = processes.start("receiving_process", address=address, stream="s", mode=mode, hold=True)
    order(publisher, "wait 1")
    assert publisher.stdout.readline() == "wait 0\n"
    order(publisher, "send 1")
    assert victim.stdout.readline() == "first\n"
    assert publisher.stdout.readline() == "send 1\n"
    victim.send_signal(signal.SIGKILL)
    victim.wait(LIMIT_S)
    with Subscriber(address, "s", mode=mode, timeout_s=LIMIT_S) as stream:
        while not stream.descriptions:
            assert stream.receive(0.05) is None
        order(publisher, "send 20")
        taken = [stream.receive(LIMIT_S) for _ in range(20)]
        assert publisher.stdout.readline() == "send 21\n"
        order(publisher, "end")
        assert stream.receive(LIMIT_S) is None
        counts = stream.statistics
    assert [bits(r.block) for r in taken] == [bits(sound(160 * i, 160)) for i in range(1, 21)]
    assert (counts.missed_messages, counts.missed_items, counts.lost_messages) == (1, 160, 0)
    assert publisher.wait(LIMIT_S) == 0


@pytest.mark.timeout(240)
def test_a_slow_subscriber_beside_a_fast_one(processes: Processes) -> None:
    """The fast one gets everything; what the slow one lost is counted to the sample."""
    size, n = 20_000, 600
    publisher, address = processes.publisher(
        block_samples=size, high_water_mark=20, linger_s=60.0, heartbeat_s=0.05
    )
    options = {"address": address, "stream": "s", "timeout_s": LIMIT_S, "high_water_mark": 2}
    slow = processes.start("receiving_process", **options, pause_s=0.05)
    assert done(publisher, "wait 1") == "wait 0"
    with Subscriber(address, "s", timeout_s=LIMIT_S) as fast:
        assert done(publisher, "wait 2") == "wait 0"
        for number in range(n):
            # As fast as the fast one reads, so that it can never fall behind.
            order(publisher, "send 1")
            received = fast.receive(LIMIT_S)
            assert bits(received.block) == bits(sound(number * size, size))
            assert publisher.stdout.readline() == f"send {number + 1}\n"
        order(publisher, "end")
        assert fast.receive(LIMIT_S) is None
        assert (fast.statistics.received_messages, fast.statistics.lost_messages) == (n, 0)
    assert slow.stdout.readline() == "first\n"
    counts = json.loads(slow.stdout.readline())
    assert slow.wait(LIMIT_S) == 0
    assert counts["right"]
    assert counts["lost_messages"] > 0
    assert counts["missed_messages"] == 0
    assert counts["received_messages"] + counts["lost_messages"] == n
    assert counts["received_items"] + counts["lost_items"] == n * size
    assert counts["lost_items"] == counts["lost_messages"] * size
    assert publisher.wait(LIMIT_S) == 0
