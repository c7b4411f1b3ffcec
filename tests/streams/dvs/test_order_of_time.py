"""Times that run backwards, wrap or jump: what is given out, and what is counted."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import writers
from hypothesis import given
from hypothesis import strategies as st

from eventsim.errors import SourceError
from streams.dvs.open_file import open_dvs_file
from streams.dvs.time_order import OrderCounts, TimeOrder


def slow_order(times: list[int], rebase: int, silence: int) -> tuple[list[int], OrderCounts]:
    """The rule once more, in plain Python."""
    out: list[int] = []
    moved = late = resets = largest = 0
    for time in times:
        time += moved
        if out and time < out[-1]:
            back = out[-1] - time
            largest = max(largest, back)
            if back > rebase:
                moved, resets = moved + back, resets + 1
            else:
                late += 1
            time = out[-1]
        elif out and time - out[-1] > silence:
            break
        out.append(time)
    return out, OrderCounts(late, resets, largest)


@given(
    st.lists(st.integers(-1000, 1000), max_size=40).map(lambda steps: np.cumsum(steps).tolist()),
    st.integers(0, 500),
    st.integers(0, 40),
)
def test_times_run_forwards_as_the_slow_rule_says_however_they_are_cut(
    times: list[int], rebase: int, cut: int
) -> None:
    expected, counts = slow_order(times, rebase, 800)
    order = TimeOrder(rebase, 800)
    found: list[int] = []
    for part in (times[:cut], times[cut:]):
        ordered, good = order.push(np.array(part, np.int64))
        found += ordered[:good].tolist()
        if good < len(part):
            break
    assert found == expected
    assert order.counts == counts
    assert all(a <= b for a, b in pairwise(found))


def test_late_events_take_the_time_of_the_one_before_and_are_counted(tmp_path: Path) -> None:
    events = [(100, 1, 1, True), (90, 2, 2, False), (120, 3, 3, True), (110, 4, 4, True)]
    for name in ("evt2", "evt3", "dat", "csv", "npy", "nmnist"):
        source = open_dvs_file(
            writers.written(tmp_path, name, writers.WRITERS[name](events)), time_origin="file"
        )
        (block,) = source
        assert block.time_ns.tolist() == [100_000, 100_000, 120_000, 120_000]
        assert block.x.tolist() == [1, 2, 3, 4]  # never in another order
        assert source.statistics.order == OrderCounts(2, 0, 10_000)
        assert source.statistics.events == 4
        assert source.statistics.lines()[0].startswith(
            "2 events stamped earlier than one before it (by up to 10 us"
        )


def test_a_clock_that_starts_anew_goes_on(tmp_path: Path) -> None:
    events = [(0, 1, 1, True), (900_000, 2, 2, True), (10, 3, 3, True), (1_010, 4, 4, True)]
    source = open_dvs_file(writers.written(tmp_path, "csv", writers.csv(events)))
    times = np.concatenate([block.time_ns for block in source])
    assert times.tolist() == [0, 900_000_000, 900_000_000, 901_000_000]
    assert source.statistics.order == OrderCounts(0, 1, 899_990_000)


@pytest.mark.parametrize(("name", "turn_us"), [("evt2", 2**34), ("evt3", 2**24), ("dat", 2**32)])
def test_clocks_wrap_and_jitter_across_the_wrap(tmp_path: Path, name: str, turn_us: int) -> None:
    times = [turn_us - 5, turn_us - 1, turn_us + 2, turn_us - 2, turn_us + 3]
    events = [(t, i, i, True) for i, t in enumerate(times)]
    source = open_dvs_file(writers.written(tmp_path, name, writers.WRITERS[name](events)), time_origin="file")
    found = np.concatenate([block.time_ns for block in source]) // 1000
    assert found.tolist() == [turn_us - 5, turn_us - 1, turn_us + 2, turn_us + 2, turn_us + 3]
    assert source.statistics.order.late_events == 1
    assert source.statistics.notes["clock wraps"] == 2  # it went back across the wrap once


def test_an_impossible_silence_is_told_with_its_place_after_what_lies_before(tmp_path: Path) -> None:
    events = [(0, 1, 1, True), (10, 2, 2, True), (10**10, 3, 3, True)]
    source = open_dvs_file(writers.written(tmp_path, "csv", writers.csv(events)))
    blocks = iter(source)
    assert next(blocks).time_ns.tolist() == [0, 10_000]
    with pytest.raises(SourceError, match=r"event 2 at line 4: time jumps from 1e-05 s to 10000 s"):
        next(blocks)


def test_events_before_the_first_time_are_left_out_and_counted(tmp_path: Path) -> None:
    data = writers.evt2([(100, 1, 1, True)])
    at = data.index(b"% end\n") + 6
    path = tmp_path / "a.raw"
    path.write_bytes(data[:at] + data[-4:] + b"\x00\x00\x00\x50" + data[at:])
    source = open_dvs_file(path)
    assert sum(map(len, source)) == 1
    assert source.statistics.notes["events before the first time word left out"] == 1
    assert source.statistics.notes["words of unknown type passed over"] == 1
