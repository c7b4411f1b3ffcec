"""Blocks of events and of camera events: what they refuse, and how pixels become addresses."""

import numpy as np
import pytest

from eventsim.errors import EventError
from eventsim.events import Events
from streams.dvs_block import DvsBlock
from streams.event_block import EventBlock


def block(time_ns=(), x=(), y=(), on=(), width=4, height=3, start_ns=0, end_ns=10) -> DvsBlock:
    return DvsBlock(
        np.array(time_ns, np.int64),
        np.array(x, np.uint16),
        np.array(y, np.uint16),
        np.array(on, np.bool_),
        width,
        height,
        start_ns,
        end_ns,
    )


def test_addresses_are_row_major_over_polarity_y_x() -> None:
    pixels = np.arange(24)
    on, y, x = np.unravel_index(pixels, (2, 3, 4))
    events = block(np.zeros(24, np.int64), x, y, on).to_event_block()
    assert events.events.address.tolist() == pixels.tolist()
    assert events.n_addresses == 24


def test_a_sensor_with_more_pixels_than_addresses_is_refused() -> None:
    huge = block(width=65_536, height=65_536)
    with pytest.raises(EventError, match="needs 8589934592 addresses, at most 2147483647"):
        huge.to_event_block()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"time_ns": [10], "x": [0], "y": [0], "on": [1]}, "within 0..9 ns; got 10..10"),
        ({"time_ns": [5, 4], "x": [0, 0], "y": [0, 0], "on": [1, 1]}, "in order of time"),
        ({"time_ns": [5], "x": [4], "y": [0], "on": [1]}, "pixel x 4, y 0 lies outside the sensor of 4 x 3"),
        ({"time_ns": [5], "x": [0, 1], "y": [0], "on": [1]}, "differ in shape"),
        ({"width": 0}, "0 x 3 pixels is not allowed"),
        ({"start_ns": 11}, "cannot end at 10 ns before it starts at 11 ns"),
    ],
)
def test_what_does_not_fit_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(EventError, match=message):
        block(**arguments)


def test_wrong_dtypes_are_named() -> None:
    with pytest.raises(EventError, match="got int64, int64, uint16, bool"):
        DvsBlock(np.array([1]), np.array([1]), np.array([1], np.uint16), np.array([True]), 4, 3, 0, 10)


def test_event_blocks_refuse_addresses_beyond_theirs() -> None:
    with pytest.raises(EventError, match=r"0\.\.3, got 4\.\.4"):
        EventBlock(Events.of([5], [4]), 0, 10, n_addresses=4)
