"""Options of the command line that several commands share: addresses, keys, and how sound is taken in."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apps.command_line import positive_count, positive_seconds

if TYPE_CHECKING:
    from apps.receiving import ReceivingOptions

SAMPLE_FORMATS = ("s16le", "s24le", "s32le", "f32le")
DEFAULT_TIMEOUT_S = 10.0
NAME_HELP = "letters, digits, dots, dashes and underscores"


def add_receiving_options(parser: Any) -> None:
    """Add what receiving a stream needs beside its address."""
    parser.add_argument("--stream", metavar="NAME", help="take this stream alone [whatever comes]")
    parser.add_argument(
        "--lossless", action="store_true", help="the sender sends lossless: it waits, and nothing is dropped"
    )
    parser.add_argument("--keys", type=Path, metavar="FILE", help="own secret key file (NAME.key_secret)")
    parser.add_argument(
        "--server-key", type=Path, metavar="FILE", help="public key file of the sender (server.key)"
    )
    parser.add_argument(
        "--timeout",
        type=positive_seconds,
        metavar="S",
        help=f"give up after S seconds without a sign of life [{DEFAULT_TIMEOUT_S:g}]",
    )


def receiving_options(address: str, arguments: argparse.Namespace) -> "ReceivingOptions":
    """Return what the options of `add_receiving_options` say about the stream at an address."""
    from apps.receiving import ReceivingOptions

    return ReceivingOptions(
        address=address,
        stream=arguments.stream,
        lossless=arguments.lossless,
        keys=arguments.keys,
        server_key=arguments.server_key,
        timeout_s=arguments.timeout or DEFAULT_TIMEOUT_S,
    )


def add_sound_options(parser: Any) -> None:
    """Add how sound is taken in."""
    parser.add_argument(
        "--rate",
        type=positive_count,
        metavar="HZ",
        help="samples per second of raw PCM, or of the microphone",
    )
    parser.add_argument(
        "--sample-format", choices=SAMPLE_FORMATS, default="s16le", help="of raw PCM [%(default)s]"
    )
    parser.add_argument(
        "--channels", type=positive_count, default=1, metavar="N", help="of raw PCM, averaged [%(default)s]"
    )
    parser.add_argument(
        "--latency",
        type=latency,
        default="low",
        metavar="L",
        help="of the microphone: low, high or seconds [low]",
    )


def block_ms(text: str) -> float:
    """Return the length of a block in ms.

    >>> block_ms("2.5")
    2.5
    """
    value = positive_seconds(text)
    if not 0.1 <= value <= 10_000:
        raise argparse.ArgumentTypeError(f"{text} ms is outside 0.1..10000 ms")
    return value


def latency(text: str) -> float | str:
    """Return the latency of a microphone: "low", "high" or seconds.

    >>> latency("low"), latency("0.05")
    ('low', 0.05)
    """
    return text if text in ("low", "high") else positive_seconds(text)


def speed(text: str) -> float | None:
    """Return a speed of replay: 1 for real time, None for as fast as possible.

    >>> speed("real"), speed("fast"), speed("2.5")
    (1.0, None, 2.5)
    """
    if text == "fast":
        return None
    if text == "real":
        return 1.0
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 1e-6 <= value <= 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is neither real nor fast nor a factor in 1e-6..1e6")
    return value
