"""A sound card without a sound card: a PulseAudio of our own whose only source is a pipe the test plays into.

For tests anywhere in the suite:

    from tests.streams.virtual_sound_card import NEEDS_SOUND_CARD, Player, virtual_sound_card

    pytestmark = NEEDS_SOUND_CARD

    @pytest.fixture
    def sound_card(tmp_path):
        with virtual_sound_card(tmp_path) as card:
            yield card

PortAudio looks for devices when it is first imported, so the microphone is opened by another process, started
with `card.environment`; it is called "pulse" there.
"""

import os
import select
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

RATE_HZ = 16_000
CHUNK_SAMPLES = RATE_HZ // 50
DEVICE = "pulse"

ALSA_PLUGIN = "/usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so"

NEEDS_SOUND_CARD = [
    pytest.mark.skipif(shutil.which("pulseaudio") is None, reason="no pulseaudio on this machine"),
    pytest.mark.skipif(find_library("portaudio") is None, reason="no PortAudio library on this machine"),
    pytest.mark.skipif(
        not list(Path("/").glob(ALSA_PLUGIN.lstrip("/"))),
        reason="no pulse plugin of ALSA (libasound2-plugins)",
    ),
]


@dataclass(frozen=True)
class VirtualSoundCard:
    """The pipe to play into, the environment in which "pulse" is the microphone, and the server behind it."""

    fifo: Path
    environment: dict[str, str]
    server: subprocess.Popen[bytes]

    def unplug(self) -> None:
        """End the server at once, as when a device is pulled out."""
        self.server.kill()
        self.server.wait(10)


@contextmanager
def virtual_sound_card(folder: Path) -> Iterator[VirtualSoundCard]:
    """Start a server with its files in `folder`; skip the test where it does not start."""
    for name in ("run", "state"):
        (folder / name).mkdir(mode=0o700)
    fifo, socket = folder / "fifo", folder / "native"
    environment = os.environ | {
        "PULSE_RUNTIME_PATH": str(folder / "run"),
        "PULSE_STATE_PATH": str(folder / "state"),
        "PULSE_SERVER": f"unix:{socket}",
        "PULSE_SOURCE": "vpipe",
    }
    flags = "--daemonize=no --exit-idle-time=-1 --disallow-exit --use-pid-file=no --disable-shm=yes"
    sample_format = f"rate={RATE_HZ} channels=1 format=s16le"
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
        deadline = time.monotonic() + 20
        while not (fifo.exists() and socket.exists()) and time.monotonic() < deadline:
            time.sleep(0.05)
        if not socket.exists():
            pytest.skip("pulseaudio does not start here")
        yield VirtualSoundCard(fifo, environment, server)
    finally:
        server.kill()
        server.wait(10)


class Player:
    """Writes sound (int16[n]) into the pipe at its own pace until stopped."""

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
        os.set_blocking(descriptor, False)
        started = time.monotonic()
        try:
            for start in range(0, self._samples.size, CHUNK_SAMPLES):
                if self._stop.wait(max(0.0, started + start / RATE_HZ - time.monotonic())):
                    return
                self._write(descriptor, self._samples[start : start + CHUNK_SAMPLES].tobytes())
        finally:
            os.close(descriptor)

    def _write(self, descriptor: int, chunk: bytes) -> None:
        """Write a chunk, which goes into a pipe as a whole or not at all, as soon as there is room."""
        while not self._stop.is_set():
            try:
                os.write(descriptor, chunk)
            except BlockingIOError:
                select.select([], [descriptor], [], 0.1)
            except BrokenPipeError:
                # The reader may leave first.
                return
            else:
                return


def beeps(seconds: int) -> np.ndarray:
    """Noise bursts on a faint floor, never the same twice, as s16le."""
    rng = np.random.default_rng(1)
    loudness = np.where(np.arange(seconds * RATE_HZ) % RATE_HZ < RATE_HZ // 3, 6_000, 30)
    return np.clip(rng.normal(0, 1, loudness.size) * loudness, -32_768, 32_767).astype("<i2")
