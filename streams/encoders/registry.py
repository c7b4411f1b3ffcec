"""Encoders by name, with their options checked: for the command line and for model bundles."""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, NamedTuple

from eventsim.errors import ParameterError
from streams.encoders.encoder import Encoder
from streams.encoders.level_crossing import LevelCrossingConfig, LevelCrossingEncoder
from streams.encoders.lif import LifConfig, LifEncoder
from streams.encoders.mel_delta import MelDeltaConfig, MelDeltaEncoder
from streams.encoders.options import EncoderOption, number_from, options_of


class _Entry(NamedTuple):
    config: type[Any]
    make: Callable[[Any], Encoder]
    meaning: str


_REGISTRY = {
    MelDeltaEncoder.kind: _Entry(
        MelDeltaConfig, MelDeltaEncoder, "change of log-mel energies, ten milliseconds at a time"
    ),
    LevelCrossingEncoder.kind: _Entry(
        LevelCrossingConfig,
        LevelCrossingEncoder,
        "levels crossed by gammatone envelopes, at the time they are",
    ),
    LifEncoder.kind: _Entry(
        LifConfig, LifEncoder, "spikes of a leaky integrate-and-fire neuron per gammatone band"
    ),
}

ENCODERS: Mapping[str, str] = {name: entry.meaning for name, entry in _REGISTRY.items()}
"""What each encoder's events are, by name."""

# The bundle's description fixes names and order of these fields, so they carry no metadata of their own.
_MEL_OPTIONS = {
    "n_bands": (1, 1_024, "", "triangular bands, evenly spaced in mel"),
    "low_hz": (0.0, 100_000.0, "Hz", "lower edge of the lowest band"),
    "high_hz": (1.0, 384_000.0, "Hz", "upper edge of the highest band"),
    "window_samples": (2, 1 << 20, "samples", "length of the window; 30 ms unless said"),
    "hop_samples": (1, 1 << 20, "samples", "distance of the frames; 10 ms unless said"),
    "fft_samples": (2, 1 << 20, "samples", "size of the transform"),
    "floor": (1e-30, 1e3, "", "energy below which a band is silent"),
    "step": (0.01, 100.0, "nats", "change of a band's log energy worth one"),
}


def encoder_options(name: str) -> list[EncoderOption]:
    """Return the options of an encoder at 16 kHz, with default, range, unit and meaning.

    Raises ParameterError for an unknown name.

    >>> [option.name for option in encoder_options("lif")][:3]
    ['n_bands', 'low_hz', 'high_hz']
    """
    entry = _entry(name)
    if entry.config is not MelDeltaConfig:
        return options_of(entry.config)
    defaults: dict[str, Any] = {field.name: field.default for field in fields(MelDeltaConfig)}
    return [EncoderOption(key, defaults[key], *_MEL_OPTIONS[key]) for key in _MEL_OPTIONS]


def new_encoder(name: str, rate_hz: int = 16_000, options: Mapping[str, object] | None = None) -> Encoder:
    """Return a fresh encoder.

    name : one of ENCODERS. rate_hz : samples per second it is to expect. options : by the names of
    `encoder_options`, each a number or a text that is one; unless given, lengths in samples and the highest
    frequency follow the rate.

    Raises ParameterError naming the encoder, or the option with what is allowed.

    >>> new_encoder("level-crossing", 48_000, {"step_db": "6"}).n_addresses
    64
    """
    entry = _entry(name)
    known = {option.name: option for option in encoder_options(name)}
    values = _following_rate(entry.config, rate_hz)
    for key, value in (options or {}).items():
        if key not in known:
            raise ParameterError(
                f"encoder {name}: there is no option {key!r}; allowed are {', '.join(known)}"
            )
        option = known[key]
        number = number_from(value, option.default, name, key)
        if not option.low <= number <= option.high:
            allowed = f"{option.low:g}..{option.high:g} {option.unit}".rstrip()
            raise ParameterError(f"encoder {name}: {key} must lie in {allowed}, not {number}")
        values[key] = number
    return entry.make(_configured(entry, name, {"rate_hz": rate_hz, **values}))


def encoder_from_config(description: Mapping[str, Any]) -> Encoder:
    """Return the encoder that `describe()` once described.

    Raises ParameterError for an unknown kind, key or value.
    """
    values = dict(description)
    kind = values.pop("kind", None)
    if kind not in _REGISTRY:
        raise ParameterError(f"encoder kind {kind!r} is unknown: allowed are {_names()}")
    return _REGISTRY[kind].make(_configured(_REGISTRY[kind], kind, values))


def _entry(name: str) -> _Entry:
    if name not in _REGISTRY:
        raise ParameterError(f"there is no encoder {name!r}; allowed are {_names()}")
    return _REGISTRY[name]


def _names() -> str:
    return ", ".join(map(repr, _REGISTRY))


def _configured(entry: _Entry, name: str, values: dict[str, Any]) -> Any:
    try:
        return entry.config(**values)
    except TypeError as error:
        raise ParameterError(f"encoder {name}: {error}") from None


def _following_rate(config: type[Any], rate_hz: int) -> dict[str, int | float]:
    """Return the defaults that another rate than 16 kHz moves: lengths in samples, the highest frequency."""
    defaults = config()
    if rate_hz == defaults.rate_hz or rate_hz <= 0:
        return {}
    if config is not MelDeltaConfig:
        return {"high_hz": min(defaults.high_hz, 0.4 * rate_hz)}
    # Frames must come at whole nanoseconds: 441 samples at 44.1 kHz are 10 ms, at 22.05 kHz 20 ms.
    shortest = rate_hz // math.gcd(rate_hz, 1_000_000_000)
    hop = shortest * max(1, round(rate_hz * defaults.hop_samples / defaults.rate_hz / shortest))
    window = max(hop, round(rate_hz * defaults.window_samples / defaults.rate_hz))
    return {
        "window_samples": window,
        "hop_samples": hop,
        "fft_samples": 1 << max(1, window - 1).bit_length(),
        "high_hz": min(defaults.high_hz, 0.475 * rate_hz),
    }
