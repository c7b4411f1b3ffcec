"""`eventsim kws`: the options of the keyword spotter."""

import argparse
from pathlib import Path

from apps.command_line import positive_seconds, probability


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `kws` to the command line."""
    parser = commands.add_parser(
        "kws",
        help="spot keywords: live from the microphone, or in audio files",
        description=(
            "Spot keywords in audio files, or live from the microphone; without one, in the clip that comes "
            "with the package."
        ),
    )
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="audio files (WAV, FLAC, OGG, ...)"
    )
    parser.add_argument("--model", type=Path, metavar="PATH", help="model bundle [the one that comes along]")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--threshold", type=probability, metavar="P", help="decide above this probability, 0..1 [the model's]"
    )
    choice.add_argument(
        "--full", action="store_true", help="no early decision: wait for the end of the window"
    )
    parser.add_argument("--all", action="store_true", help='show "unknown" and "silence" too')
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--output", type=Path, metavar="FILE", help="also write the JSON lines to FILE")
    parser.add_argument("--clip", action="store_true", help="use the clip that comes with the package")
    parser.add_argument("--device", metavar="D", help="microphone, by number or name")
    parser.add_argument("--list-devices", action="store_true", help="list the microphones and stop")
    parser.add_argument("--seconds", type=positive_seconds, metavar="S", help="stop after S seconds of sound")
    parser.add_argument("--realtime", action="store_true", help="play files and the clip at their own pace")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Spot keywords as the parsed `arguments` say; return the exit code."""
    from apps.kws import KwsOptions, list_devices, run_kws

    if arguments.list_devices:
        return list_devices()
    return run_kws(
        KwsOptions(
            files=tuple(arguments.files),
            model=arguments.model,
            threshold=arguments.threshold,
            full=arguments.full,
            show_all=arguments.all,
            json=arguments.json,
            output=arguments.output,
            clip=arguments.clip,
            device=_device(arguments.device),
            seconds=arguments.seconds,
            realtime=arguments.realtime,
        )
    )


def _device(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.isdecimal() else text
