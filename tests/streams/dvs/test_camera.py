"""Live event cameras, through an object that stands in for neuromorphic-drivers: none is plugged in here."""

import re
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from until_refused import read_until_refused

from eventsim.errors import SourceError
from streams.dvs.camera import CameraDevice, DvsCamera, list_cameras

DTYPE = [("t", "<u8"), ("x", "<u2"), ("y", "<u2"), ("on", "?")]


class Name(Enum):
    EVK4 = "Prophesee EVK4"


class Connection(Enum):
    USB_SUPER = "USB 3.0 SuperSpeed (5.0 Gb/s)"


def packet(
    *events: tuple[int, int, int, bool], now_us: int | None = None, dropped: int = 0
) -> tuple[Any, Any]:
    """One answer of a camera: its status and what it saw."""
    ring = SimpleNamespace(current_t=now_us, dropped_packets=dropped)
    found = np.array(list(events), DTYPE) if events else None
    return SimpleNamespace(ring=ring), SimpleNamespace(polarity_events=found)


NOTHING = (SimpleNamespace(ring=None), SimpleNamespace(polarity_events=None))
"""What the library answers after `iterator_timeout`."""


class Device:
    """A camera that answers with `answers`, one after the other; an exception is raised."""

    def __init__(self, answers: list[Any]) -> None:
        self._answers: Iterator[Any] = iter(answers)
        self.closed = 0
        self.busy = False

    def __next__(self) -> Any:
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        self.busy = True  # as the library is while a thread waits in it
        answer = answer() if callable(answer) else answer
        self.busy = False
        return answer

    def properties(self) -> Any:
        return SimpleNamespace(width=8, height=6)

    def name(self) -> Name:
        return Name.EVK4

    def serial(self) -> str:
        return "00042"

    def close(self) -> None:
        if self.busy:
            raise RuntimeError("Already borrowed")
        self.closed += 1


class Drivers:
    """Stands in for the module neuromorphic_drivers."""

    def __init__(self, *answers: Any, refuse: Exception | None = None, n_devices: int = 1) -> None:
        self.device = Device(list(answers))
        self.refuse, self.n_devices = refuse, n_devices
        self.opened: dict[str, Any] = {}

    def list_devices(self) -> list[Any]:
        listed = SimpleNamespace(name=Name.EVK4, connection=Connection.USB_SUPER, serial="00042", error=None)
        return [listed] * self.n_devices

    def open(self, **options: Any) -> Device:
        self.opened = options
        if self.refuse:
            raise self.refuse
        return self.device


def test_events_come_in_blocks_from_the_first_on() -> None:
    drivers = Drivers(
        packet((5_000, 1, 2, True), (5_400, 3, 4, False)),
        NOTHING,
        packet((16_000, 7, 5, True)),
        packet(now_us=36_000),
    )
    with DvsCamera("00042", block_ms=10.0, drivers=drivers) as camera:
        assert (camera.width, camera.height) == (8, 6)
        assert drivers.opened["serial"] == "00042"
        blocks, _ = read_until_refused(camera)
    assert drivers.device.closed == 1
    # The camera's own clock ends blocks without events: 36 ms is 31 ms after the first event.
    assert [(b.start_ns, b.end_ns, b.time_ns.tolist()) for b in blocks] == [
        (0, 10_000_000, [0, 400_000]),
        (10_000_000, 20_000_000, [11_000_000]),
        (20_000_000, 30_000_000, []),
    ]
    assert blocks[0].x.tolist() == [1, 3]
    assert blocks[0].on.tolist() == [True, False]
    assert camera.statistics.events == 3
    assert camera.statistics.lines() == []


def test_closing_while_it_runs_ends_the_stream() -> None:
    camera: DvsCamera

    def close_and_stop() -> Any:
        camera.close()
        return NOTHING

    drivers = Drivers(packet((0, 1, 1, True), (1, 1, 1, True)), close_and_stop)
    camera = DvsCamera(drivers=drivers)
    assert sum(map(len, camera)) == 2
    camera.close()
    assert drivers.device.closed == 1


@pytest.mark.parametrize("end", [RuntimeError("device disconnected\nmore"), OSError("gone"), StopIteration()])
def test_unplugged_while_running_is_one_line_after_what_was_seen(end: Exception) -> None:
    camera = DvsCamera(drivers=Drivers(packet((0, 1, 1, True), (7, 1, 1, True)), end))
    blocks, line = read_until_refused(camera)
    assert sum(map(len, blocks)) == 2
    assert re.match(r"event camera Prophesee EVK4 00042: stopped.*unplugged\?", line)


def test_a_silent_camera_is_told() -> None:
    camera = DvsCamera(drivers=Drivers(*[NOTHING] * 1000), timeout_s=0.0)
    with pytest.raises(SourceError, match=r"delivers nothing \(waited 0 s; suspended or unplugged\?\)"):
        list(camera)


def times_and_counts(*answers: Any, timeout_s: float = 5.0) -> tuple[list[int], Any]:
    camera = DvsCamera(drivers=Drivers(*answers), timeout_s=timeout_s)
    blocks, line = read_until_refused(camera)
    assert "stopped" in line
    times = [t for block in blocks for t in block.time_ns.tolist()]
    return [t // 1000 for t in times], camera.statistics


def test_a_camera_clock_that_jumps_back_is_counted_and_survived() -> None:
    times, statistics = times_and_counts(
        packet((1_000_000, 1, 1, True), (1_000_100, 1, 1, True)),
        packet((50, 2, 2, True), (150, 2, 2, True)),
        packet((140, 3, 3, True), (350, 3, 3, True)),
    )
    assert times == [0, 100, 100, 200, 200, 400]
    assert statistics.order.clock_resets == 1
    assert statistics.order.late_events == 1
    assert any(line.startswith("clock jumps: 1") for line in statistics.lines())


def test_a_camera_clock_that_jumps_ahead_is_counted_and_survived() -> None:
    times, statistics = times_and_counts(
        packet((0, 1, 1, True), (100, 1, 1, True)),
        packet((10**15, 2, 2, True), (10**15 + 7, 2, 2, True)),
        packet(now_us=2 * 10**15),
    )
    assert times == [0, 100, 100, 107]
    assert statistics.order.clock_resets == 1


def test_lost_packets_and_impossible_pixels_are_counted() -> None:
    times, statistics = times_and_counts(
        packet((0, 1, 1, True), (5, 8, 1, True), (6, 1, 6, True), (7, 7, 5, True), dropped=2),
        packet(now_us=9, dropped=3),  # from the start on
    )
    assert times == [0, 7]
    assert statistics.lines() == [
        "USB packets lost before they were read: 3",
        "events outside the sensor left out: 2",
    ]


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: Drivers(n_devices=0), "event camera 7: none is plugged in"),
        (
            lambda: Drivers(refuse=RuntimeError("Access denied")),
            r"event camera 7: cannot be opened \(Access denied\)",
        ),
    ],
)
def test_a_camera_that_is_not_there_or_refuses(make: Callable[[], Drivers], what: str) -> None:
    with pytest.raises(SourceError, match=what):
        DvsCamera("7", drivers=make())


def test_cameras_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "neuromorphic_drivers", Drivers())
    assert list_cameras() == [CameraDevice("Prophesee EVK4", "00042", "USB 3.0 SuperSpeed (5.0 Gb/s)", None)]
    broken = SimpleNamespace(list_devices=lambda: (_ for _ in ()).throw(RuntimeError("Other error")))
    monkeypatch.setitem(sys.modules, "neuromorphic_drivers", broken)
    with pytest.raises(SourceError, match=r"USB devices cannot be listed \(Other error\)"):
        list_cameras()
    monkeypatch.setitem(sys.modules, "neuromorphic_drivers", None)
    with pytest.raises(SourceError, match=r"pip install 'eventsim\[dvs\]'"):
        list_cameras()


def test_the_library_itself_lists_cameras_or_says_why_not() -> None:
    pytest.importorskip("neuromorphic_drivers", reason="needs the extra dvs")
    try:
        listed: object = list_cameras()
    except SourceError as error:
        listed = str(error)
    assert isinstance(listed, list) or str(listed).startswith("event camera: USB devices cannot be listed")
