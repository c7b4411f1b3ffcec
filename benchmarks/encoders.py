"""Speed and event rates of the encoders of sound, beside peers in the same run.

    python -m benchmarks.encoders [--data DIR] [--other-speech DIR] [--seconds 60] [--rounds 7] [--json FILE]

Without --data the sound is the embedded clip. Peers are taken where they are installed: scipy's gammatone and
first-order filters, librosa's mel spectrogram. Times are CPU time of the process, the things of a group in
turns; the sound comes in blocks of one second, and of 10 ms as from a microphone.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from apps.assets import embedded_clip
from apps.command_line import CommandParser, natural, positive_count, positive_seconds
from benchmarks.exit_code import exit_code_of
from benchmarks.kws_sounds import Sound, load_sounds
from benchmarks.machine import this_machine
from benchmarks.pages import renew, table
from benchmarks.result_file import write_result
from streams.audio_file import AudioFile
from streams.encoders import ENCODERS, LevelCrossingConfig, new_encoder
from streams.encoders.gammatone import Gammatone, GammatoneConfig, centres_hz
from streams.encoders.log_mel import LogMel

RATE_HZ = 16_000
RESULT = Path(__file__).parent / "results" / "encoders.json"
README = Path(__file__).parent / "README.md"
Samples = NDArray[np.float32]
Call = Callable[[Samples], object]


def in_blocks(push: Call, size: int = RATE_HZ) -> Call:
    """Return a call that pushes the sound in blocks of `size` samples, a second unless said."""

    def run(samples: Samples) -> None:
        for start in range(0, samples.size, size):
            push(samples[start : start + size])

    return run


def both(name: str, push: Call) -> dict[str, Call]:
    """Return the same in blocks of one second and of 10 ms."""
    return {name: in_blocks(push), f"{name}, 10 ms": in_blocks(push, RATE_HZ // 100)}


def own_calls() -> dict[str, dict[str, Call]]:
    """Return the project's things by group and name."""
    bank = Gammatone(GammatoneConfig(), LevelCrossingConfig().envelope_hz, "half-wave")
    groups: dict[str, dict[str, Call]] = {
        "gammatone envelopes, 32 bands": both("eventsim", bank.push),
        "log-mel frames, 40 bands": both("eventsim", LogMel().push),
    }
    for name in ENCODERS:
        encoder = new_encoder(name)
        groups[f"encoder {name}"] = both("eventsim", encoder.push)
    return groups


class ScipyGammatone:
    """Envelopes by scipy: its IIR gammatone (Slaney) per band, half-waves, two first-order low-passes."""

    def __init__(self, signal: Any) -> None:
        self._signal = signal
        self._bands = [signal.gammatone(f, "iir", fs=RATE_HZ) for f in centres_hz(GammatoneConfig())]
        a = 1.0 - np.exp(-2 * np.pi * LevelCrossingConfig().envelope_hz / RATE_HZ)
        self._smooth = [a * a], [1.0, -2 * (1 - a), (1 - a) ** 2]
        self.reset()

    def reset(self) -> None:
        """Forget all sound."""
        self._state = [(np.zeros(max(len(b), len(a)) - 1), np.zeros(2)) for b, a in self._bands]

    def push(self, samples: Samples) -> NDArray[np.float64]:
        """Return the envelopes, float64[n, bands]."""
        out = np.empty((samples.size, len(self._bands)))
        for k, (band, (filtered, smoothed)) in enumerate(zip(self._bands, self._state, strict=True)):
            wave, filtered = self._signal.lfilter(*band, samples, zi=filtered)
            out[:, k], smoothed = self._signal.lfilter(
                *self._smooth, np.pi * np.maximum(wave, 0), zi=smoothed
            )
            self._state[k] = filtered, smoothed
        return out

    def levels(self, samples: Samples) -> NDArray[np.int64]:
        """Return changes of the level in whole steps at samples: no hysteresis, no time between samples."""
        config = LevelCrossingConfig()
        level_db = 20 * np.log10(np.maximum(self.push(samples), 1e-9))
        steps = np.floor((level_db - config.floor_db) / config.step_db).clip(min=0).astype(np.int64)
        return np.argwhere(np.diff(steps, axis=0))


def add_peers(groups: dict[str, dict[str, Call]]) -> dict[str, str]:
    """Add the peers that are installed to their groups; return their versions."""
    found = {}
    try:
        peer = ScipyGammatone(importlib.import_module("scipy.signal"))
        groups["gammatone envelopes, 32 bands"] |= both("scipy", peer.push)
        groups["encoder level-crossing"]["scipy and numpy"] = in_blocks(peer.levels)
        found["scipy"] = version("scipy")
    except ImportError:
        pass
    try:
        feature = importlib.import_module("librosa").feature

        def mel(samples: Samples) -> object:
            power = feature.melspectrogram(
                y=samples,
                sr=RATE_HZ,
                n_fft=512,
                win_length=480,
                hop_length=160,
                n_mels=40,
                fmin=60,
                fmax=7_600,
            )
            return np.log(power + 1e-5)

        groups["log-mel frames, 40 bands"]["librosa"] = in_blocks(mel)
        found["librosa"] = version("librosa")
    except ImportError:
        pass
    return found


def times_real_time(calls: dict[str, Call], samples: Samples, rounds: int) -> dict[str, dict[str, float]]:
    """Return for each call how many seconds of sound a second of CPU takes: median, lowest, highest."""
    for call in calls.values():
        call(samples[:RATE_HZ])
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.process_time()
            call(samples)
            seconds[name].append(time.process_time() - start)
    length_s = samples.size / RATE_HZ
    return {
        name: {
            "median": round(length_s / statistics.median(s), 1),
            "lowest": round(length_s / max(s), 1),
            "highest": round(length_s / min(s), 1),
        }
        for name, s in seconds.items()
    }


def event_rates(sounds: list[Sound]) -> list[dict[str, Any]]:
    """Return events per second, and of the busiest second, per encoder and sound."""
    rows = []
    for name in ENCODERS:
        encoder = new_encoder(name)
        for sound in sounds:
            encoder.reset()
            events = encoder.push(sound.samples)
            seconds = sound.samples.size / RATE_HZ
            busiest = np.bincount(events.time_ns // 1_000_000_000, minlength=1).max()
            rows.append(
                {
                    "encoder": name,
                    "sound": sound.name,
                    "seconds": round(seconds, 1),
                    "events_per_s": round(len(events) / seconds, 1),
                    "busiest_second": int(busiest),
                    "addresses": encoder.n_addresses,
                    "tick_ns": encoder.tick_ns,
                }
            )
    return rows


def sounds_of(arguments: argparse.Namespace) -> list[Sound]:
    """Return the embedded clip, and the streams made of recordings where given."""
    path, _ = embedded_clip()
    clip = Sound("embedded clip", np.concatenate([block.samples for block in AudioFile(path)]), 1)
    if arguments.data is None:
        return [clip]
    return [clip, *load_sounds(arguments.data, arguments.other_speech, arguments.seconds, arguments.seed)]


def tables(result: dict[str, Any]) -> list[list[list[str]]]:
    """Return two tables, each with its head: speed beside the peers in blocks alike, and event rates."""
    speed = [["group", "what", "times real time", "lowest..highest", "eventsim is faster by"]]
    for group, rows in result["times_real_time"].items():
        for name, row in rows.items():
            own = "eventsim, 10 ms" if name.endswith(", 10 ms") else "eventsim"
            faster = "" if name == own else f"{rows[own]['median'] / row['median']:.1f}"
            spread = f"{row['lowest']:,.0f}..{row['highest']:,.0f}"
            speed.append([group, name, f"{row['median']:,.0f}", spread, faster])
    rates = [["encoder", "sound", "seconds", "events/s", "busiest second"]]
    for row in result["event_rates"]:
        cells = [f"{row[key]:,.0f}" for key in ("seconds", "events_per_s", "busiest_second")]
        rates.append([row["encoder"], row["sound"], *cells])
    return [speed, rates]


def markdown(result: dict[str, Any]) -> str:
    """Return the result as the README shows it."""
    machine = result["machine"]
    peers = ", ".join(f"{name} {number}" for name, number in result["peers"].items()) or "no peers"
    parts = [f"{result['date']}, {machine['cpu']}, load {machine['load']}, {peers}."]
    for head, *rows in tables(result):
        parts.append(table(head, rows))
    return "\n\n".join(parts)


def print_tables(console: Console, result: dict[str, Any]) -> None:
    """Print speed with ratios to the peers, and event rates."""
    for head, *rows in tables(result):
        shown = Table(*head)
        for row in rows:
            shown.add_row(*row)
        console.print(shown)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write; return the exit code: 0, 2 for a named error.

    The README is renewed where the result is the committed one.
    """
    return exit_code_of("encoders", lambda: _run(_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> int:
    sounds = sounds_of(options)
    groups = own_calls()
    peers = add_peers(groups)
    timed = sounds[1] if len(sounds) > 1 else sounds[0]
    result = {
        "date": datetime.date.today().isoformat(),
        "seed": options.seed,
        "machine": asdict(this_machine()),
        "peers": peers,
        "timed_sound": {"name": timed.name, "seconds": timed.samples.size / RATE_HZ},
        "times_real_time": {
            name: times_real_time(calls, timed.samples, options.rounds) for name, calls in groups.items()
        },
        "event_rates": event_rates(sounds),
    }
    print_tables(Console(), result)
    write_result(options.json, result)
    if options.json == RESULT:
        renew(README, "encoders", markdown(result))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="python -m benchmarks.encoders", description="Speed and event rates of the encoders of sound."
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder in the Speech Commands layout")
    parser.add_argument(
        "--other-speech", type=Path, metavar="DIR", help="folder of .flac or .wav speech without keywords"
    )
    parser.add_argument(
        "--seconds", type=positive_seconds, default=60.0, metavar="N", help="of each sound [%(default)s]"
    )
    parser.add_argument("--rounds", type=positive_count, default=7, help="turns of each [%(default)s]")
    parser.add_argument("--seed", type=natural, default=0, help="of every draw [%(default)s]")
    parser.add_argument(
        "--json", type=Path, default=RESULT, metavar="FILE", help="result [benchmarks/results]"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
