"""Encoders: sound to events, each causal, streaming and independent of how the sound was cut."""

from streams.encoders.encoder import Encoder
from streams.encoders.level_crossing import LevelCrossingConfig, LevelCrossingEncoder
from streams.encoders.lif import LifConfig, LifEncoder
from streams.encoders.mel_delta import MelDeltaConfig, MelDeltaEncoder
from streams.encoders.options import EncoderOption
from streams.encoders.registry import ENCODERS, encoder_from_config, encoder_options, new_encoder

__all__ = [
    "ENCODERS",
    "Encoder",
    "EncoderOption",
    "LevelCrossingConfig",
    "LevelCrossingEncoder",
    "LifConfig",
    "LifEncoder",
    "MelDeltaConfig",
    "MelDeltaEncoder",
    "encoder_from_config",
    "encoder_options",
    "new_encoder",
]
