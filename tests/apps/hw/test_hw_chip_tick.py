"""`eventsim hw --chip-tick`: a chip with a barrier takes several ticks of the network as one."""

import json
from pathlib import Path

import pytest

from apps.main import main
from tests.apps.hw.conftest import chip_text

Captured = pytest.CaptureFixture[str]


def told(capsys: Captured, *arguments: object) -> dict:
    assert main(["hw", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: Captured, *arguments: object) -> str:
    assert main(["hw", *map(str, arguments)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


@pytest.fixture
def small(network_file: Path, event_file: Path, chip_file: Path) -> list[object]:
    """Three ticks of 1 ms; events in the first and the last."""
    return [network_file, "--data", event_file, "--chip", chip_file]


def test_neurons_are_gone_over_once_per_tick_of_the_chip(capsys: Captured, small: list[object]) -> None:
    own, coarse = told(capsys, *small), told(capsys, *small, "--chip-tick", "3ms")
    assert (own["tick_ns"], own["chip_tick_ns"]) == (1_000_000, 1_000_000)
    assert (coarse["tick_ns"], coarse["chip_tick_ns"]) == (1_000_000, 3_000_000)
    neuron = coarse["energy"]["components"].pop("neuron")
    assert neuron["pj"] == 4 * 2 + 4 * 3
    for name, amount in own["energy"]["components"].items():
        if name not in ("neuron", "static"):
            assert coarse["energy"]["components"][name] == amount
    assert coarse["work"] == own["work"]
    assert coarse["latency"]["tick"]["n"] == 1


def test_in_two_ticks_the_second_is_half_covered(capsys: Captured, small: list[object]) -> None:
    r = told(capsys, *small, "--chip-tick", "2ms", "--pace", "live")
    assert r["chip_ms"] == 4.0
    assert r["energy"]["components"]["neuron"]["pj"] == 2 * 4 * 2 + (4 + 3) * 3


def test_the_report_names_both_ticks(capsys: Captured, small: list[object]) -> None:
    assert main(["hw", *map(str, small), "--chip-tick", "3ms"]) == 0
    assert "tick 1 ms (of the chip 3 ms), each from rest" in capsys.readouterr().out


def test_a_tick_of_the_chip_s_own(capsys: Captured, small: list[object], tmp_path: Path) -> None:
    path = tmp_path / "slow.toml"
    path.write_text(chip_text(tick_ns=3_000_000))
    slow = told(capsys, *small[:-1], path)
    assert any("stands for 1 ms of the network: recordings run 0.333 times" in note for note in slow["notes"])
    right = told(capsys, *small[:-1], path, "--chip-tick", "3ms")
    assert right["notes"] == []
    assert right["chip_ms"] == 3.0


def test_what_makes_no_sense_is_one_line(capsys: Captured, small: list[object]) -> None:
    said = refused(capsys, *small, "--chip-tick", "1500us")
    assert "a tick of the chip must be a multiple of the network's, 1000000 ns, got 1500000 ns" in said
    said = refused(capsys, *small, "--chip-tick", "2ms", "--mode", "asynchronous")
    assert "--chip-tick: chip 'own' is asynchronous; allowed are chips with a barrier, or own with" in said
    said = refused(capsys, *small[:-1], "xylo", "--chip-tick", "2ms")
    assert "--chip-tick: chip 'xylo' is of kind 'cycles'; allowed are chips with a barrier" in said


def test_compared_chips_without_a_barrier_do_without(
    capsys: Captured, small: list[object], chip_file: Path
) -> None:
    chips = f"{chip_file},speck,cortex-m4"
    assert (
        main(["hw", "compare", *map(str, small[:-2]), "--chips", chips, "--chip-tick", "3ms", "--json"]) == 0
    )
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line.get("chip_tick_ns") for line in lines] == [3_000_000, None, None]


def test_a_sweep_varies_it(capsys: Captured, small: list[object], tmp_path: Path) -> None:
    model, _, data, _, chip = small
    grid = tmp_path / "ticks.toml"

    def write(values: str, fixed: str = "") -> None:
        grid.write_text(
            f'[sweep]\nmodel = "{model}"\ndata = ["{data}"]\nchip = "{chip}"\n{fixed}\n'
            f"[grid]\ntiming.chip_tick_ns = {values}\n"
        )

    write("[1_000_000, 3_000_000]")
    results = tmp_path / "ticks.jsonl"
    assert main(["hw", "sweep", str(grid), "--output", str(results), "--workers", "1"]) == 0
    capsys.readouterr()
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    points = [line for line in lines if "result" in line]
    assert [p["result"]["chip_tick_ns"] for p in points] == [1_000_000, 3_000_000]
    write("[1_500_000]")
    said = refused(capsys, "sweep", grid, "--output", tmp_path / "other.jsonl")
    assert "key grid.timing.chip_tick_ns[0]: a tick of the chip must be a multiple" in said
    write("[1_000_000]", "chip_tick_ns = 7")
    said = refused(capsys, "sweep", grid, "--output", tmp_path / "other.jsonl")
    assert "key sweep.chip_tick_ns: a tick of the chip must be a multiple" in said
