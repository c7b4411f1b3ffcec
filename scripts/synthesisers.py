"""One call for the speech synthesisers that Debian packages: espeak-ng, flite, festival and, if there, pico.

Debian packages: ``espeak-ng``, ``flite``, ``festival`` with ``festvox-kallpc16k``, ``festvox-kdlpc16k`` and
``festvox-us-slt-hts``; ``libttspico-utils`` (non-free) is optional and nothing here depends on it.

Licences, as read in ``/usr/share/doc/*/copyright``. None of them extends to the sound a program produces.

- espeak-ng and its voices: GPL-3-or-later (program and voice data).
- flite and its voices awb, kal16, rms, slt: the free licence of Carnegie Mellon University (BSD-like).
- festival, kal_diphone, ked_diphone: the free licence of the University of Edinburgh and Carnegie Mellon
  University (BSD-like); the voice cmu_us_slt_arctic_hts: the same, with parts under BSD-3-clause.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

RATE_HZ = 16_000
_FRAME = 80  # 5 ms: the grain at which the edges of a word are looked for

_FESTIVAL_SAY = """
(define (say voice text file stretch f0)
  (voice)
  (Parameter.set 'Duration_Stretch stretch)
  (if f0 (set! int_lr_params
    (list (list 'target_f0_mean f0) '(target_f0_std 14) '(model_f0_mean 170) '(model_f0_std 34))))
  (utt.save.wave (utt.synth (eval (list 'Utterance 'Text text))) file 'riff))
"""


@dataclass(frozen=True, slots=True)
class Voice:
    """One way of speaking: program, its voice, and how it is turned.

    Parameters
    ----------
    engine
        ``espeak-ng``, ``flite``, ``festival`` or ``pico``.
    name
        The voice by the program's own name, for example ``en-us+f3``, ``slt``, ``kal_diphone``.
    pitch
        espeak-ng: its scale 0..99. flite and festival: mean fundamental frequency in Hz (the HTS voice and
        flite's awb and rms do not listen to it). None: the voice's own.
    speed
        espeak-ng: words per minute. The others: stretch of the durations, 1.0 is the voice's own (the HTS
        voice does not listen to it).
    playback
        Factor by which the result is played faster, pitch and formants included.
    """

    engine: str
    name: str
    pitch: float | None = None
    speed: float | None = None
    playback: float = 1.0

    def describe(self) -> str:
        """Name this voice with all its settings in one line.

        >>> Voice("flite", "slt", speed=1.1).describe()
        'flite slt speed=1.1'
        """
        parts = [f"{self.engine} {self.name}"]
        if self.pitch is not None:
            parts.append(f"pitch={self.pitch:g}")
        if self.speed is not None:
            parts.append(f"speed={self.speed:g}")
        if self.playback != 1.0:
            parts.append(f"playback={self.playback:g}")
        return " ".join(parts)


def synthesise(requests: Sequence[tuple[Voice, str]]) -> list[NDArray[np.float32]]:
    """Speak each text with its voice and return the words as float32[n] at 16 kHz, silence trimmed.

    Raises
    ------
    RuntimeError
        A program is missing, fails, or returns silence.
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{i}.wav" for i in range(len(requests))]
        festival = []
        for (voice, text), path in zip(requests, paths, strict=True):
            if voice.engine == "festival":
                festival.append((voice, text, path))
            else:
                _run(_command(voice, text, path))
        if festival:
            # One process for all: festival takes longer to start than to speak.
            _speak_festival(festival, Path(folder) / "say.scm")
        return [_load(path, voice, text) for (voice, text), path in zip(requests, paths, strict=True)]


def available(engine: str) -> bool:
    """Whether the program of this engine is installed."""
    return shutil.which("pico2wave" if engine == "pico" else engine) is not None


def versions(engines: Sequence[str]) -> dict[str, str]:
    """Return the version number of each program, for the record kept beside the sound."""
    numbers = {}
    for engine in engines:
        text = subprocess.run([engine, "--version"], capture_output=True, text=True, check=False).stdout
        found = re.search(r"\d+\.\d+(\.\d+)?", text)
        numbers[engine] = found.group() if found else "unknown"
    return numbers


def trim(samples: NDArray[np.float32], below_peak_db: float = 45.0) -> NDArray[np.float32]:
    """Cut leading and trailing frames that lie `below_peak_db` under the loudest frame of 5 ms."""
    first, last = active_span(samples, below_peak_db)
    return samples[first:last]


def active_span(samples: NDArray[np.float32], below_peak_db: float) -> tuple[int, int]:
    """Return first and one-past-last sample of the frames within `below_peak_db` of the loudest frame.

    >>> pulse = np.zeros(800, np.float32); pulse[160:320] = 0.5
    >>> active_span(pulse, 40.0)
    (160, 320)
    """
    n = -(-samples.size // _FRAME)
    padded = np.zeros(n * _FRAME)
    padded[: samples.size] = samples
    energy = np.square(padded.reshape(n, _FRAME)).mean(axis=1)
    active = np.flatnonzero(energy > energy.max(initial=0.0) * 10 ** (-below_peak_db / 10))
    if active.size == 0:
        return 0, 0
    return int(active[0]) * _FRAME, min(int(active[-1] + 1) * _FRAME, samples.size)


def _command(voice: Voice, text: str, path: Path) -> list[str]:
    if voice.engine == "espeak-ng":
        command = ["espeak-ng", "-v", voice.name, "-w", str(path)]
        if voice.pitch is not None:
            command += ["-p", f"{voice.pitch:.0f}"]
        if voice.speed is not None:
            command += ["-s", f"{voice.speed:.0f}"]
        return [*command, text]
    if voice.engine == "flite":
        command = ["flite", "-voice", voice.name]
        if voice.pitch is not None:
            command += ["--setf", f"int_f0_target_mean={voice.pitch:g}"]
        if voice.speed is not None:
            command += ["--setf", f"duration_stretch={voice.speed:g}"]
        return [*command, "-t", text, "-o", str(path)]
    if voice.engine == "pico":
        return ["pico2wave", "-l", voice.name, "-w", str(path), text]
    raise RuntimeError(f"unknown speech engine {voice.engine!r}")


def _speak_festival(items: Sequence[tuple[Voice, str, Path]], script: Path) -> None:
    lines = [_FESTIVAL_SAY]
    for voice, text, path in items:
        f0 = "nil" if voice.pitch is None else f"{voice.pitch:g}"
        stretch = 1.0 if voice.speed is None else voice.speed
        lines.append(f'(say voice_{voice.name} "{text}" "{path}" {stretch:g} {f0})')
    script.write_text("\n".join(lines))
    _run(["festival", "-b", str(script)])


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        raise RuntimeError(f"{command[0]} is not installed") from None
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"{' '.join(command)}: {error.stderr.decode(errors='replace').strip()}") from None


def _load(path: Path, voice: Voice, text: str) -> NDArray[np.float32]:
    samples, rate_hz = soundfile.read(path, dtype="float32")
    resampled: NDArray[np.float32] = soxr.resample(samples, rate_hz * voice.playback, RATE_HZ, quality="VHQ")
    word = trim(resampled)
    if word.size == 0:
        raise RuntimeError(f"{voice.describe()} says nothing for {text!r}")
    return word
