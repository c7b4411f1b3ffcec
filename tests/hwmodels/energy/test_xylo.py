"""Xylo's cycles against the published formula, stated again in exact fractions and loops."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventsim import Network
from eventsim.errors import ParameterError, PlacementError
from eventsim.models import LIF, LeakyIntegrator
from eventsim.projections import Dense
from hwmodels.chip import load_chip
from hwmodels.chip_checks import chip_from_toml
from hwmodels.xylo import XyloShape, clock_needed_hz, cycles_per_step, estimate, xylo_shape
from tests.hwmodels.placement.networks import layered

SIZES = st.integers(0, 60)
MEANS = st.floats(0, 8, allow_nan=False)
P = st.floats(0, 1, allow_nan=False)


def slow_cycles(shape: XyloShape, p_input: float, p_hidden: float) -> Fraction:
    """Add up what each input, each hidden neuron and each output takes."""
    p_in, p_h = Fraction(p_input), Fraction(p_hidden)
    t, s, fan_out = (Fraction(x) for x in (shape.alias_targets, shape.alias_sources, shape.fan_out))
    cycles = Fraction(0)
    for _channel in range(shape.n_input):
        cycles += 1
        for _neuron in range(shape.n_input_enabled):
            cycles += Fraction(7, 2) * p_in
    for _neuron in range(shape.n_hidden):
        # Recurrence, then the neuron's own update with its aliases.
        cycles += 3 + 7 * p_h * fan_out
        larger = t * s if t * s > p_h else p_h
        cycles += 19 + 2 * larger
        larger = t * s if t * s > p_h * t else p_h * t
        cycles += 3 * larger + p_h
        larger = t if t > p_h else p_h
        cycles += s * larger
    for _neuron in range(shape.n_output_enabled):
        cycles += p_h
        for _output in range(shape.n_output):
            cycles += 8 * p_h
    for _output in range(shape.n_output):
        cycles += 12
    return cycles


@settings(max_examples=200)
@given(SIZES, SIZES, SIZES, st.data(), MEANS, MEANS, MEANS, P, P)
def test_cycles_are_the_published_formula(
    n_input: int, n_hidden: int, n_output: int, data: st.DataObject,
    fan_out: float, targets: float, sources: float, p_input: float, p_hidden: float,
) -> None:  # fmt: skip
    enabled = [data.draw(st.integers(0, n_hidden)) for _ in range(2)]
    shape = XyloShape(n_input, n_hidden, n_output, *enabled, fan_out, targets, sources)
    found = cycles_per_step(shape, p_input, p_hidden)
    assert found == pytest.approx(float(slow_cycles(shape, p_input, p_hidden)), rel=1e-12, abs=1e-12)


def test_without_aliases_the_variable_part_is_three_spikes() -> None:
    shape = XyloShape(0, 1, 0, 0, 0, 0.0)
    assert cycles_per_step(shape, 0.0, 0.25) - cycles_per_step(shape, 0.0, 0.0) == 3 * 0.25


def test_idle_cycles() -> None:
    assert cycles_per_step(XyloShape(16, 100, 8, 100, 100, 10.0), 0.0, 0.0) == 16 + 22 * 100 + 12 * 8


def test_clock_is_the_worst_case_and_a_fifth() -> None:
    shape = XyloShape(16, 63, 2, 63, 63, 10.0)
    worst = float(slow_cycles(shape, 1.0, 1.0))
    assert clock_needed_hz(shape, 1_000_000) == pytest.approx(worst * 1.2 / 1e-3)
    assert clock_needed_hz(shape, 10_000_000, margin=0.0) == pytest.approx(worst / 1e-2)


@settings(max_examples=50)
@given(SIZES, SIZES, SIZES, MEANS, P, P)
def test_more_spikes_never_take_fewer_cycles(
    n_input: int, n_hidden: int, n_output: int, fan_out: float, p: float, q: float
) -> None:
    shape = XyloShape(n_input, n_hidden, n_output, n_hidden, n_hidden, fan_out)
    low, high = sorted((p, q))
    assert cycles_per_step(shape, low, low) <= cycles_per_step(shape, high, high)
    assert clock_needed_hz(shape, 10**6, 0.0) >= cycles_per_step(shape, high, high) / 1e-3 * (1 - 1e-12)


def recurrent() -> Network:
    net = Network(tick_ns=1_000_000)
    net.add_input("in", 2)
    net.add_population("a", 3, LIF(tau_ns=20e6))
    net.add_population("b", 2, LIF(tau_ns=20e6))
    net.add_population("out", 2, LeakyIntegrator(tau_ns=20e6))
    net.connect("in", "a", Dense(np.array([[1.0, 0, 1], [1.0, 0, 0]])))
    net.connect("a", "b", Dense(np.array([[1.0, 0], [0, 0], [1, 1]])))
    net.connect("b", "a", Dense(np.array([[1.0, 0, 0], [0, 0, 1]])), delay_ns=1_000_000)
    net.connect("b", "out", Dense(np.array([[1.0, 1], [0, 0]])))
    return net


def test_the_shape_of_a_network() -> None:
    shape = xylo_shape(load_chip("xylo"), recurrent())
    assert shape == XyloShape(2, 5, 2, 5, 5, 5 / 5)
    later = chip_from_toml(xylo_text("counts_all_hidden = true", "counts_all_hidden = false"), "later.toml")
    assert xylo_shape(later, recurrent()) == XyloShape(2, 5, 2, 2, 1, 5 / 5)


def xylo_text(old: str, new: str) -> bytes:
    from importlib import resources

    text = (resources.files("hwmodels") / "chips" / "xylo.toml").read_text()
    assert old in text
    return text.replace(old, new).encode()


def test_estimate_from_measured_activity() -> None:
    fired = {"in": np.array([30, 10]), "a": np.array([10, 0, 20]), "b": np.array([10, 10])}
    found = estimate(load_chip("xylo"), recurrent(), fired, n_steps=100)
    shape = xylo_shape(load_chip("xylo"), recurrent())
    assert found.cycles_per_step == pytest.approx(float(slow_cycles(shape, 0.2, 0.1)))
    assert found.worst_cycles_per_step == pytest.approx(float(slow_cycles(shape, 1.0, 1.0)))
    assert found.clock_needed_hz == pytest.approx(found.worst_cycles_per_step * 1200)
    assert found.duration_ns == 100_000_000
    # 291 uW over 0.1 s.
    assert found.energy_uj == pytest.approx(29.1)
    assert found.left_out == ("static power: unknown",)


def test_without_a_power_there_is_no_energy() -> None:
    old = 'dynamic_power_uw = { value = 291, source = "xylo2024", status = "measured",'
    chip = chip_from_toml(xylo_text(old, 'dynamic_power_uw = { status = "unknown",'), "own.toml")
    found = estimate(chip, recurrent(), {}, n_steps=1)
    assert found.energy_uj is None
    assert "dynamic power: unknown" in found.left_out


@pytest.mark.parametrize(
    ("fired", "steps", "what"),
    [
        ({"in": np.array([101, 0])}, 100, "'in' fired in 101 of 100 steps"),
        ({"in": np.array([1])}, 100, "'in' wants 2 whole counts"),
        ({"x": np.array([1])}, 100, "'x' is not in the network"),
        ({}, 0, "n_steps must be a whole number of at least 1, got 0"),
    ],
)
def test_activity_of_another_network_is_refused(fired: dict[str, np.ndarray], steps: int, what: str) -> None:
    with pytest.raises(ParameterError, match=what):
        estimate(load_chip("xylo"), recurrent(), fired, steps)


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_probabilities_are_from_0_to_1(p: float) -> None:
    with pytest.raises(ParameterError, match="must be a probability from 0 to 1"):
        cycles_per_step(XyloShape(1, 1, 1, 1, 1, 1.0), p, 0.0)
    with pytest.raises(ParameterError, match="must be a probability from 0 to 1"):
        cycles_per_step(XyloShape(1, 1, 1, 1, 1, 1.0), 0.0, p)


@pytest.mark.parametrize(
    ("sizes", "what"),
    [
        ((-1, 1, 1, 1, 1, 1.0), "n_input must be a whole number, not negative, got -1"),
        ((1, 1, 1, 2, 1, 1.0), "n_input_enabled must be at most n_hidden, 1"),
        ((1, 1, 1, 1, 1, float("inf")), "fan_out must be a number"),
        ((1, True, 1, 1, 1, 1.0), "n_hidden must be a whole number"),
    ],
)
def test_wrong_shapes_are_refused(sizes: tuple[int, ...], what: str) -> None:
    with pytest.raises(ParameterError, match=what):
        XyloShape(*sizes)


def test_networks_of_another_form_are_refused() -> None:
    with pytest.raises(PlacementError, match="it has no cycle model"):
        xylo_shape(load_chip("loihi"), recurrent())
    with pytest.raises(PlacementError, match="in -> out: xylo connects no input straight to the output"):
        xylo_shape(load_chip("xylo"), layered(2, 2))
    two = layered(2, 2, 2)
    two.add_population("more", 1, LIF(tau_ns=20e6))
    with pytest.raises(PlacementError, match="the network has 2 outputs and 0 sources of its own"):
        xylo_shape(load_chip("xylo"), two)


def test_more_neurons_than_the_chip_are_refused() -> None:
    text = xylo_text(
        'hidden_neurons = { status = "unknown"',
        'hidden_neurons = { value = 4, source = "rockpool", status = "assumed"',
    )
    with pytest.raises(PlacementError, match="xylo: 5 hidden neurons, more than the 4 it has"):
        xylo_shape(chip_from_toml(text, "own.toml"), recurrent())


@pytest.mark.parametrize("step_ns", [0, -1, 1.5, True])
def test_a_step_is_whole_ns(step_ns: int) -> None:
    with pytest.raises(ParameterError, match="step_ns must be whole ns, at least 1"):
        clock_needed_hz(XyloShape(1, 1, 1, 1, 1, 1.0), step_ns)
