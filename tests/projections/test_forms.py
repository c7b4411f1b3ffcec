"""Forms of synapses against the loops that define them, and against their own rows."""

import math

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from naive_windows import convolution, matrix_of, pooling

from eventsim.events import Events
from eventsim.models import ALIF, LIF, CubaLIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Conv2d, Dense, OneToOne, SumPool2d
from eventsim.session import Session

MS = 1_000_000
pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
paddings = st.tuples(st.integers(0, 3), st.integers(0, 3))
types = st.sampled_from([np.float32, np.float64, np.int8, np.int64])


@st.composite
def geometries(draw):
    """Return the arguments of a convolution that fits."""
    groups = draw(st.integers(1, 3))
    within, per_group = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    height, width = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    kernel, stride, dilation, padding = draw(pairs), draw(pairs), draw(pairs), draw(paddings)
    for k, size in enumerate((height, width)):
        assume(size + 2 * padding[k] >= dilation[k] * (kernel[k] - 1) + 1)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weights = rng.integers(-4, 9, (groups * per_group, within, *kernel)).astype(draw(types))
    return weights, (groups * within, height, width), stride, padding, dilation, groups


@settings(max_examples=150)
@given(geometries())
@example((np.ones((1, 1, 1, 1)), (1, 1, 1), (3, 3), (2, 2), (1, 1), 1))
@example((np.ones((2, 1, 2, 2)), (2, 5, 5), (2, 2), (0, 0), (3, 3), 2))
def test_rows_of_a_convolution_are_those_of_the_loops(geometry):
    conv = Conv2d(*geometry)
    matrix, connected, output_shape = convolution(*geometry)
    rows = conv.to_csr()
    assert conv.output_shape == output_shape
    assert (conv.n_pre, conv.n_post) == matrix.shape == (rows.n_pre, rows.n_post)
    got, got_connected = matrix_of(rows)
    assert np.array_equal(got, matrix)
    assert np.array_equal(got_connected, connected)
    assert conv.n_synapses == rows.n_synapses == connected.sum()
    assert rows.weights.dtype == conv.weights.dtype


windows = st.tuples(
    st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7)),
    pairs,
    st.one_of(st.none(), pairs),
    paddings,
)


@settings(max_examples=100)
@given(windows)
def test_rows_of_a_pooling_are_those_of_the_loops(geometry):
    shape, window, stride, padding = geometry
    assume(all(s + 2 * p >= k for s, p, k in zip(shape[1:], padding, window, strict=True)))
    pool = SumPool2d(*geometry)
    matrix, connected, output_shape = pooling(shape, window, stride or window, padding)
    assert pool.output_shape == output_shape
    assert pool.stride == (stride or window)
    got, got_connected = matrix_of(pool.to_csr())
    assert np.array_equal(got, matrix)
    assert np.array_equal(got_connected, connected)
    assert pool.n_synapses == connected.sum()
    assert (pool.n_pre, pool.n_post) == matrix.shape


@given(st.integers(1, 20), st.booleans(), types)
def test_rows_of_one_to_one_are_a_diagonal(n, scalar, kind):
    weights = (np.arange(n) + 2).astype(kind)
    form = OneToOne(kind(3), n) if scalar else OneToOne(weights)
    matrix, _ = matrix_of(form.to_csr())
    assert np.array_equal(matrix, np.diag(np.full(n, 3.0) if scalar else weights.astype(float)))
    assert form.n_synapses == form.n_pre == form.n_post == n


@given(st.integers(1, 6), st.integers(1, 6), types)
def test_rows_of_dense_are_the_matrix(n_pre, n_post, kind):
    weights = np.arange(n_pre * n_post).reshape(n_pre, n_post).astype(kind)
    rows = Dense(weights).to_csr()
    matrix, connected = matrix_of(rows)
    assert np.array_equal(matrix, weights)
    assert (connected == 1).all()
    assert rows.to_csr() is rows


def forms(rng):
    """Return one form of synapses, with float weights, of a random kind."""
    kind = rng.choice(["one_to_one", "scalar", "convolution", "pooling", "dense"])
    if kind == "one_to_one":
        return OneToOne(rng.normal(0.6, 0.6, int(rng.integers(1, 30))))
    if kind == "scalar":
        return OneToOne(float(rng.normal(0.8, 0.3)), int(rng.integers(1, 30)))
    if kind == "dense":
        return Dense(rng.normal(0.3, 0.5, rng.integers(1, 15, 2)))
    shape = (int(rng.integers(1, 3)), *(int(k) for k in rng.integers(3, 7, 2)))
    window, padding = (
        tuple(int(k) for k in rng.integers(1, 4, 2)),
        tuple(int(k) for k in rng.integers(0, 3, 2)),
    )
    if kind == "pooling":
        return SumPool2d(shape, window, padding=padding)
    groups = shape[0] if rng.random() < 0.5 else 1
    weights = rng.normal(0.2, 0.6, (2 * shape[0], shape[0] // groups, *window))
    stride = int(rng.integers(1, 4))
    return Conv2d(weights.astype(rng.choice([np.float32, np.float64])), shape, stride, padding, 1, groups)


MODELS = {
    "scaled": LIF(8e6, 0.9, refractory_ns=2 * MS),
    "general": LIF(8e6, 0.9, bias=0.02),
    "adaptive": ALIF(8e6, 20e6, 0.5, 1.2),
    "current": CubaLIF(8e6, 3e6, 0.3),
    "readout": LeakyIntegrator(10e6),
}


@pytest.mark.parametrize("model", MODELS)
@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 3]))
def test_a_form_does_what_its_rows_do(model, seed, delay):
    """The same spikes, counts, and membranes up to the order of sums, which the forms do not share."""
    rng = np.random.default_rng(seed)
    form = forms(rng)
    n = int(rng.integers(1, 60))
    ticks = rng.integers(0, 40, n)
    events = Events.of(ticks * MS, rng.integers(0, form.n_pre, n), rng.uniform(0.2, 1.5, n))
    found = []
    for synapses in (form, form.to_csr()):
        net = Network(MS)
        net.add_input("in", form.n_pre)
        net.add_population("x", form.n_post, MODELS[model])
        net.connect("in", "x", synapses, delay * MS)
        session = Session(net, count_updates=True)
        session.push("in", events)
        membranes = []
        for tick in range(60):
            session.advance((tick + 1) * MS)
            membranes.append(session.membrane("x"))
        found.append((session.read("x"), np.array(membranes), session.counters))
    (spikes, membranes, counters), (other_spikes, other_membranes, other_counters) = found
    assert counters == other_counters
    assert spikes.time_ns.tolist() == other_spikes.time_ns.tolist()
    assert spikes.address.tolist() == other_spikes.address.tolist()
    assert spikes.value == pytest.approx(other_spikes.value, rel=1e-6)
    assert membranes == pytest.approx(other_membranes, rel=1e-9, abs=1e-12)
    starts = form.to_csr().indptr
    assert counters.synaptic_events == int((starts[events.address + 1] - starts[events.address]).sum())


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_integers_are_the_same_bits_by_every_form(seed):
    """Integers are exact in any order: then form and rows must agree to the bit, between populations too."""
    rng = np.random.default_rng(seed)
    shape = (2, 4, 4)
    conv = Conv2d(rng.integers(-2, 5, (4, 1, 3, 3)), shape, padding=1, groups=2)
    pool = SumPool2d(conv.output_shape, 2)
    last = OneToOne(rng.integers(1, 4, pool.n_post))
    n = 40
    events = Events.of(rng.integers(0, 20, n) * MS, rng.integers(0, 32, n), rng.integers(-1, 3, n))
    found = []
    for change in (lambda form: form, lambda form: form.to_csr()):
        net = Network(MS)
        net.add_input("in", 32)
        net.add_population("conv", conv.n_post, LIF(math.inf, 3.0))
        net.add_population("pool", pool.n_post, LIF(math.inf, 1.0, reset="hard", refractory_ns=MS))
        net.add_population("out", pool.n_post, LeakyIntegrator(math.inf))
        net.connect("in", "conv", change(conv))
        net.connect("conv", "pool", change(pool), MS)
        net.connect("pool", "out", change(last))
        session = Session(net, record=net.populations, count_updates=True)
        session.push("in", events)
        session.advance(60 * MS)
        seen = [session.read(name) for name in net.populations]
        bits = [(e.time_ns.tobytes(), e.address.tobytes(), e.value.tobytes()) for e in seen]
        found.append((bits, [session.membrane(name).tobytes() for name in net.populations], session.counters))
    assert found[0] == found[1]
