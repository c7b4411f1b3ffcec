"""Encoders by name: made, described, made again; wrong names and options refused by name."""

import numpy as np
import pytest

from eventsim.errors import ParameterError
from streams.encoders import (
    ENCODERS,
    MelDeltaConfig,
    MelDeltaEncoder,
    encoder_from_config,
    encoder_options,
    new_encoder,
)


def tone(rate_hz: int) -> np.ndarray:
    return (0.1 * np.sin(2 * np.pi * 700.0 * np.arange(rate_hz // 8) / rate_hz)).astype(np.float32)


@pytest.mark.parametrize("name", ENCODERS)
@pytest.mark.parametrize("rate_hz", [8_000, 44_100])
def test_each_encoder_hears_and_can_be_made_again(name: str, rate_hz: int) -> None:
    options: dict[str, object] = {"n_bands": 4, "high_hz": "3000"}
    encoder = new_encoder(name, rate_hz, options)
    assert (encoder.kind, encoder.rate_hz) == (name, rate_hz)
    again = encoder_from_config(encoder.describe())
    assert again.describe() == encoder.describe()
    quiet = np.zeros(rate_hz // 20, np.float32)
    events = encoder.push(np.concatenate((quiet, tone(rate_hz))))
    assert len(events) > 0
    assert events.address.max() < encoder.n_addresses
    assert again.push(np.concatenate((quiet, tone(rate_hz)))).equals(events)


@pytest.mark.parametrize("name", ENCODERS)
def test_the_defaults_follow_the_rate(name: str) -> None:
    for rate_hz in (8_000, 11_000, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000):
        assert new_encoder(name, rate_hz).rate_hz == rate_hz


def test_the_mel_encoder_by_name_is_the_one_of_the_keyword_model() -> None:
    assert new_encoder("mel-delta").describe() == MelDeltaEncoder().describe()
    assert (
        new_encoder("mel-delta", options={"step": 1.5}).describe()
        == MelDeltaEncoder(MelDeltaConfig(step=1.5)).describe()
    )


def test_options_tell_default_range_and_unit() -> None:
    for name in ENCODERS:
        for option in encoder_options(name):
            assert option.low <= option.default <= option.high
            assert option.meaning
            made = new_encoder(name, options={option.name: str(option.default)})
            assert made.describe() == new_encoder(name).describe()
    (step,) = (option for option in encoder_options("level-crossing") if option.name == "step_db")
    assert (step.default, step.low, step.high, step.unit) == (3.0, 0.1, 40.0, "dB")


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("cochlea", {}, "^there is no encoder 'cochlea'; allowed are 'mel-delta', 'level-crossing', 'lif'$"),
        (
            "lif",
            {"step_db": 3},
            "^encoder lif: there is no option 'step_db'; allowed are n_bands, low_hz, .*tau_ms",
        ),
        ("lif", {"tau_ms": 0}, r"^encoder lif: tau_ms must lie in 0\.1\.\.10000 ms, not 0\.0$"),
        ("lif", {"tau_ms": "nan"}, "tau_ms must lie in"),
        ("lif", {"tau_ms": "fast"}, "^encoder lif: tau_ms must be a number, not 'fast'$"),
        ("lif", {"tau_ms": True}, "tau_ms must be a number, not True"),
        ("lif", {"n_bands": "2.5"}, "n_bands must be a whole number, not '2.5'"),
        ("lif", {"n_bands": 2.5}, "n_bands must be a whole number, not 2.5"),
        ("level-crossing", {"step_db": 41}, r"step_db must lie in 0\.1\.\.40 dB, not 41"),
        ("level-crossing", {"tick_ns": 0}, r"tick_ns must lie in 1\.\.1e\+09 ns, not 0"),
        ("mel-delta", {"step": 0}, r"^encoder mel-delta: step must lie in 0\.01\.\.100 nats, not 0\.0$"),
        ("mel-delta", {"high_hz": 9_000}, r"band edges 60\.0\.\.9000\.0 Hz must lie in 0\.\.8000\.0 Hz"),
        ("mel-delta", {"rate_hz": 9_000}, "no option 'rate_hz'"),
    ],
)
def test_wrong_names_and_options_are_refused(name: str, options: dict, said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        new_encoder(name, options=options)


def test_a_rate_out_of_range_is_refused() -> None:
    for name in ENCODERS:
        with pytest.raises(ParameterError, match="rate_hz"):
            new_encoder(name, 0)


def test_a_wrong_description_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"encoder lif: .*'colour'"):
        encoder_from_config({"kind": "lif", "colour": 3})
    with pytest.raises(ParameterError, match=r"encoder lif: tau_ms must lie in 0\.1"):
        encoder_from_config({"kind": "lif", "tau_ms": -1.0})
