"""`eventsim hw sweep`: every point once, whoever computes it, and taken up again after a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from apps.hw_sweep_file import load_sweep
from apps.main import main
from tests.apps.hw.conftest import chip_text

Captured = pytest.CaptureFixture[str]

GRID = """
[grid]
network.threshold_scale = [1.0, 3.0]
chip.operations.synapse.energy_pj = { from = 10, to = 20, steps = 3 }
placement.cores = [1, 2]
"""


@pytest.fixture
def sweep_file(tmp_path: Path, network_file: Path, event_file: Path) -> Path:
    (tmp_path / "own.toml").write_text(chip_text())
    path = tmp_path / "sweep.toml"
    path.write_text(
        f'[sweep]\nmodel = "{network_file}"\nchip = "{tmp_path / "own.toml"}"\n'
        f'data = ["{event_file}"]\n{GRID}'
    )
    return path


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def points_of(path: Path) -> dict[str, dict]:
    """Return what each point gave, by its parameters."""
    return {json.dumps(line["point"], sort_keys=True): line for line in lines_of(path)[1:]}


def test_every_point_is_computed_once_and_right(sweep_file: Path, capsys: Captured) -> None:
    assert main(["hw", "sweep", str(sweep_file), "--workers", "1"]) == 0
    printed = capsys.readouterr().out
    assert "12 points: 12 computed now, 0 before, 0 not yet; 6 do not fit" in printed
    results = sweep_file.with_suffix(".jsonl")
    found = points_of(results)
    assert len(found) == len(lines_of(results)) - 1 == 12
    for line in found.values():
        point = line["point"]
        if point["placement.cores"] == 1:
            assert "find no core" in line["refused"]  # four neurons, three places
            continue
        synapse = line["result"]["energy"]["components"]["synapse"]["pj"]
        # At three times the threshold only the second event makes them fire, on top of the first.
        events = 12 if point["network.threshold_scale"] == 1.0 else 9
        assert synapse == events * point["chip.operations.synapse.energy_pj"]


def test_what_is_done_is_not_done_again(sweep_file: Path, capsys: Captured) -> None:
    assert main(["hw", "sweep", str(sweep_file), "--workers", "1"]) == 0
    results = sweep_file.with_suffix(".jsonl")
    whole = results.read_bytes()
    capsys.readouterr()
    assert main(["hw", "sweep", str(sweep_file), "--workers", "1"]) == 0
    assert "0 computed now, 12 before" in capsys.readouterr().out
    assert results.read_bytes() == whole
    # A kill in the middle of a line: it is cut off, and what is missing is computed again.
    results.write_bytes(whole[: len(whole) * 2 // 3])
    assert main(["hw", "sweep", str(sweep_file), "--workers", "1"]) == 0
    told = capsys.readouterr()
    assert "half a line at the end was cut off" in told.err
    assert "0 not yet" in told.out
    assert sorted(results.read_bytes().splitlines()) == sorted(whole.splitlines())
    # The grid may grow.
    sweep_file.write_text(sweep_file.read_text().replace("[1.0, 3.0]", "[1.0, 3.0, 2.0]"))
    assert main(["hw", "sweep", str(sweep_file), "--workers", "1", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 6


def test_a_changed_chip_file_is_computed_anew(sweep_file: Path, capsys: Captured) -> None:
    assert main(["hw", "sweep", str(sweep_file), "--workers", "1"]) == 0
    own = sweep_file.with_name("own.toml")
    own.write_text(
        own.read_text().replace("static_power_mw = { value = 1,", "static_power_mw = { value = 2,")
    )
    capsys.readouterr()
    assert main(["hw", "sweep", str(sweep_file), "--workers", "1"]) == 0
    assert "12 computed now, 0 before" in capsys.readouterr().out


def test_results_of_another_sweep_are_refused(sweep_file: Path, capsys: Captured, network_file: Path) -> None:
    assert main(["hw", "sweep", str(sweep_file), "--workers", "1"]) == 0
    results = sweep_file.with_suffix(".jsonl")
    whole = results.read_bytes()
    sweep_file.write_text(sweep_file.read_text().replace("[grid]", "seed = 4\n[grid]", 1))
    capsys.readouterr()
    assert main(["hw", "sweep", str(sweep_file)]) == 2
    assert "is of another sweep: seed is 0 there, 4 here" in capsys.readouterr().err
    assert results.read_bytes() == whole
    results.write_text('{"not": "a head"}\n')
    assert main(["hw", "sweep", str(sweep_file)]) == 2
    assert "line 1: is not the head of a sweep" in capsys.readouterr().err
    assert main(["hw", "sweep", str(sweep_file), "--output", str(sweep_file.parent / "no" / "x")]) == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_broken_line_in_the_middle_is_named(sweep_file: Path, capsys: Captured) -> None:
    assert main(["hw", "sweep", str(sweep_file), "--workers", "1"]) == 0
    results = sweep_file.with_suffix(".jsonl")
    rows = results.read_text().splitlines()
    for damaged, said in (('{"point":', "no JSON object"), ('{"point": 3, "result": {}}', "not a result")):
        results.write_text("\n".join([*rows[:3], damaged, *rows[3:]]) + "\n")
        capsys.readouterr()
        assert main(["hw", "sweep", str(sweep_file)]) == 2
        line = capsys.readouterr().err
        assert "sweep.jsonl: line 4: " in line
        assert said in line


@pytest.mark.compiled
def test_processes_find_the_same_as_one(sweep_file: Path, capsys: Captured) -> None:
    one, two = sweep_file.with_name("one.jsonl"), sweep_file.with_name("two.jsonl")
    assert main(["hw", "sweep", str(sweep_file), "--workers", "1", "--output", str(one)]) == 0
    assert main(["hw", "sweep", str(sweep_file), "--workers", "2", "--output", str(two)]) == 0
    assert points_of(one) == points_of(two)
    assert lines_of(one)[0] == lines_of(two)[0]


@pytest.mark.compiled
@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_keeps_what_is_done(sweep_file: Path, workers: str) -> None:
    steps = "{ from = 10, to = 20, steps = 4000 }"
    sweep_file.write_text(sweep_file.read_text().replace("{ from = 10, to = 20, steps = 3 }", steps))
    results = sweep_file.with_suffix(".jsonl")
    command = [sys.executable, "-m", "apps.main", "hw", "sweep", str(sweep_file), "--workers", workers]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        limit = time.monotonic() + 200
        while not results.exists() or len(results.read_bytes().splitlines()) < 4:
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < limit, "no point was finished"
            time.sleep(0.05)
        # As a terminal does: to the whole group, workers too.
        os.killpg(running.pid, signal.SIGINT)
        printed, errors = running.communicate(timeout=120)
    finally:
        running.kill()
    assert running.returncode == 130, errors
    assert errors == ""
    done = points_of(results)
    assert 3 <= len(done) < 16_000
    assert f"16000 points: {len(done)} computed now, 0 before" in printed


def test_two_at_once_into_one_file_are_refused(sweep_file: Path, capsys: Captured) -> None:
    import fcntl

    results = sweep_file.with_suffix(".jsonl")
    with results.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert main(["hw", "sweep", str(sweep_file)]) == 2
    assert "another sweep is writing it" in capsys.readouterr().err


def test_results_in_what_is_no_file_are_refused(sweep_file: Path, capsys: Captured) -> None:
    # /dev/full would give zeros without end.
    for output in ("/dev/null", sweep_file.parent):
        assert main(["hw", "sweep", str(sweep_file), "--workers", "1", "--output", str(output)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"eventsim: error: {output}: cannot be written (")


def test_a_cluster_that_is_not_there_is_one_line(
    sweep_file: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.hw_sweep_workers.find_spec", lambda name: None)
    assert main(["hw", "sweep", str(sweep_file), "--cluster", "tcp://127.0.0.1:1"]) == 2
    assert "pip install 'eventsim[cluster]'" in capsys.readouterr().err
    assert not sweep_file.with_suffix(".jsonl").exists()


@pytest.mark.slow
def test_a_cluster_finds_the_same_as_one(
    sweep_file: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed", reason="needs the extra cluster")
    one, two = sweep_file.with_name("one.jsonl"), sweep_file.with_name("two.jsonl")
    assert main(["hw", "sweep", str(sweep_file), "--workers", "1", "--output", str(one)]) == 0
    # A worker unpickles what it is sent by name: it must find the package as the parent does.
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        assert main(["hw", "sweep", str(sweep_file), "--cluster", address, "--output", str(two)]) == 0
    assert points_of(one) == points_of(two)
    monkeypatch.setattr("apps.hw_sweep_workers._CONNECT_S", 1)
    capsys.readouterr()
    assert main(["hw", "sweep", str(sweep_file), "--cluster", "tcp://127.0.0.1:1"]) == 2
    (line,) = [row for row in capsys.readouterr().err.splitlines() if row.startswith("eventsim: ")]
    assert "--cluster tcp://127.0.0.1:1" in line


def test_what_the_network_does_varies_slowest(sweep_file: Path) -> None:
    points = list(load_sweep(sweep_file).points())
    scales = [point["network.threshold_scale"] for point in points]
    assert scales == sorted(scales)
    assert list(points[0]) == [
        "network.threshold_scale",
        "chip.operations.synapse.energy_pj",
        "placement.cores",
    ]
