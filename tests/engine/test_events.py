"""Events: what is taken, what is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventsim.errors import EventError
from eventsim.events import Events


@given(st.lists(st.integers(-(10**12), 10**12)), st.integers(1, 10**6))
def test_the_grid_moves_events_up_to_the_next_tick_and_counts_them(times, tick_ns):
    events = Events.of(times, np.zeros(len(times), np.int32))
    on_grid, moved = events.on_grid(tick_ns)
    shift = on_grid.time_ns - events.time_ns
    assert np.all(on_grid.time_ns % tick_ns == 0)
    assert np.all((shift >= 0) & (shift < tick_ns))
    assert moved == np.count_nonzero(shift)


def test_unsigned_times_are_taken_whole():
    # uint64 minus int64 is float64 in numpy: 2**53 + 1 would lose its last bit on the way.
    assert Events.of(np.array([2**53 + 1], np.uint64), [0]).time_ns.tolist() == [2**53 + 1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.5], [0]), "time_ns must hold integers"),
        (([2**63], [0]), "time_ns must lie in"),
        (([0], [-1]), "address must lie in"),
        (([0], [2**31]), "address must lie in"),
        (([0], [0.0]), "address must hold integers"),
        (([[0]], [0]), "one-dimensional"),
        (([0, 1], [0]), "differ in length: 2, 1"),
        (([0], [0], [np.nan]), "finite"),
        (([0], [0], [1e300]), "finite"),
        (([0], [0], ["x"]), "array of numbers"),
    ],
)
def test_malformed_events_are_refused(arguments, message):
    with pytest.raises(EventError, match=message):
        Events.of(*arguments)


def test_the_constructor_checks_dtypes_and_lengths():
    good = (np.zeros(2, np.int64), np.zeros(2, np.int32), np.zeros(2, np.float32))
    assert len(Events(*good)) == 2
    with pytest.raises(EventError, match="int64"):
        Events(good[0].astype(np.int32), *good[1:])
    with pytest.raises(EventError, match="equal length"):
        Events(good[0][:1], *good[1:])


def test_parts_join_and_compare_in_bits():
    a = Events.of([1, 2], [0, 1], [1, -1])
    b = Events.of(3, [5, 6])
    joined = Events.concatenate([a, b])
    assert joined.time_ns.tolist() == [1, 2, 3, 3]
    assert joined.select(slice(0, 2)).equals(a)
    assert not joined.equals(a)
    assert Events.concatenate([]).equals(Events.empty())
    assert repr(joined) == "Events(4, 1..3 ns)"
