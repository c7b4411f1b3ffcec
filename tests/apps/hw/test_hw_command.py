"""`eventsim hw`: its numbers against counts by hand, its tables, its JSON, its refusals."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from apps.main import main

Captured = pytest.CaptureFixture[str]


def told(capsys: Captured, *arguments: object) -> dict:
    """Return the one JSON object that a command prints."""
    assert main(["hw", *map(str, arguments), "--json"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    return json.loads(line)


def refused(capsys: Captured, *arguments: object) -> str:
    assert main(["hw", *map(str, arguments)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("eventsim: error: ")
    return line


@pytest.fixture
def small(network_file: Path, event_file: Path, chip_file: Path) -> list[object]:
    return [network_file, "--data", event_file, "--chip", chip_file]


# Three ticks, events in the first and the last. Neurons a on core 0, b on core 1, a tile to the east.
COUNTED = {
    "neuron": 12 * 2
    + 7 * 3,  # 4 neurons x 3 ticks; a twice, and b once, reached by spikes of the tick before
    "spike": 6 * 5,
    "network": 6 * 7 + 6 * 11 + 8 * 13 + 8 * 17,  # 6 messages from a to b, 2 from the input to a
    "synapse": 12 * 19,  # 2 events x 3 neurons, 6 spikes x 1 neuron
}


def test_energy_is_what_was_counted_by_hand(capsys: Captured, small: list[object]) -> None:
    r = told(capsys, *small)
    components = {name: part["pj"] for name, part in r["energy"]["components"].items()}
    assert {name: components[name] for name in COUNTED} == COUNTED
    assert r["energy"]["dynamic"]["pj"] == sum(COUNTED.values())
    assert r["energy"]["dynamic"]["low_pj"] == sum(COUNTED.values()) - (12 + 7 + 6 + 6 + 6 + 8 + 8 + 12)
    assert components["static"] == pytest.approx(r["chip_ms"] * 1e6)
    assert r["energy"]["total"]["pj"] == pytest.approx(sum(components.values()))
    assert r["energy"]["left_out"] == []
    assert not r["energy"]["total"]["missing"]
    assert r["energy_to_decision"] is None
    assert r["decisions"] is None


def test_work_places_and_links(capsys: Captured, small: list[object]) -> None:
    r = told(capsys, *small)
    assert r["work"]["synaptic_events"] == 12
    assert r["work"]["dense_macs"] == 9 * 3
    assert r["work"]["spikes"] == 6
    assert r["work"]["neurobench"]["synaptic_operations"] == {
        "Effective_MACs": 0,
        "Effective_ACs": 12,
        "Dense": 27,
    }
    assert [core["neurons"] for core in r["cores"]] == [{"a": 3}, {"b": 1}]
    assert [core["messages_in"] for core in r["cores"]] == [2, 6]
    assert r["hottest_link"]["messages"] == 6
    assert (r["hottest_link"]["from_x"], r["hottest_link"]["to_x"]) == (0, 1)
    assert sum(core["energy_pj"] for core in r["cores"]) == pytest.approx(
        sum(COUNTED.values()) - 6 * 11 - 8 * 13  # what links and routers take belongs to no core
    )


def test_live_holds_the_chip_to_real_time(capsys: Captured, small: list[object]) -> None:
    own, live = told(capsys, *small), told(capsys, *small, "--pace", "live")
    assert live["chip_ms"] == 3.0
    assert live["real_time"] == 1.0
    assert live["energy"]["components"]["static"]["pj"] == 3e6
    assert live["energy"]["dynamic"] == own["energy"]["dynamic"]
    assert live["latency"]["tick"] == own["latency"]["tick"]
    assert own["real_time"] > 100


@pytest.mark.compiled
def test_queues_do_the_same_work(capsys: Captured, small: list[object]) -> None:
    ideal, queued = told(capsys, *small), told(capsys, *small, "--network", "queued")
    assert queued["mesh"] == "queued"
    assert queued["energy"]["dynamic"] == ideal["energy"]["dynamic"]
    assert queued["chip_ms"] >= ideal["chip_ms"]


def test_strategies_and_modes_do_the_same_work(capsys: Captured, small: list[object]) -> None:
    ideal = told(capsys, *small)
    for strategy in ("balance", "hops"):
        assert told(capsys, *small, "--strategy", strategy)["energy"]["dynamic"] == ideal["energy"]["dynamic"]
    free = told(capsys, *small, "--mode", "asynchronous")
    assert free["mode"] == "asynchronous"
    # Without a barrier nobody goes over neurons that nothing reached.
    difference = ideal["energy"]["dynamic"]["pj"] - free["energy"]["dynamic"]["pj"]
    assert difference == 12 * 2


def test_updates_of_every_tick(capsys: Captured, small: list[object]) -> None:
    r = told(capsys, *small, "--updates", "every_tick")
    assert r["energy"]["components"]["neuron"]["pj"] == 12 * 2 + 12 * 3


def test_the_table_says_the_same(capsys: Captured, small: list[object]) -> None:
    assert main(["hw", *map(str, small), "--placement"]) == 0
    printed = capsys.readouterr().out
    for part in (
        "small.esb on own",
        "synapse",
        "228 pJ",
        "651 pJ",
        "static",
        "hottest link: (0, 0) -> (1, 0)",
    ):
        assert part in printed
    assert "core    0  tile   0 at (0, 0)  a 3" in printed
    assert "a a  b b" in printed


def test_random_events_are_as_many_as_asked_for(
    capsys: Captured, network_file: Path, chip_file: Path
) -> None:
    asked = [network_file, "--chip", chip_file, "--poisson", 300, "--duration", "200ms", "--clips", 3]
    r = told(capsys, *asked, "--seed", 1)
    assert r["windows"] == 3
    assert r["window_ms"] == 200
    expected = 2 * 200 * (1 - np.exp(-0.3)) * 3
    n = sum(core["messages_in"] for core in r["cores"][:1])
    assert abs(n - expected) < 5 * np.sqrt(expected)
    assert r == told(capsys, *asked, "--seed", 1)
    assert r != told(capsys, *asked, "--seed", 2)


def test_a_chip_with_a_tick_of_its_own(capsys: Captured, small: list[object], tmp_path: Path) -> None:
    from tests.apps.hw.conftest import chip_text

    slow = tmp_path / "slow.toml"
    slow.write_text(chip_text("slow", tick_ns=5_000_000))
    r = told(capsys, *small, "--chip", slow)
    assert r["chip_ms"] == 15.0
    assert "0.2 times as fast as real time" in " ".join(r["notes"])
    live = told(capsys, *small, "--chip", slow, "--pace", "live")
    assert "cannot follow live input" in " ".join(live["notes"])


def test_a_mean_over_windows(capsys: Captured, small: list[object], event_file: Path) -> None:
    once, twice = told(capsys, *small), told(capsys, *small, "--data", event_file)
    assert twice["windows"] == 2
    assert twice["energy"]["dynamic"] == once["energy"]["dynamic"]
    assert twice["cores"][0]["synaptic_events"] == 2 * once["cores"][0]["synaptic_events"]


def test_cycles_and_conventional_chips_give_what_they_can(capsys: Captured, small: list[object]) -> None:
    xylo = told(capsys, *small, "--chip", "xylo")
    assert xylo["kind"] == "cycles"
    assert xylo["energy"]["total"]["pj"] == pytest.approx(291e-6 * 3e-3 * 1e12)
    assert xylo["cycles"]["cycles_per_tick"] > 0
    assert xylo["latency"]["tick"] is None
    mac = told(capsys, *small, "--chip", "cpu-45nm")
    assert mac["energy"]["total"]["pj"] == pytest.approx(27 * 74.6)
    assert mac["energy"]["components"] == {}
    assert main(["hw", *map(str, small), "--chip", "cortex-m4"]) == 0
    printed = capsys.readouterr().out
    assert "the dense equivalent: all 9 synapses in every tick" in printed


def test_what_is_unknown_is_never_shown_as_nothing(capsys: Captured, small: list[object]) -> None:
    r = told(capsys, *small, "--chip", "loihi")
    assert r["energy"]["components"]["spike"] == {
        "pj": None,
        "low_pj": None,
        "high_pj": None,
        "missing": True,
    }
    assert r["energy"]["components"]["network"]["missing"]
    assert any("spike_out, 6 times" in line for line in r["energy"]["left_out"])
    assert main(["hw", *map(str, small), "--chip", "generic-45nm"]) == 0
    printed = capsys.readouterr().out
    assert "  static                 unknown" in printed
    assert "left out: neuron_update, 7 times: not in the chip file" in printed
    assert "decision" not in printed.split("time on the chip")[1].split("\n")[1]


def test_what_another_number_holds_is_included(capsys: Captured, small: list[object]) -> None:
    r = told(capsys, *small, "--chip", "truenorth")
    assert r["energy"]["total"] == {"pj": 312.0, "low_pj": 30.0, "high_pj": 312.0, "missing": False}
    assert r["energy"]["components"]["static"]["pj"] is None
    assert main(["hw", *map(str, small), "--chip", "truenorth"]) == 0
    printed = capsys.readouterr().out
    assert "  static                included" in printed
    assert "spike_out, 6 times, within synapse" in printed


def test_compare_puts_chips_side_by_side(capsys: Captured, small: list[object], chip_file: Path) -> None:
    asked = [str(small[0]), "--data", str(small[2]), "--chips", f"{chip_file},loihi,ndp120,xylo,odin"]
    assert main(["hw", "compare", *asked]) == 0
    printed = capsys.readouterr().out.splitlines()
    begins = [line.split()[0] for line in printed]
    assert {"own", "loihi", "ndp120", "xylo", "odin"} <= set(begins)
    assert main(["hw", "compare", *asked, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["chip"] for row in rows] == ["own", "loihi", "ndp120", "xylo", "odin"]
    assert rows[0]["energy"]["dynamic"]["pj"] == sum(COUNTED.values())


def test_compare_says_why_a_chip_cannot(capsys: Captured, tmp_path: Path, small: list[object]) -> None:
    from tests.apps.hw.conftest import chip_text

    tiny = tmp_path / "tiny.toml"
    tiny.write_text(chip_text("tiny", neurons_per_core=1))
    asked = ["hw", "compare", str(small[0]), "--data", str(small[2]), "--chips", f"{tiny},loihi"]
    assert main(asked) == 0
    printed = capsys.readouterr().out
    assert "tiny" in printed
    assert "cannot: population 'a': 1 of 3 neurons find no core" in printed
    assert "the smallest listed chip that would hold it is" in printed
    assert main([*asked, "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert "neurons find no core" in rows[0]["refused"]
    line = refused(capsys, small[0], "--data", small[2], "--chip", tiny)
    assert "find no core" in line


def test_all_chips_are_compared(capsys: Captured, small: list[object]) -> None:
    from hwmodels.chip import chip_names

    assert main(["hw", "compare", str(small[0]), "--data", str(small[2]), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["chip"] for row in rows] == list(chip_names())


def test_chips_are_listed_and_shown(capsys: Captured, chip_file: Path) -> None:
    from hwmodels.chip import chip_names, load_chip

    assert main(["hw", "chips"]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n{name} " in printed for name in chip_names())
    assert main(["hw", "chips", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [chip["name"] for chip in listed] == list(chip_names())
    for name in (*chip_names(), str(chip_file)):
        assert main(["hw", "chips", name]) == 0
        printed = capsys.readouterr().out
        chip = load_chip(name if name != str(chip_file) else chip_file)
        assert all(key in printed for key, _ in chip.constants())
        assert all(source.citation in printed for source in chip.sources.values())
        assert main(["hw", "chips", name, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["name"] == chip.name


def test_help_imports_nothing_heavy() -> None:
    heavy = "('numba', 'simpy', 'matplotlib', 'distributed', 'numpy', 'torch', 'nir')"
    for arguments in (["--help"], ["hw", "--help"], ["hw", "compare", "--help"], ["hw", "sweep", "--help"]):
        script = (
            "import sys\nfrom apps.main import main\n"
            f"try:\n    main({arguments!r})\nexcept SystemExit as end:\n    assert end.code == 0\n"
            f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
        assert done.stderr.strip() == "[]", (arguments, done.stderr)
        assert "usage: eventsim" in done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    np.savez(tmp_path / "beyond.npz", time_ns=np.array([0]), address=np.array([2]))
    np.savez(tmp_path / "no_address.npz", time_ns=np.array([0]))
    np.savez(tmp_path / "early.npz", time_ns=np.array([-5]), address=np.array([0]))
    np.savez(tmp_path / "nan.npz", time_ns=np.array([0]), address=np.array([0]), value=np.array([np.nan]))
    np.savez(tmp_path / "floats.npz", time_ns=np.array([0.5]), address=np.array([0]))
    np.save(tmp_path / "cube.npy", np.zeros((2, 2, 2)))
    (tmp_path / "text.npz").write_text("no numbers")
    (tmp_path / "bad.toml").write_text('format = 1\nname = "bad"\n')
    return tmp_path


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("beyond.npz", "addresses 2..2, but input 'in' of small.esb has 0..1"),
        ("no_address.npz", "lacks address"),
        ("early.npz", "before 0"),
        ("nan.npz", "nan.npz"),
        ("floats.npz", "floats.npz"),
        ("cube.npy", "float64 (2, 2, 2)"),
        ("text.npz", "damaged one"),
        ("gone.npz", "cannot be read"),
    ],
)
def test_events_that_are_none_are_one_line(
    capsys: Captured, network_file: Path, folder: Path, file: str, said: str
) -> None:
    line = refused(capsys, network_file, "--data", folder / file)
    assert said in line
    assert file in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--chip", "nochip"], "there is no chip 'nochip'"),
        (["--chip", "gone.toml"], "gone.toml: cannot be read"),
        (["--poisson", "-1"], "not a rate"),
        (["--poisson", "nan"], "not a rate"),
        (["--poisson", "1e300", "--duration", "3000000s"], "--poisson would draw"),
        (["--poisson", "1", "--data", "x.npz"], "exclude each other"),
        (["--poisson", "1", "--input", "out"], "--input out: small.esb has in"),
        (["--poisson", "1", "--threshold", "0.5"], "has no decision rule"),
        (["--poisson", "1", "--weight-bits", "20"], "loihi holds 1 to 9 bits"),
        (["--poisson", "1", "--cores", "500"], "from 1 to 128"),
        (["--poisson", "1", "--mode", "asynchronous", "--updates", "every_tick"], "every_tick"),
        (["--strategy", "best"], "--strategy"),
        (["--clips", "0"], "--clips"),
        ([], "is no keyword model; say --data FILE.npz"),
        (["--poisson", "1", "--plot", "picture.bmp"], ".png, .svg, .pdf"),
        (["--poisson", "1", "--plot", "nowhere/picture.png"], "there is no folder nowhere"),
        (["--poisson", "1", "--placement", "--chip", "xylo"], "--placement: chip 'xylo'"),
    ],
)
def test_a_bad_choice_is_one_line(capsys: Captured, network_file: Path, arguments: list, said: str) -> None:
    assert said in refused(capsys, network_file, *arguments)


@pytest.mark.parametrize("option", [("--duration", "5ms"), ("--input", "sound")])
def test_options_of_events_are_refused_with_sound(capsys: Captured, option: tuple[str, str]) -> None:
    line = refused(capsys, "kws", *option)
    assert f"{option[0]} is for events (.npz, .npy, --poisson), kws takes recordings" in line


def test_a_wrong_chip_file_names_file_and_key(capsys: Captured, network_file: Path, folder: Path) -> None:
    line = refused(capsys, network_file, "--poisson", 1, "--chip", folder / "bad.toml")
    assert "bad.toml: key title: missing, and required" in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.esb"], "nowhere.esb"),
        (["compare", "--chips", "loihi,,xylo"], "--chips"),
        (["compare", "--chips", "nochip"], "no chip 'nochip'"),
        (["chips", "nochip"], "no chip 'nochip'"),
        (["sweep"], "FILE"),
        (["sweep", "nowhere.toml"], "nowhere.toml: cannot be read"),
        (["sweep", "x.toml", "--workers", "0"], "--workers"),
        (["sweep", "x.toml", "--workers", "2", "--cluster", "tcp://x:1"], "--cluster"),
    ],
)
def test_a_bad_command_is_one_line(capsys: Captured, arguments: list[str], said: str) -> None:
    assert said in refused(capsys, *arguments)
