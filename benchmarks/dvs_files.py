"""Event files: how fast each format is read, how large it is, and how much memory its reading takes.

Also the pixels of the webcam emulation and the filters; `python -m benchmarks.dvs_files --help`.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.command_line import CommandParser
from benchmarks.exit_code import exit_code_of
from benchmarks.machine import this_machine
from benchmarks.measured import peak_mb
from benchmarks.result_file import write_result
from eventsim.errors import DataError
from streams.dvs.as_events import as_events
from streams.dvs.events_source import EventsSource
from streams.dvs.filter_text import filters_from_text
from streams.dvs.open_file import open_dvs_file
from streams.dvs.pixel_model import PixelArray

WIDTH, HEIGHT = 640, 480
EVENT = np.dtype([("t", "<u8"), ("x", "<u2"), ("y", "<u2"), (("p", "on"), "?")])
FORMATS = ("evt2", "evt3", "dat", "es", "aedat4", "nmnist", "npy", "csv")
RATE_PER_US = 10
FILTERS = (
    "crop:100,100,400,300",
    "downsample:2",
    "polarity:on",
    "hot-pixel",
    "background:5ms",
    "refractory:1ms",
)


def batches(n: int, seed: int = 0, size: int = 1_000_000) -> Iterator[NDArray[Any]]:
    """Yield `n` events at 10 million per second: short bright edges, 12 pixels of a row at a time."""
    rng = np.random.default_rng(seed)
    for start in range(0, n, size):
        count = min(size, n - start)
        events = np.empty(count, EVENT)
        run = np.arange(count) // 12
        events["t"] = (start + np.arange(count) // 12 * 12) // RATE_PER_US
        n_runs = int(run[-1]) + 1
        events["x"] = rng.integers(0, WIDTH - 12, n_runs)[run] + np.arange(count) % 12
        events["y"] = rng.integers(0, HEIGHT, n_runs)[run]
        events["on"] = rng.integers(0, 2, n_runs)[run]
        yield events


def write(path: Path, name: str, n: int) -> None:
    """Write `n` events in a format: by faery, but for N-MNIST, npy and csv."""
    if name == "npy":
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(
                file, {"descr": EVENT.descr, "fortran_order": False, "shape": (n,)}
            )
            for events in batches(n):
                file.write(events.tobytes())
    elif name == "nmnist":
        with path.open("wb") as file:
            for events in batches(n):
                records = np.empty((len(events), 5), np.uint8)
                time_us = events["t"] % 2**23
                records[:, 0], records[:, 1] = events["x"] % 34, events["y"] % 34
                records[:, 2] = events["on"].astype(np.uint64) << 7 | time_us >> 16
                records[:, 3], records[:, 4] = time_us >> 8 & 0xFF, time_us & 0xFF
                file.write(records.tobytes())
    elif name == "csv":
        with path.open("w") as text:
            text.write("t,x,y,p\n")
            for events in batches(n):
                text.writelines(f"{t},{x},{y},{p:d}\n" for t, x, y, p in events.tolist())
    else:
        from faery import file_encoder

        kind = {"evt2": "evt", "evt3": "evt", "aedat4": "aedat"}.get(name, name)
        version = name if kind == "evt" else None
        # A camera's packets: 10,000 events or 1 ms each.
        parts = (batch[i : i + 10_000] for batch in batches(n) for i in range(0, len(batch), 10_000))
        file_encoder.events_to_file(parts, path, (WIDTH, HEIGHT), version=version, file_type=kind)


def cpu_s() -> float:
    """Return the processor time of this process and of its children that have ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def read(path: Path, name: str) -> dict[str, float]:
    """Read a file twice in this process; return the lesser times, the events, and the most memory held."""
    wall, cpu, n = [], [], 0
    for _ in range(2):
        start, cpu_start = time.perf_counter(), cpu_s()
        n = sum(map(len, open_dvs_file(path, 10.0, format=name)))
        wall.append(time.perf_counter() - start)
        cpu.append(cpu_s() - cpu_start)
    children_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {
        "events": n,
        "seconds": min(wall),
        "cpu_seconds": min(cpu),
        "peak_mb": peak_mb(),
        "reader_peak_mb": children_mb,
    }


def read_in_a_process(path: Path, name: str) -> dict[str, float]:
    """Return what `read` measures in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.dvs_files", "--read", str(path), "--formats", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def files_table(names: tuple[str, ...], n: int, folder: Path) -> list[dict[str, Any]]:
    """Write, read and remove a file of `n` events per format; print one line each."""
    rows = []
    print(
        f"{'format':8s} {'events':>12s} {'bytes/event':>12s} {'million/s':>10s} {'per CPU s':>10s} "
        f"{'peak MiB':>9s} {'child MiB':>9s}"
    )
    for name in names:
        path = folder / f"benchmark.{name}"
        write(path, name, n)
        row = read_in_a_process(path, name) | {"bytes_per_event": path.stat().st_size / n}
        path.unlink()
        if row["events"] != n:
            raise RuntimeError(f"{name}: {row['events']:.0f} of {n} events were read")
        print(
            f"{name:8s} {n:12d} {row['bytes_per_event']:12.2f} {n / row['seconds'] / 1e6:10.1f} "
            f"{n / row['cpu_seconds'] / 1e6:10.1f} "
            f"{row['peak_mb']:9.0f} {row['reader_peak_mb']:9.0f}"
        )
        rows.append({"format": name} | row)
    return rows


def scenes() -> dict[str, Callable[[int], NDArray[np.uint8]]]:
    """Return pictures by number: nothing moves, some of it, all of it."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    noise = np.random.default_rng(0).integers(40, 200, (HEIGHT, WIDTH), dtype=np.uint8)

    def waves(k: int) -> NDArray[np.uint8]:
        light = 127 + 100 * np.sin((x * np.cos(k * 0.02) + y * np.sin(k * 0.02)) * 0.1)
        picture: NDArray[np.uint8] = light.astype(np.uint8)
        return picture

    def ball(k: int) -> NDArray[np.uint8]:
        picture: NDArray[np.uint8] = np.where(np.hypot(x - 100 - 10 * k, y - 240) < 60, np.uint8(220), noise)
        return picture

    return {"still": lambda k: noise, "ball": ball, "waves": waves}


def pixels_table() -> list[dict[str, Any]]:
    """Take the processor time of the pixel model on 30 pictures of each scene."""
    rows = []
    print(f"\n{'scene':8s} {'Mpixel/s':>10s} {'events/pixel':>13s} {'million events/s':>17s}")
    for name, picture in scenes().items():
        pictures = [picture(k) for k in range(30)]
        seconds, n = [], 0
        for _ in range(4):
            pixels, n, start = PixelArray(WIDTH, HEIGHT), 0, time.process_time()
            for k, frame in enumerate(pictures):
                n += len(pixels.see(frame, k * 33_333_333))
            seconds.append(time.process_time() - start)
        best, seen = min(seconds), 30 * WIDTH * HEIGHT
        print(f"{name:8s} {seen / best / 1e6:10.1f} {n / seen:13.3f} {n / best / 1e6:17.1f}")
        rows.append({"scene": name, "seconds": best, "pixels": seen, "events": n})
    return rows


def filters_table(n: int = 2_000_000) -> list[dict[str, Any]]:
    """Take the processor time of each filter on events in memory, in blocks of 10 ms."""
    rows = []
    blocks = list(EventsSource(as_events(np.concatenate(list(batches(n)))), WIDTH, HEIGHT))
    print(f"\n{'filter':24s} {'million events/s':>17s} {'passed':>8s}")
    for text in FILTERS:
        seconds, passed = [], 0
        (each,) = filters_from_text([text])
        for _ in range(4):
            running, start = each.start(WIDTH, HEIGHT), time.process_time()
            passed = sum(len(running.push(block)) for block in blocks)
            seconds.append(time.process_time() - start)
        print(f"{text:24s} {n / min(seconds) / 1e6:17.1f} {passed / n:8.1%}")
        rows.append({"filter": text, "seconds": min(seconds), "events": n, "passed": passed})
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all, or read one file for the measuring process; return 0, or 2 for a named error."""
    return exit_code_of("dvs_files", lambda: _run(_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> int:
    if options.read:
        print(json.dumps(read(options.read, options.formats[0])))
        return 0
    if options.folder is not None and not options.folder.is_dir():
        raise DataError(f"{options.folder}: no such folder")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        files = files_table(tuple(options.formats), options.events, Path(folder))
    result = {
        "machine": asdict(this_machine()),
        "files": files,
        "pixels": pixels_table(),
        "filters": filters_table(),
    }
    if options.json:
        write_result(options.json, result)
    return 0


def _events(text: str) -> int:
    try:
        events = float(text)
    except ValueError:
        events = 0.0
    if not 1 <= events <= 1e10:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of events, 1 to 1e10")
    return int(events)


def _parser() -> argparse.ArgumentParser:
    parser = CommandParser(
        prog="python -m benchmarks.dvs_files",
        description="Event files, the pixels of the webcam emulation, and the filters: speed, size, memory.",
    )
    parser.add_argument("--events", type=_events, default=10**7, metavar="N", help="events per file [1e7]")
    parser.add_argument("--formats", nargs="+", choices=FORMATS, default=FORMATS, help="which [all]")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where the files are for the time being")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result is written")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
