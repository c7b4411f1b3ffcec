"""A real PortAudio stream from a virtual source: what goes into the pipe comes out of the microphone."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from ctypes.util import find_library
from pathlib import Path

import numpy as np
import pytest

RATE_HZ = 16_000
CHUNK_SAMPLES = RATE_HZ // 50

pytestmark = [
    pytest.mark.skipif(shutil.which("pulseaudio") is None, reason="no pulseaudio on this machine"),
    pytest.mark.skipif(find_library("portaudio") is None, reason="no PortAudio library on this machine"),
]

CAPTURE = """
import sys
import numpy as np
from streams.microphone import Microphone
with Microphone("pulse", timeout_s=10) as microphone:
    print("ready", microphone.rate_hz, flush=True)
    parts, size = [], 0
    for block in microphone:
        parts.append(block.samples)
        size += block.samples.size
        if size >= int(sys.argv[2]):
            break
    np.save(sys.argv[1], np.concatenate(parts))
    print("losses", microphone.overflows, microphone.dropped_samples, flush=True)
"""


@pytest.fixture
def pipe_source(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A PulseAudio of our own whose only source is a pipe; yields the pipe and its environment."""
    for folder in ("run", "state"):
        (tmp_path / folder).mkdir(mode=0o700)
    fifo, socket = tmp_path / "fifo", tmp_path / "native"
    environment = os.environ | {
        "PULSE_RUNTIME_PATH": str(tmp_path / "run"),
        "PULSE_STATE_PATH": str(tmp_path / "state"),
        "PULSE_SERVER": f"unix:{socket}",
        "PULSE_SOURCE": "vpipe",
    }
    flags = "--daemonize=no --exit-idle-time=-1 --disallow-exit --use-pid-file=no --disable-shm=yes"
    sample_format = "rate=16000 channels=1 format=s16le"
    server = subprocess.Popen(
        [
            *("pulseaudio", "-n", *flags.split()),
            *("-L", f"module-native-protocol-unix auth-anonymous=1 socket={socket}"),
            *("-L", f"module-pipe-source source_name=vpipe file={fifo} {sample_format}"),
        ],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 10
        while not (fifo.exists() and socket.exists()) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not socket.exists():
            pytest.skip("pulseaudio does not start here")
        yield fifo, environment
    finally:
        server.terminate()
        server.wait(10)


class Player:
    """Writes sound into the pipe at its own pace until stopped."""

    def __init__(self, fifo: Path, samples: np.ndarray) -> None:
        self._fifo, self._samples = fifo, samples
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._play, daemon=True)

    def __enter__(self) -> "Player":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join(5)

    def _play(self) -> None:
        descriptor = os.open(self._fifo, os.O_WRONLY)
        started = time.monotonic()
        try:
            for start in range(0, self._samples.size, CHUNK_SAMPLES):
                if self._stop.wait(max(0.0, started + start / RATE_HZ - time.monotonic())):
                    return
                # The reader may leave first, while a full pipe holds this writer.
                with suppress(BrokenPipeError):
                    os.write(descriptor, self._samples[start : start + CHUNK_SAMPLES].tobytes())
        finally:
            os.close(descriptor)


def beeps(seconds: int) -> np.ndarray:
    """Noise bursts on a faint floor, never the same twice, as s16le."""
    rng = np.random.default_rng(1)
    loudness = np.where(np.arange(seconds * RATE_HZ) % RATE_HZ < RATE_HZ // 3, 6_000, 30)
    return np.clip(rng.normal(0, 1, loudness.size) * loudness, -32_768, 32_767).astype("<i2")


def test_what_is_played_is_heard_bit_for_bit(
    pipe_source: tuple[Path, dict[str, str]], tmp_path: Path
) -> None:
    fifo, environment = pipe_source
    file, sound = tmp_path / "heard.npy", beeps(12)
    command = [sys.executable, "-c", CAPTURE, str(file), str(2 * RATE_HZ)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"ready {RATE_HZ}\n"
        with Player(fifo, sound):
            rest, _ = process.communicate(timeout=60)
    assert rest == "losses 0 0\n"
    heard = np.load(file)
    played = (sound / 32_768).astype(np.float32)
    # The stream may open before or after the first chunk: find where it begins, then every bit must agree.
    loud = int(np.flatnonzero(heard)[0])
    place = np.flatnonzero(played == heard[loud])
    begins = [p - loud for p in place if np.array_equal(played[p : p + 50], heard[loud : loud + 50])]
    assert len(begins) == 1
    stop = heard.size - loud
    assert np.array_equal(heard[loud:], played[begins[0] + loud : begins[0] + loud + stop])
    assert stop > RATE_HZ


@pytest.mark.compiled
def test_the_command_listens_to_the_microphone(pipe_source: tuple[Path, dict[str, str]]) -> None:
    fifo, environment = pipe_source
    command = [
        sys.executable,
        "-m",
        "apps.main",
        "kws",
        "--device",
        "pulse",
        "--seconds",
        "2",
        "--json",
        "--all",
    ]
    # Kernels may have to be compiled first: sound for two minutes, of which two seconds are heard.
    with Player(fifo, np.tile(beeps(12), 10)):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["type"] == "stream"
    assert "microphone" in lines[0]["name"]
    assert lines[-1]["type"] == "summary"
    assert lines[-1]["audio_s"] == 2.0
    assert lines[-1]["input_events"] > 100
    assert any(line["type"] == "decision" for line in lines)


def test_a_source_that_stays_silent_is_named(pipe_source: tuple[Path, dict[str, str]]) -> None:
    _, environment = pipe_source
    code = "from streams.microphone import Microphone\nnext(iter(Microphone('pulse', timeout_s=1.5)))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60
    )
    assert "SourceError: microphone 'pulse': opened but delivers no sound" in done.stderr
