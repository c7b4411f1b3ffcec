"""Encoders: sound to events, each causal, streaming and independent of how the sound was cut."""

from typing import Any

from eventsim.errors import ParameterError
from streams.encoders.mel_delta import MelDeltaConfig, MelDeltaEncoder

__all__ = ["MelDeltaConfig", "MelDeltaEncoder", "encoder_from_config"]


def encoder_from_config(description: dict[str, Any]) -> MelDeltaEncoder:
    """Return the encoder that `describe()` once described.

    Raises ParameterError for an unknown kind, key or value.
    """
    values = dict(description)
    kind = values.pop("kind", None)
    if kind != MelDeltaEncoder.kind:
        raise ParameterError(f"encoder kind {kind!r} is unknown: allowed is {MelDeltaEncoder.kind!r}")
    try:
        config = MelDeltaConfig(**values)
    except TypeError as error:
        raise ParameterError(f"encoder configuration: {error}") from None
    return MelDeltaEncoder(config)
