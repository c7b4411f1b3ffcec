"""The keyword spotter of Blouw et al. on Loihi: its shape, what was measured, what the chip files predict.

How often its neurons fire was not published. So the prediction is a line over that share, and the share at
which it would meet the measurement is told.

Source: P. Blouw, X. Choo, E. Hunsberger, C. Eliasmith 2019, Benchmarking keyword spotting efficiency on
neuromorphic hardware; the raw logs of abr/power_benchmarks at fce95c8. No file of theirs is used.
"""

import re
from collections.abc import Sequence

import numpy as np

from benchmarks.silicon_result import Band, ChipPrediction, ImpliedShare, LoihiSpotter, Measured, RatePoint
from eventsim import LIF, Dense, Network
from hwmodels.activity import Activity, SpikeTrain, emitters
from hwmodels.chip import OPERATIONS, Chip, load_chip
from hwmodels.costs import HardwareCosts
from hwmodels.energy import Energy, energy
from hwmodels.messages import build_messages
from hwmodels.placing import place
from hwmodels.timing import time_activity

STEPS = 10
LAYERS = (390, 256, 256, 29)
BRANCH = (256,) * 10
SHARES = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
CHIPS = ("loihi", "loihi-sanafe")
TICK_NS = 1_000_000
# Inferences over which the drawn spikes are averaged.
INFERENCES = 20

# The paper's table: W, inferences per second, J per inference; the share of the x86 processors is its text's.
DYNAMIC_MW, INFERENCES_PER_S, DYNAMIC_MJ, X86_MW = 81.0, 296.0, 0.27, 70.0
PAPER_IDLE_MW = 29.0
# From the logs: total power while running and idle, mW.
RUNNING_MW, IDLE_MW = (110.0, 110.5), (29.3, 29.9)
# The estimate of the x86 share has no error of its own: a quarter of what is left of it is allowed.
X86_SPREAD_MW = 5.0
# Scaling runs: branches, inferences per second, total mW.
SCALING = ((1, 114.7, 107.9), (2, 114.4, 110.0), (4, 114.3, 113.5), (6, 114.3, 117.3), (8, 114.0, 120.9))
SCALING_LAST = (10, 114.0, 124.8)
# With the run without branches, as the reference works it out.
SLOPE_UJ = 15.2


def measured() -> Measured:
    """Return what was published, and what follows from it by arithmetic."""
    dynamic = RUNNING_MW[0] - IDLE_MW[1], RUNNING_MW[1] - IDLE_MW[0]
    left = Band(DYNAMIC_MW - X86_MW, dynamic[0] - X86_MW - X86_SPREAD_MW, dynamic[1] - X86_MW + X86_SPREAD_MW)
    per_inference = 1000.0 / INFERENCES_PER_S
    runs = np.array([*SCALING, SCALING_LAST])
    fitted = float(np.polyfit(runs[:, 0], 1000.0 * runs[:, 2] / runs[:, 1], 1)[0])
    return Measured(
        dynamic_mj=DYNAMIC_MJ,
        inferences_per_s=INFERENCES_PER_S,
        dynamic_mw=DYNAMIC_MW,
        x86_mw=X86_MW,
        left_mw=left,
        left_uj=Band(*(per_inference * mw for mw in (left.value, left.low, left.high))),
        slope_uj=Band(SLOPE_UJ, min(SLOPE_UJ, fitted), max(SLOPE_UJ, fitted)),
        idle_mw=Band(PAPER_IDLE_MW, PAPER_IDLE_MW, IDLE_MW[1]),
        step_us=1e6 / INFERENCES_PER_S / STEPS,
    )


def predict(seed: int, shares: Sequence[float] = SHARES) -> LoihiSpotter:
    """Return the predictions of each chip file for network and branch."""
    known = measured()
    network = [predicted(load_chip(c), spotter_network(), known.left_uj, seed, shares) for c in CHIPS]
    branch = [predicted(load_chip(c), branch_network(), known.slope_uj, seed, shares) for c in CHIPS]
    at_share = [_at(n.points, b.implied) for n, b in zip(network, branch, strict=True)]
    return LoihiSpotter(STEPS, known, network, branch, at_share)


def spotter_network() -> Network:
    """Return 390-256-256-29 neurons, all to all; the 390 are neurons on the chip, driven by their bias.

    Weights are not zero and mean nothing else here: what is counted does not depend on them.
    """
    network = Network(TICK_NS)
    _add_layers(network, LAYERS)
    return network


def branch_network() -> Network:
    """Return ten layers of 256 neurons behind 256 inputs, which belong to no branch."""
    network = Network(TICK_NS)
    network.add_input("before", 256)
    _add_layers(network, BRANCH, source="before")
    return network


def _add_layers(network: Network, sizes: Sequence[int], source: str | None = None) -> None:
    for number, size in enumerate(sizes):
        name = f"layer{number}"
        network.add_population(name, size, LIF(tau_ns=20e6))
        if source is not None:
            before = {**network.inputs, **{n: p.size for n, p in network.populations.items()}}[source]
            # One tick per layer, as spikes of a step arrive in the next on the chip.
            network.connect(source, name, Dense(np.ones((before, size), np.float32)), delay_ns=TICK_NS)
        source = name


def random_activity(network: Network, share: float, n_ticks: int, seed: int) -> Activity:
    """Return activity in which everything that emits does so in a share of the ticks, drawn independently."""
    rng = np.random.default_rng([seed, round(share * 1e6)])
    spikes = {}
    for name, size in emitters(network).items():
        tick, index = np.nonzero(rng.random((n_ticks, size)) < share)
        spikes[name] = SpikeTrain(tick, index.astype(np.int32))
    # Current and bias act at every step: all neurons count as updated.
    return Activity(network.tick_ns, 0, n_ticks, spikes, updates="every_tick")


def predicted(
    chip: Chip, network: Network, known: Band, seed: int, shares: Sequence[float] = SHARES
) -> ChipPrediction:
    """Return what a chip file predicts over the shares, and at which share it meets `known` (uJ)."""
    placement = place(network, chip)
    table = build_messages(network, placement)
    costs = HardwareCosts.of(chip, placement.tiles_used())
    points, left_out = [], []
    for share in shares:
        activity = random_activity(network, share, STEPS * INFERENCES, seed)
        timing = time_activity(activity, table, costs)
        counts = {name: n for name, n in timing.counts.items() if name in OPERATIONS}
        spent = energy(chip, counts, 0)
        left_out = [without_count(what) for what in spent.left_out if not what.startswith("static")]
        points.append(_point(share, spent, timing.total_ps))
    return ChipPrediction(
        chip=chip.name,
        cores=len(placement.cores_used()),
        tiles=placement.tiles_used(),
        neurons=sum(p.size for p in network.populations.values()),
        weights=sum(p.synapses.n_synapses for p in network.projections),
        points=points,
        implied=_implied(points, known),
        left_out=left_out,
    )


def _point(share: float, spent: Energy, total_ps: int) -> RatePoint:
    to_uj = 1e-6 / INFERENCES
    parts = {name: Band(*(to_uj * pj for pj in sums)) for name, sums in spent.by_component().items()}
    dynamic = [p for name, p in parts.items() if name != "static"]
    whole = Band(sum(p.value for p in dynamic), sum(p.low for p in dynamic), sum(p.high for p in dynamic))
    return RatePoint(
        share,
        whole,
        parts["synapse"],
        parts["neuron"],
        parts["spike"],
        parts["network"],
        total_ps * to_uj,
    )


def without_count(what: str) -> str:
    """Return what was left out of a sum without saying how often.

    >>> without_count("spike_out, 12 times: energy unknown")
    'spike_out: energy unknown'
    """
    return re.sub(r", \d+ times", "", what)


def _at(points: Sequence[RatePoint], implied: ImpliedShare) -> Band:
    """Return the energy at an implied share: where constants are cheap it is higher, and the other way."""
    shares = [p.share for p in points]

    def at(share: float | None, uj: list[float]) -> float:
        return float(np.interp(1.0 if share is None else share, shares, uj))

    value = at(implied.value, [p.dynamic.value for p in points])
    ends = (
        value,
        at(implied.low, [p.dynamic.high for p in points]),
        at(implied.high, [p.dynamic.low for p in points]),
    )
    return Band(value, min(ends), max(ends))


def _implied(points: Sequence[RatePoint], known: Band) -> ImpliedShare:
    """Return where the predicted line meets the measurement: cheap constants ask for more spikes."""

    def meets(predicted_uj: list[float], target_uj: float) -> float | None:
        if target_uj > predicted_uj[-1]:
            return None
        return float(np.interp(target_uj, predicted_uj, [p.share for p in points]))

    return ImpliedShare(
        known,
        meets([p.dynamic.value for p in points], known.value),
        meets([p.dynamic.high for p in points], known.low),
        meets([p.dynamic.low for p in points], known.high),
    )
