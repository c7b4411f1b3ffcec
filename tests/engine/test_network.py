"""What a network refuses, and what it tells about itself."""

import math

import numpy as np
import pytest

from eventsim.errors import GridError, NetworkError
from eventsim.models import ALIF, LIF, MODELS, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Csr, Dense

MS = 1_000_000


def chain(*names):
    net = Network(MS)
    net.add_input("in", 2)
    for name in names:
        net.add_population(name, 2, LIF(tau_ns=10 * MS))
    return net


ONES = Dense(np.ones((2, 2)))


def test_a_cycle_of_zero_delay_is_named():
    net = chain("a", "b", "c")
    net.connect("a", "b", ONES)
    net.connect("b", "c", Csr([0, 1, 2], [0, 1], [1.0, 1.0]), np.array([0, MS]))
    with pytest.raises(NetworkError, match=r"cycle: a -> b -> c -> a"):
        net.connect("c", "a", ONES)
    with pytest.raises(NetworkError, match=r"cycle: b -> b"):
        net.connect("b", "b", ONES)
    assert len(net.projections) == 2
    net.connect("c", "a", ONES, MS)
    assert net.levels() == {"a": 0, "b": 1, "c": 2}


def test_levels_follow_zero_delays_not_the_order_of_addition():
    net = chain("late", "early")
    net.connect("early", "late", ONES)
    assert net.levels() == {"late": 1, "early": 0}
    assert net.compile().order == ("early", "late")


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda n: n.add_input("a", 3), NetworkError, "taken"),
        (lambda n: n.add_input("a b", 3), NetworkError, "a name is"),
        (lambda n: n.add_input("x", 0), NetworkError, "positive"),
        (lambda n: n.add_population("x", 2.5, LIF(1e6)), NetworkError, "positive whole size"),
        (lambda n: n.add_population("x", 2, "lif"), NetworkError, "wants a neuron model"),
        (
            lambda n: n.add_population("x", 2, LIF([1e6, 1e6, 1e6])),
            NetworkError,
            "tau_ns must be one number or 2",
        ),
        (
            lambda n: n.add_population("x", 2, LIF([1e6, -1e6])),
            NetworkError,
            "tau_ns must be positive.*neuron 1",
        ),
        (lambda n: n.add_population("x", 2, LIF(1e6, reset="maybe")), NetworkError, "reset must be"),
        (lambda n: n.add_population("x", 2, LIF(1e6, bias=math.nan)), NetworkError, "bias holds NaN"),
        (
            lambda n: n.add_population("x", 2, LIF(1e6, threshold=math.inf)),
            NetworkError,
            "threshold must be finite",
        ),
        (lambda n: n.add_population("x", 2, LIF(1e6, refractory_ns=1.5)), NetworkError, "whole number of ns"),
        (
            lambda n: n.add_population("x", 2, LIF(1e6, refractory_ns=MS + 1)),
            NetworkError,
            "multiple of the tick",
        ),
        (
            lambda n: n.add_population("x", 2, ALIF(math.inf, 1e6, 1, 1)),
            NetworkError,
            "finite where normalised",
        ),
        (lambda n: n.add_population("x", 2, LIF("soon")), NetworkError, "tau_ns must be a number"),
        (lambda n: n.connect("a", "nowhere", ONES), NetworkError, "'nowhere' is unknown"),
        (lambda n: n.connect("a", "in", ONES), NetworkError, "an input cannot be a destination"),
        (lambda n: n.connect("out", "a", ONES), NetworkError, "never spikes"),
        (
            lambda n: n.connect("in", "a", Dense(np.ones((3, 2)))),
            NetworkError,
            r"shape \(2, 2\), got \(3, 2\)",
        ),
        (lambda n: n.connect("in", "a", Csr([0, 1], [0], [1.0])), NetworkError, "1 rows for 2 sources"),
        (lambda n: n.connect("in", "a", Csr([0, 1, 1], [2], [1.0])), NetworkError, "index 2 is beyond"),
        (lambda n: n.connect("in", "a", np.ones((2, 2))), NetworkError, "must be one of Dense, Csr"),
        (lambda n: n.connect("in", "a", ONES, -MS), NetworkError, "not be negative"),
        (lambda n: n.connect("in", "a", ONES, MS + 1), GridError, "1000001 ns is no multiple"),
        (lambda n: n.connect("in", "a", ONES, 1.5), NetworkError, "whole ns"),
        (lambda n: n.connect("in", "a", ONES, np.array([0, MS])), NetworkError, "only Csr"),
        (lambda n: Dense(np.ones(3)), NetworkError, "2 dimensions"),
        (lambda n: Dense([[math.nan]]), NetworkError, "finite"),
        (lambda n: Dense([["x"]]), NetworkError, "float32, float64 or integers"),
        (lambda n: Csr([0, 2, 1], [0], [1.0]), NetworkError, "indptr must rise"),
        (lambda n: Csr([0, 1], [0], [1.0, 2.0]), NetworkError, "1 indices but 2 weights"),
        (lambda n: Csr([0, 1], [-1], [1.0]), NetworkError, "not be negative"),
        (lambda n: Network(0), NetworkError, "tick_ns"),
        (lambda n: Network(1.5), NetworkError, "tick_ns"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_changes_nothing(act, error, message):
    net = chain("a")
    net.add_population("out", 2, LeakyIntegrator(tau_ns=math.inf))
    before = net.summary()
    with pytest.raises(error, match=message) as caught:
        act(net)
    assert "\n" not in str(caught.value)
    assert net.summary() == before


def test_parameters_are_spread_and_frozen():
    net = chain()
    net.add_population("x", 3, ALIF(10 * MS, [1e7, 2e7, 3e7], 1, 1.8, bias=0.5))
    model = net.populations["x"].model
    assert model.tau_mem_ns.tolist() == [1e7] * 3
    assert model.bias.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        model.bias[0] = 1
    again = MODELS[model.kind](**model.parameters()).broadcast(3)
    assert all(np.array_equal(again.parameters()[k], v) for k, v in model.parameters().items())


def test_outputs_are_the_populations_that_drive_nothing():
    net = chain("a", "b")
    net.connect("in", "a", ONES)
    net.connect("a", "b", ONES)
    assert net.outputs == ("b",)
    net.connect("b", "b", ONES, MS)
    assert net.outputs == ()


def test_the_summary_counts():
    net = chain("a")
    net.connect("in", "a", Dense(np.ones((2, 2), np.float32)), 3 * MS)
    net.connect("a", "a", Csr([0, 2, 3], [0, 1, 1], [1.0, 2.0, 3.0]), np.array([1, 2, 2]) * MS)
    assert net.summary().splitlines() == [
        "tick 1000000 ns",
        "input       in: 2 addresses",
        "population  a: 2 lif",
        "projection  in -> a: 4 synapses, dense float32, delay 3000000 ns",
        "projection  a -> a: 3 synapses, csr float64, delay 1000000..2000000 ns in 2 classes",
        "total       2 neurons, 7 synapses, 3 delay classes, 76 bytes",
    ]
