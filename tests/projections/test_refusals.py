"""What synapses refuse: each shape that does not fit, in one line."""

import math

import numpy as np
import pytest

from eventsim.errors import NetworkError
from eventsim.events import Events
from eventsim.models import LIF
from eventsim.network import Network
from eventsim.projections import Conv2d, Csr, Dense, OneToOne, SumPool2d
from eventsim.session import Session

MS = 1_000_000


def ones(*shape):
    return np.ones(shape, np.float32)


BUILT = [
    (lambda: Conv2d(ones(1, 1, 3), (1, 5, 5)), r"must have 4 dimensions, got shape \(1, 1, 3\)"),
    (lambda: Conv2d(ones(1, 1, 3, 3, 1), (1, 5, 5)), "4 dimensions"),
    (lambda: Conv2d(ones(0, 1, 3, 3), (1, 5, 5)), "do not fit"),
    (lambda: Conv2d(ones(1, 1, 0, 3), (1, 5, 5)), "do not fit"),
    (lambda: Conv2d(ones(1, 2, 3, 3), (1, 5, 5)), r"\(1, 2, 3, 3\) in 1 groups do not fit 1 input channels"),
    (lambda: Conv2d(ones(3, 1, 3, 3), (2, 5, 5), groups=2), "do not fit 2 input channels"),
    (lambda: Conv2d(ones(2, 2, 3, 3), (2, 5, 5), groups=2), "do not fit 2 input channels"),
    (
        lambda: Conv2d(ones(1, 1, 3, 3), (1, 5, 2)),
        r"kernel \(3, 3\) is larger than its padded input \(5, 2\)",
    ),
    (lambda: Conv2d(ones(1, 1, 3, 3), (1, 4, 5), dilation=(2, 1)), "larger than its padded input"),
    (lambda: Conv2d(ones(1, 1, 3, 3), (5, 5)), "input_shape must be 3 whole numbers"),
    (lambda: Conv2d(ones(1, 1, 3, 3), 5), "input_shape must be 3 whole numbers"),
    (lambda: Conv2d(ones(1, 1, 3, 3), (1, 5.0, 5)), "input_shape must be whole numbers of at least 1"),
    (lambda: Conv2d(ones(1, 1, 3, 3), (1, 0, 5)), "input_shape must be whole numbers of at least 1"),
    (lambda: Conv2d(ones(1, 1, 3, 3), (True, 5, 5)), "input_shape must be whole numbers"),
    (lambda: Conv2d(ones(1, 1, 3, 3), (1, 2**31, 5)), "input_shape must be whole numbers"),
    (lambda: Conv2d(ones(1, 1, 3, 3), (1, 5, 5), stride=0), "stride must be whole numbers of at least 1"),
    (lambda: Conv2d(ones(1, 1, 3, 3), (1, 5, 5), stride=(1, 1, 1)), "stride must be 2 whole numbers"),
    (lambda: Conv2d(ones(1, 1, 3, 3), (1, 5, 5), stride="1"), "stride must be whole numbers"),
    (lambda: Conv2d(ones(1, 1, 3, 3), (1, 5, 5), padding=-1), "padding must be whole numbers of at least 0"),
    (lambda: Conv2d(ones(1, 1, 3, 3), (1, 5, 5), padding="same"), "padding must be whole numbers"),
    (lambda: Conv2d(ones(1, 1, 3, 3), (1, 5, 5), dilation=0), "dilation must be whole numbers of at least 1"),
    (lambda: Conv2d(ones(1, 1, 3, 3), (1, 5, 5), dilation=1.5), "dilation must be whole numbers"),
    (lambda: Conv2d(ones(1, 1, 3, 3), (1, 5, 5), groups=0), "groups must be whole numbers of at least 1"),
    (lambda: Conv2d(ones(1, 1, 3, 3), (1, 5, 5), groups=None), "groups must be whole numbers"),
    (lambda: Conv2d(ones(1, 1, 3, 3) * math.nan, (1, 5, 5)), "Conv2d weights must be finite"),
    (lambda: Conv2d(ones(1, 1, 3, 3) * 1j, (1, 5, 5)), "must be float32, float64 or integers"),
    (lambda: SumPool2d((1, 4, 4), 5), r"SumPool2d window \(5, 5\) is larger than its padded input"),
    (lambda: SumPool2d((1, 4, 4), 0), "kernel_size must be whole numbers of at least 1"),
    (lambda: SumPool2d((1, 4, 4), 2, 0), "stride must be whole numbers of at least 1"),
    (lambda: SumPool2d((1, 4, 4), 2, padding=-1), "padding must be whole numbers of at least 0"),
    (lambda: SumPool2d((4, 4), 2), "SumPool2d input_shape must be 3 whole numbers"),
    (lambda: SumPool2d((1, 4, 4), (2, 2, 2)), "kernel_size must be 2 whole numbers"),
    (lambda: OneToOne(ones(2, 2)), "1 dimension, got shape"),
    (lambda: OneToOne([]), "must not be empty"),
    (lambda: OneToOne(math.inf), "finite"),
    (lambda: OneToOne("strong"), "float32, float64 or integers"),
    (lambda: OneToOne([1.0, 2.0], 3), "2 weights for 3 neurons"),
    (lambda: Csr([0, 1], [0], [1.0], n_post=0), "index 0 is beyond n_post = 0"),
    (lambda: Csr([0, 1], [3], [1.0], n_post=3), "index 3 is beyond n_post = 3"),
    (lambda: Csr([1, 1], [0], [1.0]), "indptr must rise"),
    (lambda: Csr([], [], []), "indptr must rise"),
    (lambda: Csr([0, 2], [0], [1.0]), "indptr must rise"),
    (lambda: Csr([[0, 1]], [0], [1.0]), "indptr must be a one-dimensional integer array"),
    (lambda: Csr([0.0, 1.0], [0], [1.0]), "indptr must be a one-dimensional integer array"),
    (lambda: Csr([0, 1], [0.5], [1.0]), "indices must be a one-dimensional integer array"),
    (lambda: Csr([0, 1], [2**31], [1.0]), "must fit 31 bits"),
    (lambda: Csr([0, 1], [0], [math.nan]), "finite"),
    (lambda: Csr([0, 1], [0], [[1.0]]), "1 dimension"),
    (lambda: Dense(ones(2, 2, 2)), "2 dimensions"),
]


@pytest.mark.parametrize(("build", "message"), BUILT, ids=range(len(BUILT)))
def test_synapses_that_make_no_sense_are_refused(build, message):
    with pytest.raises(NetworkError) as caught:
        build()
    assert "\n" not in str(caught.value)
    assert caught.match(message)


RAGGED = [[1.0], [1.0, 2.0]]


@pytest.mark.parametrize(
    "build",
    [
        lambda: Dense(RAGGED),
        lambda: OneToOne(RAGGED),
        lambda: Conv2d(RAGGED, (1, 5, 5)),
        lambda: Csr(RAGGED, [0], [1.0]),
        lambda: Csr([0, 1], RAGGED, [1.0]),
        lambda: Csr([0, 1], [0], RAGGED),
    ],
)
def test_ragged_lists_are_refused(build):
    with pytest.raises(NetworkError):
        build()


def test_a_ragged_list_of_delays_is_refused():
    net = Network(MS)
    net.add_input("in", 1)
    net.add_population("x", 1, LIF(1e7))
    with pytest.raises(NetworkError):
        net.connect("in", "x", Csr([0, 1], [0], [1.0]), RAGGED)


CONNECTED = [
    (
        Conv2d(ones(1, 1, 3, 3), (1, 5, 5)),
        25,
        10,
        r"maps \(1, 5, 5\) to \(1, 3, 3\), that is 25 to 9 addresses",
    ),
    (Conv2d(ones(1, 1, 3, 3), (1, 5, 5)), 24, 9, "Conv2d maps"),
    (SumPool2d((1, 4, 4), 2), 16, 5, "SumPool2d maps"),
    (SumPool2d((1, 4, 4), 2), 15, 4, "SumPool2d maps"),
    (OneToOne(1.0), 3, 4, "wants equal sizes, got 3 and 4"),
    (OneToOne([1.0, 2.0]), 3, 3, "2 weights for 3 neurons"),
    (Csr([0, 1, 1], [0], [1.0], n_post=4), 2, 5, "made for 4 destinations, not 5"),
    (Csr([0, 1, 1], [4], [1.0]), 2, 4, "index 4 is beyond the 4 neurons"),
    (Csr([0, 1, 1], [0], [1.0]), 3, 4, "2 rows for 3 sources"),
    (Dense(ones(2, 3)), 3, 2, r"must have shape \(3, 2\), got \(2, 3\)"),
    ("dense", 3, 2, "got str"),
]


@pytest.mark.parametrize(("synapses", "n_pre", "n_post", "message"), CONNECTED, ids=range(len(CONNECTED)))
def test_synapses_that_do_not_fit_are_refused(synapses, n_pre, n_post, message):
    net = Network(MS)
    net.add_input("in", n_pre)
    net.add_population("x", n_post, LIF(1e7))
    with pytest.raises(NetworkError, match=message) as caught:
        net.connect("in", "x", synapses)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("in -> x: ")
    assert net.projections == ()


@pytest.mark.parametrize(
    "synapses", [Conv2d(ones(1, 1, 1, 1), (1, 1, 3)), SumPool2d((1, 1, 3), 1), OneToOne(1.0)]
)
def test_only_rows_take_a_delay_per_synapse(synapses):
    net = Network(MS)
    net.add_input("in", 3)
    net.add_population("x", 3, LIF(1e7))
    with pytest.raises(NetworkError, match="3 delays; only Csr takes one per synapse"):
        net.connect("in", "x", synapses, np.array([1, 2, 3]) * MS)


def test_arrays_that_fit_are_held_and_not_copied():
    rng = np.random.default_rng(0)
    n, n_pre, n_post = 1_000_000, 5000, 4000
    indptr = np.append(0, np.sort(rng.integers(0, n + 1, n_pre - 1)))
    indptr = np.append(indptr, n).astype(np.int64)
    indices = rng.integers(0, n_post, n).astype(np.int32)
    for kind in (np.float32, np.float64):
        weights = rng.normal(size=n).astype(kind)
        rows = Csr(indptr, indices, weights, n_post)
        net = Network(MS)
        net.add_input("in", n_pre)
        net.add_population("x", n_post, LIF(1e7))
        net.connect("in", "x", rows)
        held = net.projections[0].synapses
        (delivered,) = net.compile().delivery
        for name, array in (("indptr", indptr), ("indices", indices), ("weights", weights)):
            assert np.shares_memory(getattr(held, name), array)
            assert np.shares_memory(getattr(delivered, name), array)
            assert not getattr(held, name).flags.writeable
            assert array.flags.writeable
        assert rows.n_synapses == n
        assert rows.n_bytes == indptr.nbytes + indices.nbytes + weights.nbytes
        assert rows.to_csr() is rows


def test_other_types_of_arrays_are_converted():
    rows = Csr(np.array([0, 1, 2], np.uint16), np.array([1, 0], np.int64), np.array([1, -2], np.int8), 2)
    assert (rows.indptr.dtype, rows.indices.dtype, rows.weights.dtype) == (np.int64, np.int32, np.float32)
    wide = Csr([0, 1], [0], np.array([2**40 + 1]))
    assert wide.weights.dtype == np.float64
    assert wide.weights[0] == 2**40 + 1
    # Weights in another order of memory, and every second of an array, are made contiguous.
    matrix = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    assert Dense(matrix).weights.flags.c_contiguous
    assert np.array_equal(Dense(matrix).weights, matrix)
    assert OneToOne(np.arange(8.0)[::2]).weights.tolist() == [0, 2, 4, 6]
    swapped = np.arange(4, dtype=">i4").reshape(2, 2)
    assert np.array_equal(Dense(swapped).weights, swapped)


def test_rows_of_random_synapses_deliver_each_once():
    """One spike of each source: every neuron gets the sum of its weights."""
    rng = np.random.default_rng(1)
    n, n_pre, n_post = 200_000, 300, 2000
    counts = np.bincount(rng.integers(0, n_pre, n), minlength=n_pre)
    indices, weights = rng.integers(0, n_post, n), rng.integers(-8, 9, n)
    net = Network(MS)
    net.add_input("in", n_pre)
    net.add_population("x", n_post, LIF(math.inf, threshold=1e9))
    net.connect("in", "x", Csr(np.append(0, np.cumsum(counts)), indices, weights))
    session = Session(net)
    session.push("in", Events.of(0, np.arange(n_pre)))
    session.advance(MS)
    assert np.array_equal(session.membrane("x"), np.bincount(indices, weights, minlength=n_post))
    assert session.counters.synaptic_events == n
