"""`eventsim kws`: the options of the keyword spotter."""

import argparse
from pathlib import Path

from apps.command_line import natural, positive_seconds
from apps.decision_options import add_decision_options
from apps.transport_options import NAME_HELP, add_receiving_options, add_sound_options, receiving_options
from eventsim.errors import ParameterError


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `kws` to the command line."""
    parser = commands.add_parser(
        "kws",
        help="spot keywords: live from the microphone, in a stream, or in audio files",
        description=(
            "Spot keywords in audio files, in a stream of another program, or live from the microphone; "
            "without one, in the clip that comes with the package."
        ),
    )
    parser.add_argument(
        "sources",
        nargs="*",
        metavar="SOURCE",
        help="audio files (WAV, FLAC, OGG, ...), recordings, mic[:NAME_OR_NUMBER], or - for raw PCM on "
        "standard input [mic]",
    )
    parser.add_argument("--model", type=Path, metavar="PATH", help="model bundle [the one that comes along]")
    add_decision_options(parser)
    parser.add_argument("--all", action="store_true", help='show "unknown" and "silence" too')
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--output", type=Path, metavar="FILE", help="also write the JSON lines to FILE")
    parser.add_argument("--clip", action="store_true", help="use the clip that comes with the package")
    parser.add_argument("--device", metavar="D", help="microphone, by number or name")
    parser.add_argument("--list-devices", action="store_true", help="list the microphones and stop")
    parser.add_argument("--seconds", type=positive_seconds, metavar="S", help="stop after S seconds of sound")
    parser.add_argument("--realtime", action="store_true", help="play files and the clip at their own pace")
    parser.add_argument(
        "--chip", metavar="C", help="show what each decision takes on this chip (see: eventsim hw chips)"
    )
    add_sound_options(parser.add_argument_group("sound from mic and -"))
    _add_network_options(parser)
    parser.set_defaults(run=run)


def _add_network_options(parser: argparse.ArgumentParser) -> None:
    come_from = parser.add_argument_group("from another program (see: eventsim stream)")
    come_from.add_argument(
        "--from",
        dest="come_from",
        metavar="ADDRESS",
        help="hear this stream: sound, or the model's own events",
    )
    add_receiving_options(come_from)
    go_to = parser.add_argument_group("to other programs (see: eventsim listen)")
    go_to.add_argument("--to", action="append", metavar="ADDRESS", help="send the decisions, too")
    go_to.add_argument("--name", metavar="NAME", help=f"of that stream [decisions]: {NAME_HELP}")
    go_to.add_argument("--to-lossless", action="store_true", help="wait for slow receivers, drop nothing")
    go_to.add_argument(
        "--wait-for",
        type=natural,
        metavar="N",
        default=0,
        help="begin when N receivers are there [%(default)s]",
    )
    go_to.add_argument("--to-keys", type=Path, metavar="FILE", help="secret key file of this sender")
    go_to.add_argument(
        "--to-clients", type=Path, metavar="DIR", help="folder of public keys of those allowed"
    )


def run(arguments: argparse.Namespace) -> int:
    """Spot keywords as the parsed `arguments` say; return the exit code."""
    from apps.decision_sender import ToOptions
    from apps.kws import KwsOptions, list_devices, run_kws
    from apps.sound_choice import SoundOptions

    if arguments.list_devices:
        return list_devices()
    _check_network_options(arguments)
    come_from = go_to = None
    if arguments.come_from is not None:
        come_from = receiving_options(arguments.come_from, arguments)
    if arguments.to:
        go_to = ToOptions(
            tuple(arguments.to),
            "decisions" if arguments.name is None else arguments.name,
            arguments.to_lossless,
            arguments.to_keys,
            arguments.to_clients,
            arguments.wait_for,
        )
    return run_kws(
        KwsOptions(
            sources=tuple(arguments.sources),
            model=arguments.model,
            threshold=arguments.threshold,
            full=arguments.full,
            show_all=arguments.all,
            json=arguments.json,
            output=arguments.output,
            clip=arguments.clip,
            device=arguments.device,
            seconds=arguments.seconds,
            realtime=arguments.realtime,
            sound=SoundOptions(
                rate_hz=arguments.rate,
                sample_format=arguments.sample_format,
                n_channels=arguments.channels,
                latency=arguments.latency,
            ),
            stream=arguments.stream,
            come_from=come_from,
            go_to=go_to,
            chip=arguments.chip,
        )
    )


def _check_network_options(arguments: argparse.Namespace) -> None:
    """Raise ParameterError for an option that would have no effect."""
    needs = {
        "--from": (arguments.come_from, ("lossless", "keys", "server_key", "timeout")),
        "--to": (arguments.to, ("name", "to_lossless", "to_keys", "to_clients", "wait_for")),
    }
    for option, (given, dependents) in needs.items():
        for name in dependents:
            if getattr(arguments, name) and not given:
                raise ParameterError(f"--{name.replace('_', '-')} needs {option} ADDRESS")
