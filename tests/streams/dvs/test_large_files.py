"""Files of 10^8 events are read in bounded memory."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[3]
N = 100_000_000
MAX_MIB = 400
"""An interpreter with numba and the compiled kernels is 130 to 180 MiB; the files are 400 to 1300 MB."""


def write_npy(path: Path) -> None:
    kind = np.dtype([("t", "<u8"), ("x", "<u2"), ("y", "<u2"), ("p", "?")])
    part = np.zeros(1_000_000, kind)
    part["x"] = np.arange(part.size) % 640
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": kind.descr, "fortran_order": False, "shape": (N,)}
        )
        for start in range(0, N, part.size):
            part["t"] = (start + np.arange(part.size)) // 10
            part.tofile(file)


def write_evt3(path: Path) -> None:
    """Groups of 15 words: time, row, 8 single events and 24 in two vectors, 10 us apart."""
    with path.open("wb") as file:
        file.write(b"% evt 3.0\n% geometry 640x480\n% end\n")
        base = [0, 3, *(2 << 12 | 20 * i for i in range(8)), 3 << 12 | 100, 4 << 12 | 0xFFF, 4 << 12 | 0xFFF]
        group = np.array([0, *base], np.uint16)
        times = np.arange(4096 // 10) * 10
        slots = np.tile(group, (times.size, 1))
        slots[:, 1] = 6 << 12 | times
        for high in range(N // (32 * times.size)):
            slots[:, 0] = 8 << 12 | high & 0xFFF
            slots.tofile(file)
        rest = N - N // (32 * times.size) * 32 * times.size
        np.tile(np.array([2 << 12], np.uint16), rest).tofile(file)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("name", "write"), [("npy", write_npy), ("evt3", write_evt3), ("aedat4", None)])
def test_ten_to_the_eighth_events(tmp_path: Path, name: str, write: object) -> None:
    if shutil.disk_usage(tmp_path).free < 3e9:
        pytest.skip("needs 3 GB of disk")
    path = tmp_path / f"large.{name}"
    if name == "aedat4":
        pytest.importorskip("faery", reason="needs the extra events")
        from benchmarks.dvs_files import write as write_any

        write_any(path, name, N)
    else:
        write(path)  # type: ignore[operator]
    command = [sys.executable, "-m", "benchmarks.dvs_files", "--read", str(path), "--formats", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    path.unlink()
    result = json.loads(done.stdout)
    assert result["events"] == N
    assert result["peak_mb"] < MAX_MIB
    assert result["reader_peak_mb"] < MAX_MIB
