"""Small networks, placements, chips and activities for hypothesis; activities need not be their own."""

import dataclasses

import numpy as np
from hypothesis import strategies as st

from eventsim.models import LIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Conv2d, Csr, Dense, OneToOne
from hwmodels.activity import Activity, SpikeTrain, emitters
from hwmodels.chip_schema import Capacity, Chip, Constant, Operation, Operations, Synchronisation
from hwmodels.costs import HardwareCosts
from hwmodels.placement import Placement
from hwmodels.sending import Entrance

TICK_NS = 10
N_TICKS = 8

seeds = st.integers(0, 2**32 - 1)


def chip_of(tiles_x, tiles_y, cores_per_tile):
    """Return a chip of which only the mesh matters."""

    def number(value):
        return Constant(status="assumed", value=float(value))

    nothing = Operation(number(0), number(0))
    return Chip(
        format=1,
        name="made-up",
        title="made up",
        kind="mesh",
        boundary="core",
        sources={},
        technology_nm=number(28),
        static_power_mw=number(0),
        capacity=Capacity(number(tiles_x), number(tiles_y), number(cores_per_tile)),
        synchronisation=Synchronisation("barrier"),
        operations=Operations(nothing),
    )


@st.composite
def networks(draw):
    """Return a network of one or two inputs, perhaps a source, and one to three populations."""
    rng = np.random.default_rng(draw(seeds))
    net = Network(tick_ns=TICK_NS)
    for k in range(draw(st.integers(1, 2))):
        net.add_input(f"in{k}", int(rng.integers(1, 5)))
    if draw(st.booleans()):
        net.add_poisson("noise", 3, 0.0)
    names = [f"pop{k}" for k in range(draw(st.integers(1, 3)))]
    for name in names:
        net.add_population(name, int(rng.integers(1, 9)), LIF(tau_ns=100.0))
    if draw(st.booleans()):
        net.add_population("readout", 3, LeakyIntegrator(tau_ns=100.0))
        names.append("readout")
    sources = list(emitters(net))
    for _ in range(draw(st.integers(1, 6))):
        _connect(net, rng, draw(st.sampled_from(sources)), draw(st.sampled_from(names)))
    return net


def _connect(net, rng, pre, post):
    names = list(net.populations)
    forward = pre not in names or names.index(pre) < names.index(post)
    shortest = 0 if forward else 1
    n_pre, n_post = emitters(net)[pre], net.populations[post].size
    delay = int(rng.integers(shortest, 4)) * TICK_NS
    kind = rng.integers(5)
    if kind == 0 and n_pre == n_post:
        net.connect(pre, post, OneToOne(1.0), delay)
    elif kind == 1:
        net.connect(pre, post, Dense(np.ones((n_pre, n_post))), delay)
    elif kind == 2 and n_pre >= 2 and n_post == n_pre - 1:
        net.connect(pre, post, Conv2d(np.ones((1, 1, 1, 2)), (1, 1, n_pre)), delay)
    else:
        counts = rng.integers(0, 5, n_pre)
        indices = rng.integers(0, n_post, counts.sum())
        csr = Csr(np.concatenate([[0], np.cumsum(counts)]), indices, np.ones(indices.size))
        each = rng.integers(shortest, 4, indices.size) * TICK_NS
        net.connect(pre, post, csr, each if rng.random() < 0.5 else delay)


def activity_of(rng, net, spread, updates="reached"):
    """Return a random activity: dense or sparse, with ticks in which nothing or nearly everything happens."""
    start = int(rng.integers(-3, 4))
    spikes = {}
    for name, size in emitters(net).items():
        often = np.where(rng.random(N_TICKS) < spread, rng.random(N_TICKS), 0.0)
        tick, index = np.nonzero(rng.random((N_TICKS, size)) < often[:, None])
        if name in net.inputs and tick.size:  # twice in one tick is allowed to what comes from outside
            again = rng.integers(0, tick.size, 2)
            tick, index = np.concatenate([tick, tick[again]]), np.concatenate([index, index[again]])
        spikes[name] = SpikeTrain(tick + start, index.astype(np.int32))
    return Activity(TICK_NS, start, start + N_TICKS, spikes, updates)


@st.composite
def costs(draw, mode, tiles):
    """Return costs with many ties: few different times, zero often."""
    time = st.sampled_from([0, 0, 1, 2, 3, 7, 1000])
    names = [f.name for f in dataclasses.fields(HardwareCosts) if f.name.endswith("_ps")]
    times = {name: draw(time) for name in names}
    times["real_time_tick_ps"] = draw(st.sampled_from([None, 5, 10_000]))
    return HardwareCosts(*tiles, mode=mode, link_buffer=draw(st.sampled_from([None, 1, 1, 2, 3])), **times)


@st.composite
def cases(draw, mode=None):
    """Return (network, placement, costs, activity, entrance)."""
    mode = mode or draw(st.sampled_from(["barrier", "asynchronous"]))
    net = draw(networks())
    tiles = draw(st.sampled_from([(1, 1, 1), (1, 1, 3), (2, 1, 1), (3, 2, 1), (2, 3, 2), (1, 4, 1)]))
    rng = np.random.default_rng(draw(seeds))
    chip = chip_of(*tiles)
    core_of = {
        name: rng.integers(0, chip.n_cores, p.size).astype(np.int32) for name, p in net.populations.items()
    }
    outside = [*net.inputs, *net.sources]
    chosen = draw(st.lists(st.sampled_from(["mesh", "direct", "absent"]), min_size=3, max_size=3))
    entrance = Entrance(
        (int(rng.integers(tiles[0])), int(rng.integers(tiles[1]))),
        frozenset(n for n, how in zip(outside, chosen, strict=False) if how == "direct"),
        frozenset(n for n, how in zip(outside, chosen, strict=False) if how == "absent"),
    )
    updates = draw(st.sampled_from(["reached", "every_tick"])) if mode == "barrier" else "reached"
    activity = activity_of(rng, net, draw(st.sampled_from([0.2, 0.6, 1.0])), updates)
    if mode == "barrier":
        activity = dataclasses.replace(activity, per_chip_tick=draw(st.sampled_from([1, 1, 2, 3, 20])))
    return net, Placement(chip, core_of), draw(costs(mode, tiles)), activity, entrance
