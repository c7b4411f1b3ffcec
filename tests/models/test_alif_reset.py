"""ALIF: reset and raise of the threshold late, as published, or at the spike."""

import math

import pytest

from eventsim.errors import NetworkError
from eventsim.models import ALIF
from eventsim.network import Network
from eventsim.session import Session

MS = 1_000_000


def fired(model, n_ticks):
    net = Network(MS)
    net.add_population("x", 1, model)
    session = Session(net)
    session.advance(n_ticks * MS)
    return (session.read("x").time_ns // MS).tolist(), session


def test_a_perfect_integrator_resets_at_the_spike_or_a_tick_later():
    # Late: 1, 2, 3 (spike), 4 - 2.5 = 1.5, 2.5 (not above), 3.5 (spike), 2.0, 3.0 (spike)
    late = ALIF(math.inf, math.inf, base_threshold=2.5, beta=0.0, bias=1.0, normalised=False)
    assert fired(late, 8)[0] == [2, 5, 7]
    # Immediate: 1, 2, 3 (spike) -> 0.5, 1.5, 2.5 (not above), 3.5 (spike) -> 1.0, 2.0, 3.0 (spike) -> 0.5
    at_once = ALIF(math.inf, math.inf, 2.5, 0.0, 1.0, normalised=False, reset="immediate")
    times, session = fired(at_once, 9)
    assert times == [2, 5, 7]
    assert session.membrane("x")[0] == 1.5
    assert session.counters.neuron_updates == {"x": 3}  # the spikes alone; late, each costs another


def test_a_spike_raises_the_threshold_at_once_by_beta_times_what_leaks_in():
    # alpha = 1, rho = 1/2: after the spike at tick 0, a = 1/2, and theta = 1 + 4 a = 3, 2, 1.5 ...
    half = MS / math.log(2)
    model = ALIF(math.inf, half, 1.0, 4.0, bias=1.25, normalised=False, reset="immediate")
    # u: 1.25 (> 1) -> 0.25; 1.5 against 2; 2.75 against 1.5 (spike) -> 1.25
    times, session = fired(model, 3)
    assert times == [0, 2]
    assert session.membrane("x")[0] == 1.25


def test_a_membrane_still_above_the_threshold_fires_again_the_next_tick():
    model = ALIF(math.inf, math.inf, 1.0, 0.0, bias=3.0, normalised=False, reset="immediate")
    assert fired(model, 4)[0] == [0, 1, 2, 3]


def test_another_reset_is_refused():
    with pytest.raises(NetworkError, match='reset must be "late" or "immediate", got \'soft\''):
        Network(1).add_population("x", 1, ALIF(1.0, 1.0, 1.0, 1.0, reset="soft"))
