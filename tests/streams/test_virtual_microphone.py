"""A real PortAudio stream from a virtual source: what goes into the pipe comes out of the microphone."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.streams.virtual_sound_card import (
    NEEDS_SOUND_CARD,
    RATE_HZ,
    Player,
    VirtualSoundCard,
    beeps,
    virtual_sound_card,
)

pytestmark = NEEDS_SOUND_CARD

CAPTURE = """
import sys, time
import numpy as np
from streams.microphone import Microphone
with Microphone("pulse", timeout_s=10) as microphone:
    print("ready", microphone.rate_hz, flush=True)
    parts, size, ages_ns = [], 0, []
    for block in microphone:
        parts.append(block.samples)
        ages_ns.append(time.time_ns() - block.captured_ns)
        size += block.samples.size
        if size >= int(sys.argv[2]):
            break
    np.save(sys.argv[1], np.concatenate(parts))
    assert all(0 <= age < 60e9 for age in ages_ns), ages_ns
print("losses", microphone.overflows, microphone.dropped_samples, microphone.hung_on_close, flush=True)
"""

# Ends by itself, with the error as its only line; says when it hears something.
LISTEN = """
import sys
from eventsim.errors import SourceError
from streams.microphone import Microphone
try:
    with Microphone("pulse", timeout_s=float(sys.argv[1])) as microphone:
        for block in microphone:
            print("hears", flush=True)
except SourceError as error:
    print(error, "| hung on close:", microphone.hung_on_close, file=sys.stderr)
"""


@pytest.fixture
def sound_card(tmp_path: Path) -> Iterator[VirtualSoundCard]:
    with virtual_sound_card(tmp_path) as card:
        yield card


def test_what_is_played_is_heard_bit_for_bit(sound_card: VirtualSoundCard, tmp_path: Path) -> None:
    file, sound = tmp_path / "heard.npy", beeps(12)
    command = [sys.executable, "-c", CAPTURE, str(file), str(2 * RATE_HZ)]
    with subprocess.Popen(command, env=sound_card.environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"ready {RATE_HZ}\n"
        with Player(sound_card.fifo, sound):
            rest, _ = process.communicate(timeout=60)
    assert rest == "losses 0 0 False\n"
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
def test_the_command_listens_to_the_microphone(sound_card: VirtualSoundCard) -> None:
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
    with Player(sound_card.fifo, np.tile(beeps(12), 10)):
        done = subprocess.run(
            command, env=sound_card.environment, capture_output=True, text=True, timeout=200
        )
    assert (done.returncode, done.stderr) == (0, "")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["type"] == "stream"
    assert "microphone" in lines[0]["name"]
    assert lines[-1]["type"] == "summary"
    assert lines[-1]["audio_s"] == 2.0
    assert lines[-1]["input_events"] > 100
    assert any(line["type"] == "decision" for line in lines)


def ending_of(process: "subprocess.Popen[str]") -> list[str]:
    """Return the lines a listener wrote to stderr; a hang fails."""
    try:
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0
    return said.splitlines()


def listener(card: VirtualSoundCard, timeout_s: float) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", LISTEN, str(timeout_s)],
        env=card.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_source_that_stays_silent_is_named(sound_card: VirtualSoundCard) -> None:
    assert ending_of(listener(sound_card, 1.5)) == [
        "microphone 'pulse': opened but delivers no sound (waited 1.5 s; suspended or unplugged?)"
        " | hung on close: False"
    ]


def test_a_source_that_is_unplugged_ends_in_one_line(sound_card: VirtualSoundCard) -> None:
    process = listener(sound_card, 20)
    assert process.stdout is not None
    with Player(sound_card.fifo, beeps(60)):
        assert process.stdout.readline() == "hears\n"
        time.sleep(0.3)
        sound_card.unplug()
        (line,) = ending_of(process)
    # PortAudio notices at once, or the watchdog does.
    assert line.startswith("microphone 'pulse': ")
    assert "stopped by itself" in line or "no longer delivers sound (waited 20 s" in line


def test_a_server_that_hangs_holds_neither_the_reader_nor_the_process(sound_card: VirtualSoundCard) -> None:
    process = listener(sound_card, 1.0)
    assert process.stdout is not None
    with Player(sound_card.fifo, beeps(60)):
        assert process.stdout.readline() == "hears\n"
        sound_card.server.send_signal(signal.SIGSTOP)
        assert ending_of(process) == [
            "microphone 'pulse': no longer delivers sound (waited 1 s; suspended or unplugged?)"
            " | hung on close: True"
        ]
