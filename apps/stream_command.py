"""`eventsim stream`: the options of sending sound, light or a recording to other programs."""

import argparse
from pathlib import Path

from apps.command_line import natural, positive_count, positive_seconds
from apps.transport_options import NAME_HELP, add_sound_options, block_ms, speed

_DESCRIPTION = """\
Send a source of sound or light, live or from a file, to other programs and machines.

SOURCE is one of
  mic, mic:NUMBER_OR_NAME      a microphone (see: eventsim devices)
  sound.wav                    a sound file (WAV, FLAC, OGG, MP3, ...)
  -                            raw PCM on standard input, with --rate HZ
  events.aedat4                a file of an event camera (AEDAT4, EVT2/EVT3, .dat, .es, N-MNIST, CSV, npy)
  camera, camera:SERIAL        an event camera
  webcam, webcam:N, film.mp4   a webcam or a video as an event camera
  stream.evrec                 a recording made with --record

Live, the default, never waits: a receiver that is too slow loses messages, and counts them. Lossless waits
for its one receiver per address and drops nothing."""

_EPILOG = """\
examples:
  eventsim stream mic --to tcp://*:5555
  eventsim stream talk.flac --to tcp://127.0.0.1:5555 --wait-for 1
  eventsim stream dance.aedat4 --to tcp://*:5555 --to tcp://*:5556 --lossless --filter hot-pixel
  eventsim stream mic --to tcp://*:5555 --encode lif:n_bands=32 --record heard.evrec"""


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `stream` to the command line."""
    parser = commands.add_parser(
        "stream",
        help="send a microphone, a camera or a file to other programs",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("source", metavar="SOURCE", help="what to send, see above")
    parser.add_argument(
        "--to",
        action="append",
        required=True,
        metavar="ADDRESS",
        help="tcp://*:PORT or ipc://PATH; > before it connects instead of listening; several with --lossless",
    )
    parser.add_argument("--name", metavar="NAME", help=f"of the stream: {NAME_HELP} [sound, dvs, events ...]")
    parser.add_argument("--lossless", action="store_true", help="wait for slow receivers, drop nothing")
    parser.add_argument(
        "--wait-for",
        type=natural,
        metavar="N",
        help="begin when N receivers are there [0 live; one per address lossless]",
    )
    parser.add_argument(
        "--speed",
        type=speed,
        metavar="real|fast|FACTOR",
        default=argparse.SUPPRESS,
        help="pace of a file: real time, as fast as possible, or a factor [real if live, fast if lossless]",
    )
    parser.add_argument(
        "--seconds", type=positive_seconds, metavar="S", help="stop after S seconds of stream"
    )
    parser.add_argument("--record", type=Path, metavar="FILE", help="record what is sent (.evrec), too")
    parser.add_argument("--json", action="store_true", help="one JSON object per line, one each second")
    _add_source_options(parser)
    keys = parser.add_argument_group("keys (see: eventsim keys)")
    keys.add_argument("--keys", type=Path, metavar="FILE", help="secret key file of this sender")
    keys.add_argument(
        "--clients", type=Path, metavar="DIR", help="folder of the public keys of those allowed"
    )
    parser.set_defaults(run=run)


def _add_source_options(parser: argparse.ArgumentParser) -> None:
    sound = parser.add_argument_group("sound")
    add_sound_options(sound)
    sound.add_argument(
        "--encode",
        metavar="NAME[:OPTION=VALUE,...]",
        help="send events instead of sound: mel-delta, level-crossing or lif",
    )
    source = parser.add_argument_group("blocks, cameras and recordings")
    source.add_argument(
        "--block-ms", type=block_ms, metavar="MS", help="length of a block, thus of a message [10]"
    )
    source.add_argument(
        "--filter",
        action="append",
        default=[],
        metavar="FILTER",
        help="of camera events, may be repeated: crop:X,Y,W,H downsample:N polarity:on hot-pixel "
        "background:5ms refractory:1ms",
    )
    source.add_argument(
        "--width", type=positive_count, metavar="PIXELS", help="of a camera whose file says none"
    )
    source.add_argument("--height", type=positive_count, metavar="PIXELS", help="likewise")
    source.add_argument("--stream", metavar="NAME", help="of a recording that holds several streams")


def run(arguments: argparse.Namespace) -> int:
    """Send as the parsed `arguments` say; return the exit code."""
    from apps.sound_choice import SoundOptions
    from apps.source_choice import SourceOptions
    from apps.stream import StreamOptions, run_stream

    sound = SoundOptions(
        rate_hz=arguments.rate,
        block_ms=arguments.block_ms,
        sample_format=arguments.sample_format,
        n_channels=arguments.channels,
        latency=arguments.latency,
    )
    return run_stream(
        StreamOptions(
            source=arguments.source,
            addresses=tuple(arguments.to),
            how=SourceOptions(
                sound, arguments.width, arguments.height, tuple(arguments.filter), arguments.stream
            ),
            name=arguments.name,
            lossless=arguments.lossless,
            wait_for=arguments.wait_for,
            encode=arguments.encode,
            speed=arguments.speed if "speed" in arguments else (None if arguments.lossless else 1.0),
            speed_given="speed" in arguments,
            seconds=arguments.seconds,
            record=arguments.record,
            json=arguments.json,
            keys=arguments.keys,
            clients=arguments.clients,
        )
    )
