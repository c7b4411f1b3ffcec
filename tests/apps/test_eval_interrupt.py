"""Ctrl-C ends an evaluation by several processes without a word of theirs."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from streams.speech_commands import LABELS, RATE_HZ

pytestmark = [pytest.mark.compiled, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    names = []
    for word in LABELS[:10]:
        (tmp_path / word).mkdir()
        for k in range(12):
            names.append(f"{word}/{k:08x}_nohash_0.wav")
            soundfile.write(tmp_path / names[-1], 0.1 * rng.standard_normal(RATE_HZ), RATE_HZ)
    (tmp_path / "_background_noise_").mkdir()
    for noise in ("pink_noise", "running_tap", "dude_miaowing"):
        hiss = 0.01 * rng.standard_normal(99_999)
        soundfile.write(tmp_path / "_background_noise_" / f"{noise}.wav", hiss, RATE_HZ)
    (tmp_path / "testing_list.txt").write_text("\n".join(names))
    (tmp_path / "validation_list.txt").write_text("")
    return tmp_path


def test_ctrl_c_reaches_no_worker(data: Path) -> None:
    command = [sys.executable, "-m", "apps.main", "eval", "kws", "--data", str(data), "--jobs", "2"]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        limit = time.monotonic() + 200
        # Two workers, and a process of Python's own that tracks resources.
        while len(Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()) < 3:
            assert running.poll() is None, running.communicate()
            assert time.monotonic() < limit, "no worker began"
            time.sleep(0.02)
        # As a terminal does: to the whole group, workers too, which are still importing.
        os.killpg(running.pid, signal.SIGINT)
        _, errors = running.communicate(timeout=200)
    finally:
        running.kill()
    assert running.returncode == 130, errors
    assert errors == ""
