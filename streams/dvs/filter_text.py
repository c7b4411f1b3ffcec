"""Filters of camera events as a command line writes them."""

from collections.abc import Callable, Iterable

from eventsim.errors import ParameterError
from streams.dvs.filters.background import Background
from streams.dvs.filters.crop import Crop
from streams.dvs.filters.downsample import Downsample
from streams.dvs.filters.duration import duration_ns
from streams.dvs.filters.filter import Filter
from streams.dvs.filters.hot_pixel import HotPixel
from streams.dvs.filters.polarity import Polarity
from streams.dvs.filters.refractory import Refractory

FILTER_HELP = (
    "crop:X,Y,WIDTH,HEIGHT  downsample:FACTOR[,EVENTS]  polarity:on|off  hot-pixel[:RATE_HZ[,WINDOW]]  "
    "background[:WINDOW]  refractory:PERIOD"
)
"""All filters with their arguments; durations are written like 5ms, 100us, 1s."""


def filters_from_text(texts: Iterable[str]) -> list[Filter]:
    """Return the filters that the texts name, in their order.

    Raises ParameterError naming the text that is no filter, and what is allowed.

    >>> [f.text for f in filters_from_text(["crop:10,10,100,80", "background:5ms"])]
    ['crop:10,10,100,80', 'background:5ms']
    """
    return [_filter(text) for text in texts]


def _filter(text: str) -> Filter:
    name, _, rest = text.strip().partition(":")
    arguments = [word.strip() for word in rest.split(",")] if rest.strip() else []
    if name not in _MAKERS:
        raise ParameterError(f"{text!r} is no filter; there are: {FILTER_HELP}")
    fewest, most, make = _MAKERS[name]
    if not fewest <= len(arguments) <= most:
        raise ParameterError(f"{text!r} has {len(arguments)} arguments; filters are: {FILTER_HELP}")
    try:
        return make(arguments)
    except ValueError as error:
        reason = str(error) if isinstance(error, ParameterError) else "an argument is no number"
        raise ParameterError(f"{text!r}: {reason}") from None


def _hot_pixel(words: list[str]) -> Filter:
    if len(words) == 2:
        return HotPixel(float(words[0]), duration_ns(words[1]))
    return HotPixel(float(words[0])) if words else HotPixel()


_MAKERS: dict[str, tuple[int, int, Callable[[list[str]], Filter]]] = {
    "crop": (4, 4, lambda words: Crop(*map(int, words))),
    "downsample": (1, 2, lambda words: Downsample(*map(int, words))),
    "polarity": (1, 1, lambda words: Polarity(words[0])),
    "hot-pixel": (0, 2, _hot_pixel),
    "background": (0, 1, lambda words: Background(duration_ns(words[0] if words else "5ms"))),
    "refractory": (1, 1, lambda words: Refractory(duration_ns(words[0]))),
}
