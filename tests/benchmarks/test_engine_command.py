"""The command that measures the engine: turns, ratios, tables, refusals. No time is judged here."""

import sys
from pathlib import Path

import msgspec
import pytest

from benchmarks import engine
from benchmarks.engine_plan import WORKLOADS, Asked, Entry, Group, Limit, Script, plan
from benchmarks.engine_result import EngineResult, EntryResult, judge, ratio_of
from benchmarks.engine_runs import RunError, Surroundings, measure_group, read_script
from benchmarks.engine_tables import README, RESULT, markdown
from benchmarks.measured import Measured, peak_mb
from benchmarks.pages import with_tables

SAYS = """
import json, os, sys
with open(os.path.join(os.path.dirname(__file__), "turns"), "a") as file:
    file.write(sys.argv[1])
print("a banner")
print(json.dumps({"peer": "other", "wall_s": 9.0}))
print(json.dumps({"peer": sys.argv[1], "wall_s": float(sys.argv[2]), "Msyn_s": 2.0}))
"""
FAILS = "import sys; sys.exit('out of luck')"


def script(name: str, seconds: str) -> Script:
    return Script("says.py", (name, seconds), "wall_s", select={"peer": name})


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    (tmp_path / "says.py").write_text(SAYS)
    (tmp_path / "fails.py").write_text(FAILS)
    return tmp_path


def test_entries_take_turns_and_are_compared(scripts: Path) -> None:
    group = Group(
        "g",
        "a title",
        "w1",
        (
            Entry("a", script("A", "2.0")),
            Entry("b", script("B", "1.0")),
            Entry("c", script("C", "4.0"), once=True),
            Entry("d", Script("fails.py", (), "wall_s")),
        ),
        (Asked("a", "b", 1.5), Asked("a", "c"), Asked("a", "d")),
        (Limit("a", "seconds", 3.0),),
    )
    said: list[str] = []
    result = measure_group(group, Surroundings(scripts, {}), rounds=3, tell=said.append)
    assert (scripts / "turns").read_text() == "ABCABAB"
    assert [len(entry.runs) for entry in result.entries] == [3, 3, 1, 0]
    assert "out of luck" in result.entries[3].failed
    first, second = result.ratios
    assert (first.ratio, first.met, first.per_event) == (2.0, False, 1.0)
    assert (second.ratio, second.met) == (0.5, None)
    assert [(judged.value, judged.met) for judged in result.judged] == [(2.0, True)]
    text = markdown(EngineResult([result]))
    assert "| a title: a / b | 2.00 | 1.5 | **no** |" in text
    assert "| a title: a, median s | 2 | 3 | yes |" in text
    assert "out of luck" in text


def test_what_is_written_can_be_read_and_added_to(scripts: Path) -> None:
    group = Group("g", "a title", "w1", (Entry("a", script("A", "2.0")),))
    result = EngineResult([]).with_group(measure_group(group, Surroundings(scripts, {}), 1, len))
    again = msgspec.json.decode(msgspec.json.encode(result), type=EngineResult)
    assert again == result
    assert len(again.with_group(again.groups[0]).groups) == 1
    other = msgspec.structs.replace(again.groups[0], name="h")
    assert [each.name for each in again.with_group(other).groups] == ["g", "h"]


def test_a_ratio_is_of_medians_with_the_widest_range() -> None:
    ours = EntryResult("a", [Measured(seconds=[s, s, 50.0], events=10.0) for s in (2.0, 3.0, 4.0)])
    rival = EntryResult("b", [Measured(seconds=[s]) for s in (1.0, 2.0, 1.5)])
    ratio = ratio_of(Asked("a", "b", 2.0), [ours, rival])
    assert ratio is not None
    assert (ratio.ratio, ratio.lowest, ratio.highest, ratio.per_event, ratio.met) == (
        2.0,
        1.0,
        4.0,
        None,
        True,
    )
    assert ratio_of(Asked("a", "b"), [ours, EntryResult("b", [])]) is None


def test_fewer_events_gain_nothing_at_a_bar() -> None:
    ours = EntryResult("a", [Measured(seconds=[1.0], events=1.0)])
    rival = EntryResult("b", [Measured(seconds=[1.0], events=2.0)])
    ratio = ratio_of(Asked("a", "b", 1.5), [ours, rival])
    assert ratio is not None
    assert (ratio.ratio, ratio.per_event, ratio.met) == (1.0, 2.0, False)


def test_a_figure_that_was_not_measured_is_not_judged() -> None:
    entry = EntryResult("a", [Measured(seconds=[1.0], figures={"peak_mb": 7.0})])
    assert judge(Limit("a", "rate_hz", 1.0), [entry]) is None
    judged = judge(Limit("a", "peak_mb", 6.0), [entry])
    assert judged is not None
    assert not judged.met


def test_a_script_that_says_nothing_of_what_was_asked_is_an_error() -> None:
    with pytest.raises(RunError, match="printed no wall_s"):
        read_script(script("A", "1"), 'nothing\n{"peer": "B", "wall_s": 1}\n[1]\n')


def test_the_plan_is_whole_and_drops_what_is_not_here() -> None:
    everything = plan(WORKLOADS, True, ("brian2", "nest"))
    assert len({group.name for group in everything}) == len(everything)
    for group in everything:
        names = [entry.name for entry in group.entries]
        assert len(set(names)) == len(names)
        assert {name for asked in group.asked for name in (asked.ours, asked.rival)} <= set(names)
        assert {limit.entry for limit in group.limits} <= set(names)
    alone = plan(WORKLOADS, False, ())
    assert not [e for group in alone for e in group.entries if isinstance(e.what, Script)]
    assert [group.name for group in alone] == [group.name for group in everything]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--workloads", "w9"], "w9"),
        (["--rounds", "0"], "--rounds"),
        (["--peers", "nest=nowhere"], "nest=nowhere"),
        (["--peers", f"neuron={sys.executable}"], "neuron="),
        (["--peers", f"nest={sys.executable}"], "--peers needs --prototypes"),
        (["--prototypes", "nowhere"], "nowhere"),
        (["--groups", "w9"], "no group w9"),
        (["--groups", "w2", "--json", "setup.cfg/x.json"], "x.json"),
    ],
)
def test_a_bad_option_is_one_line(
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "setup.cfg").write_text("a file, not a folder")
    assert engine.main(arguments) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("engine: error: ")
    assert said in line


def test_a_foreign_file_is_not_added_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.json").write_text('{"groups": [3]}')
    assert engine.main(["--groups", "w2", "--json", str(tmp_path / "other.json")]) == 2
    assert "no result to add to" in capsys.readouterr().err
    assert (tmp_path / "other.json").read_text() == '{"groups": [3]}'


def test_memory_is_counted() -> None:
    before = peak_mb()
    held = bytearray(64 << 20)
    held[::4096] = b"x" * len(held[::4096])
    assert peak_mb() >= before
    assert peak_mb() > 64


def test_the_readme_shows_the_committed_result() -> None:
    result = msgspec.json.decode(RESULT.read_bytes(), type=EngineResult)
    assert result.groups
    readme = README.read_text(encoding="utf-8")
    assert with_tables(readme, "engine", markdown(result)) == readme
