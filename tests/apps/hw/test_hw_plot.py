"""Pictures of `eventsim hw`."""

from pathlib import Path

import pytest

from apps.main import main

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("chip", "suffix", "begins"),
    [
        ("own", "png", b"\x89PNG"),
        ("loihi", "svg", b"<?xml"),
        ("spinnaker", "pdf", b"%PDF"),
        ("cpu-45nm", "png", b"\x89PNG"),
    ],
)
def test_a_picture_is_drawn(
    chip: str,
    suffix: str,
    begins: bytes,
    network_file: Path,
    event_file: Path,
    chip_file: Path,
    tmp_path: Path,
) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    picture = tmp_path / f"hw.{suffix}"
    asked = ["--data", str(event_file), "--chip", str(chip_file) if chip == "own" else chip]
    assert main(["hw", str(network_file), *asked, "--json", "--plot", str(picture)]) == 0
    assert picture.read_bytes().startswith(begins)
    assert picture.stat().st_size > 5_000


def test_without_matplotlib_it_is_one_line(
    network_file: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.hw_plot.find_spec", lambda name: None)
    assert main(["hw", str(network_file), "--poisson", "1", "--plot", str(tmp_path / "x.png")]) == 2
    assert "pip install 'eventsim[plot]'" in capsys.readouterr().err
