"""The benchmark of encoders runs on what comes with the package; its result holds what the tables show."""

import json
from pathlib import Path

import pytest

from benchmarks import encoders
from benchmarks.pages import with_tables
from streams.encoders import ENCODERS


@pytest.mark.compiled
def test_the_result_has_speed_and_rates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "encoders.json"
    assert encoders.main(["--rounds", "1", "--json", str(file)]) == 0
    result = json.loads(file.read_text())
    assert {row["encoder"] for row in result["event_rates"]} == set(ENCODERS)
    assert all(row["events_per_s"] > 100 for row in result["event_rates"])
    for rows in result["times_real_time"].values():
        assert {"eventsim", "eventsim, 10 ms"} <= rows.keys()
        assert all(row["lowest"] <= row["median"] <= row["highest"] for row in rows.values())
    assert "level-crossing" in capsys.readouterr().out


def test_blocks_cover_the_sound() -> None:
    sizes: list[int] = []
    encoders.in_blocks(lambda samples: sizes.append(samples.size), 100)(encoders.np.zeros(250, "f4"))
    assert sizes == [100, 100, 50]


def test_the_readme_shows_the_committed_result() -> None:
    readme = encoders.README.read_text(encoding="utf-8")
    result = json.loads(encoders.RESULT.read_text())
    assert with_tables(readme, "encoders", encoders.markdown(result)) == readme
