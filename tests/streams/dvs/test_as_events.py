"""The dtypes of the field's packages: the same events come out of each."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventsim.errors import EventError, ParameterError
from streams.dvs.as_events import DvsEvents, as_events
from streams.dvs.events_source import EventsSource

DTYPES: dict[str, list[Any]] = {
    "neuromorphic_drivers": [("t", "<u8"), ("x", "<u2"), ("y", "<u2"), ("on", "?")],
    "event_stream": [("t", "<u8"), ("x", "<u2"), ("y", "<u2"), (("on", "p"), "?")],
    "faery, aedat": [("t", "<u8"), ("x", "<u2"), ("y", "<u2"), (("p", "on"), "?")],
    "dv_processing": [("timestamp", "<i8"), ("x", "<i2"), ("y", "<i2"), ("polarity", "i1")],
    "tonic": [("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "?")],
    "tonic, another order": [("t", "<i8"), ("p", "i8"), ("y", "<i8"), ("x", "<i8")],
    "expelliarmus": [("t", "<i8"), ("x", "<i2"), ("y", "<i2"), ("p", "u1")],
    "signed polarity": [("ts", "<u4"), ("x", "u1"), ("y", "u1"), ("pol", "i1")],
    "big-endian": [("time", ">u8"), ("x", ">u2"), ("y", ">u2"), ("p", ">i2")],
}

EventList = list[tuple[int, int, int, bool]]
events_in_order: st.SearchStrategy[EventList] = st.lists(
    st.tuples(st.integers(0, 2**31), st.integers(0, 255), st.integers(0, 255), st.booleans()), max_size=20
).map(lambda events: sorted(events, key=lambda e: e[0]))


def array_of(events: EventList, dtype: list[Any], signed: bool = False) -> np.ndarray:
    array = np.zeros(len(events), np.dtype(dtype, align=any(field[0] == "timestamp" for field in dtype)))
    for name in array.dtype.names or ():
        column = {"x": 1, "y": 2}.get(name, 0 if name.startswith("t") else 3)
        values = [event[column] for event in events]
        array[name] = [1 if v else -1 for v in values] if column == 3 and signed else values
    return array


@given(events_in_order, st.sampled_from([1, 1000, 1_000_000]))
def test_every_dtype_gives_the_same_events(events: EventList, unit_ns: int) -> None:
    for dtype in DTYPES.values():
        for signed in (False, True):
            if signed and np.dtype(dtype[-1][1]).kind != "i":
                continue
            found = as_events(array_of(events, dtype, signed), unit_ns)
            assert found.time_ns.tolist() == [event[0] * unit_ns for event in events]
            assert found.x.tolist() == [event[1] for event in events]
            assert found.y.tolist() == [event[2] for event in events]
            assert found.on.tolist() == [event[3] for event in events]
            assert (found.time_ns.dtype, found.x.dtype, found.y.dtype, found.on.dtype) == (
                np.int64,
                np.uint16,
                np.uint16,
                np.bool_,
            )


@given(events_in_order, st.permutations("txyp"))
def test_plain_arrays_mappings_and_stores_too(events: EventList, order: list[str]) -> None:
    structured = array_of(events, DTYPES["tonic"])
    expected = as_events(structured)
    plain = np.array([[event["txyp".index(name)] for name in order] for event in events], np.int64).reshape(
        -1, 4
    )

    class Store:
        def numpy(self) -> np.ndarray:
            return array_of(events, DTYPES["dv_processing"])

    for theirs, options in (
        (plain, {"order": "".join(order)}),
        ({name: structured[name] for name in "txyp"}, {}),
        (Store(), {}),
        (expected, {}),
    ):
        found = as_events(theirs, **options)  # type: ignore[arg-type]
        assert found.time_ns.tolist() == expected.time_ns.tolist()
        assert found.on.tolist() == expected.on.tolist()
        assert found.x.tolist() == expected.x.tolist()


def test_arrays_of_the_packages_themselves() -> None:
    faery = pytest.importorskip("faery", reason="needs the extra events")
    array = np.array([(5, 1, 2, True)], faery.EVENTS_DTYPE)
    assert as_events(array).time_ns.tolist() == [5000]
    tonic_like = np.array(
        [(1, 2, 5, 1)], np.dtype({"names": ["x", "y", "t", "p"], "formats": ["i2", "i2", "i8", "?"]})
    )
    assert as_events(tonic_like).on.tolist() == [True]


def test_times_beyond_53_bits_stay_exact() -> None:
    """Unsigned minus signed is floating point in numpy: a time of today in ns would lose its last digits."""
    array = np.array(
        [(1_700_000_000_123_456_789, 1, 2, 1)], [("t", "<u8"), ("x", "u2"), ("y", "u2"), ("p", "i1")]
    )
    assert as_events(array, time_unit_ns=1).time_ns.tolist() == [1_700_000_000_123_456_789]


GOOD: dict[str, Any] = {"t": [1, 2, 3], "x": [1, 2, 3], "y": [1, 2, 3], "p": [0, 1, 1]}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"t": [1.0, 2.0, 3.0]}, r"time must be integers, not float64 \(scale to whole units first\)"),
        ({"t": [1.0, float("nan"), 3.0]}, "time must be integers, not float64"),
        ({"x": [0.5, 1.0, 2.0]}, "column must be integers, not float64"),
        ({"t": [-1, 2, 3]}, "event 0: time -1 must lie in 0 to"),
        ({"t": [1, 3, 2]}, "event 2: time 2 lies before 3 of the event before it"),
        ({"t": np.array([1, 2, 2**63], np.uint64)}, "event 2: time 9223372036854775808 does not fit 63 bits"),
        ({"t": [1, 2, 2**60]}, "event 2: time 1152921504606846976 must lie in 0 to"),
        ({"x": [1, 2, 65_536]}, "event 2: column 65536 must lie in 0 to 65535"),
        ({"y": [1, -2, 3]}, "event 1: row -2 must lie in 0 to 65535"),
        ({"p": [0, 1, 2]}, "event 2: polarity 2 is not one of 0 and 1, or -1 and 1"),
        ({"p": [0, 1, -1]}, "polarities of -1 and of 0 in one array"),
        ({"p": [0.0, 1.0, 1.0]}, "polarity must be bool or integers, not float64"),
        ({"p": [0, 1]}, "one-dimensional and of one length"),
        ({"t": [[1], [2], [3]]}, "one-dimensional and of one length"),
    ],
)
def test_what_is_no_event_is_refused(change: dict[str, Any], what: str) -> None:
    with pytest.raises(EventError, match=what):
        as_events(GOOD | change)


def test_missing_fields_and_shapes_are_named() -> None:
    with pytest.raises(
        EventError, match=r"no field of polarity \(p or on or polarity or pol\) among t, x, y"
    ):
        as_events({name: GOOD[name] for name in "txy"})
    with pytest.raises(EventError, match=r"must be of shape \(n, 4\), columns t, x, y, p; got \(3,\)"):
        as_events(np.arange(3))
    with pytest.raises(ParameterError, match="order must name t, x, y and p once each"):
        as_events(np.zeros((1, 4), np.int64), order="txyy")
    with pytest.raises(ParameterError, match="time_unit_ns must be at least 1"):
        as_events(GOOD, time_unit_ns=0)


def test_events_in_memory_are_a_source() -> None:
    source = EventsSource(GOOD, 4, 5, block_ms=0.002)
    blocks = list(source)
    assert [block.time_ns.tolist() for block in blocks] == [[1000], [2000, 3000]]
    assert [(block.start_ns, block.end_ns) for block in blocks] == [(0, 2000), (2000, 4000)]
    assert [b.time_ns.tolist() for b in source] == [[1000], [2000, 3000]]
    assert isinstance(as_events(blocks[1]), DvsEvents)
    with pytest.raises(EventError, match="x 3, y 3 lies outside the sensor of 3 x 5"):
        EventsSource(GOOD, 3, 5)
