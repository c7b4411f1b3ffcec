"""A live event camera through neuromorphic-drivers, with every way it can fail named."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import EventError, SourceError
from streams.closed_at_exit import ClosedAtExit
from streams.dvs.as_events import DvsEvents, columns_of
from streams.dvs.block_cutter import BlockCutter, block_length_ns
from streams.dvs.error_reason import reason_of
from streams.dvs.statistics import DvsStatistics
from streams.dvs.time_order import TimeOrder
from streams.dvs_block import DvsBlock

_POLL_S = 0.1
_NS_PER_US = 1_000
_LOST_PACKETS = "USB packets lost before they were read"
_OUTSIDE = "events outside the sensor left out"


@dataclass(frozen=True, slots=True)
class CameraDevice:
    """One event camera: its name, serial number, connection, and why it cannot be used, if so."""

    name: str
    serial: str | None
    connection: str
    error: str | None


def list_cameras() -> list[CameraDevice]:
    """Return the event cameras plugged in, possibly none.

    Raises SourceError when neuromorphic-drivers is not installed, or the machine has no USB.
    """
    return _listed(_drivers())


def _listed(drivers: Any) -> list[CameraDevice]:
    try:
        devices = drivers.list_devices()
    except (RuntimeError, OSError) as error:
        # Without a USB bus the list raises instead of being empty.
        raise SourceError(f"event camera: USB devices cannot be listed ({reason_of(error)})") from None
    return [
        CameraDevice(
            str(getattr(device.name, "value", device.name)),
            None if device.serial is None else str(device.serial),
            str(getattr(device.connection, "value", device.connection)),
            None if device.error is None else str(device.error),
        )
        for device in devices
    ]


class DvsCamera(ClosedAtExit):
    """Yields what a live event camera sees until it is closed; use it in a `with` statement.

    serial : of the camera; None takes the first. timeout_s : longest wait for data.

    Time 0 is the camera's first word. A camera clock that jumps is counted and survived: time goes on from
    where it was (`statistics.order`). Raises SourceError: library or camera missing, no answer, unplugged.
    """

    def __init__(
        self,
        serial: str | None = None,
        block_ms: float = 10.0,
        timeout_s: float = 5.0,
        drivers: Any = None,
    ) -> None:
        drivers = drivers or _drivers()
        self._block_ns = block_length_ns(block_ms)
        self._timeout_s = timeout_s
        self._closed = self._released = False
        self.statistics = DvsStatistics()
        self.name = f"event camera {serial}" if serial else "event camera"
        if not _listed(drivers):
            raise SourceError(f"{self.name}: none is plugged in")
        try:
            self._device = drivers.open(serial=serial, iterator_timeout=_POLL_S)
            sensor = self._device.properties()
            self.name = f"event camera {self._device.name().value} {self._device.serial()}"
        except (RuntimeError, OSError, ValueError) as error:
            raise SourceError(f"{self.name}: cannot be opened ({reason_of(error)})") from None
        self.width, self.height = int(sensor.width), int(sensor.height)

    def close(self) -> None:
        """Stop the camera; may be called more than once."""
        if not self._closed:
            self._closed = True
            self._release()

    def _release(self) -> None:
        if not self._released:
            # Refused while another thread waits for data; that thread then lets go of the device itself.
            with suppress(RuntimeError):
                self._device.close()
                self._released = True

    def __iter__(self) -> Iterator[DvsBlock]:
        """Yield blocks as they fill up until `close` is called; what waited is given out before an error."""
        cutter = BlockCutter(self.width, self.height, self._block_ns)
        # A camera tells its time all along: a longer step ahead is a jump of its clock.
        order = TimeOrder(max_silence_ns=round(self._timeout_s * 1e9))
        reader = _Reader(self.width, self.height, order)
        try:
            for status, packet in self._packets():
                events = reader.events(status, packet)
                self.statistics = reader.statistics
                yield from cutter.push(events)
                if order.started:
                    yield from cutter.advance(order.latest_ns)
        except SourceError:
            yield from cutter.finish()
            raise
        yield from cutter.finish()

    def _packets(self) -> Iterator[tuple[Any, Any]]:
        heard = time.monotonic()
        while not self._closed:
            try:
                status, packet = next(self._device)
            except StopIteration:
                if self._closed:
                    break
                raise SourceError(f"{self.name}: stopped by itself (unplugged?)") from None
            except (RuntimeError, OSError) as error:
                if self._closed:
                    break
                raise SourceError(f"{self.name}: stopped ({reason_of(error)}; unplugged?)") from None
            # After a silence the library answers with an empty packet, but has nothing to tell of its ring.
            if getattr(status, "ring", None) is not None:
                heard = time.monotonic()
                yield status, packet
            elif time.monotonic() - heard > self._timeout_s:
                raise SourceError(
                    f"{self.name}: delivers nothing (waited {self._timeout_s:g} s; suspended or unplugged?)"
                )
        self._release()


class _Reader:
    """Brings packets into the time and the pixels of the stream, and counts what it had to change."""

    def __init__(self, width: int, height: int, order: TimeOrder) -> None:
        self._width, self._height, self._order = width, height, order
        self._origin_ns: int | None = None
        self._events = self._lost = self._outside = 0

    @property
    def statistics(self) -> DvsStatistics:
        return DvsStatistics(
            self._events, self._order.counts, {_LOST_PACKETS: self._lost, _OUTSIDE: self._outside}
        )

    def events(self, status: Any, packet: Any) -> DvsEvents:
        """Return the events of one packet; the camera's own clock moves time on where it has none."""
        ring = getattr(status, "ring", None)
        # Counted by the library from its start on.
        self._lost = int(getattr(ring, "dropped_packets", 0) or 0)
        found = getattr(packet, "polarity_events", None)
        if found is None or len(found) == 0:
            now = getattr(ring, "current_t", None)
            if now is not None:
                self._order.advance(self._since_start(np.array([now], np.int64))[0])
            return DvsEvents.none()
        try:
            stamps, x, y, on = columns_of(found)
        except EventError as error:
            raise SourceError(f"event camera: {error}") from None
        inside = (x >= 0) & (y >= 0) & (x < self._width) & (y < self._height)
        if not inside.all():
            self._outside += int((~inside).sum())
            stamps, x, y, on = stamps[inside], x[inside], y[inside], on[inside]
        self._events += stamps.size
        time_ns = self._forwards(self._since_start(stamps))
        return DvsEvents(time_ns, x.astype(np.uint16), y.astype(np.uint16), on)

    def _since_start(self, stamps: NDArray[np.int64]) -> NDArray[np.int64]:
        if self._origin_ns is None and stamps.size:
            self._origin_ns = int(stamps[0]) * _NS_PER_US
        return stamps * _NS_PER_US - (self._origin_ns or 0)

    def _forwards(self, time_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        out, good = self._order.push(time_ns)
        while good < time_ns.size:
            self._order.rebase(int(time_ns[good]))
            rest, more = self._order.push(time_ns[good:])
            out[good : good + more] = rest[:more]
            good += more
        return out


def _drivers() -> ModuleType:
    try:
        import neuromorphic_drivers
    except ImportError:
        raise SourceError("event camera: needs neuromorphic-drivers (pip install 'eventsim[dvs]')") from None
    module: ModuleType = neuromorphic_drivers
    return module
