"""S2: a recurrent low-pass network on sigma-delta events beside a Cortex-M4, as its authors reckon.

Source: note Cortex.md in the authors' repository (manuvn/lpRNN at 56d7c64): 10 uW per MHz, 26 cycles per
multiply and 1 per add, 15 to 60 uW for memory; 10 pJ per spike of a neuron in 180 nm at 1.8 V, 0.1 fJ per
bit of a weight that is read. The note has no static power on either side.
"""

from pathlib import Path
from typing import Any

from benchmarks.seed_claims_result import LowPassClaim
from benchmarks.seed_run import Heard, hear, own_network, spoken_clips
from hwmodels.metrics import effective_events, macs_per_tick

PJ_PER_CYCLE = 10.0
CYCLES_PER_MAC = 27
DRAM_UW = (15.0, 60.0)
PJ_PER_SPIKE = 10.0
PJ_PER_BIT = 1e-4
WEIGHT_BITS = 8
SUPPLY_V = 1.8
CLAIMED = 500.0
# The network of the note: 50 recurrent units at 30 steps per second.
EXAMPLE_UNITS, EXAMPLE_STEPS_PER_S = 50, 30
NS_PER_S = 1_000_000_000


def low_pass_claim(data: Path, seed: int, training: dict[str, Any], clips: int | None = None) -> LowPassClaim:
    """Return the comparison on the clips of the test speakers.

    training : what the script that trained the network told of it.
    """
    bundle = own_network("low_pass")
    encoded = spoken_clips(data, bundle, seed)
    heard = hear(bundle.network, encoded.steps[:clips], encoded.labels[:clips])
    return compared(heard, encoded.steps.shape[2], training)


def compared(heard: Heard, n_bands: int, training: dict[str, Any]) -> LowPassClaim:
    """Return the comparison for what was heard; `n_bands` numbers per step enter a dense network."""
    network = heard.network
    (source,) = network.inputs
    steps_per_s = NS_PER_S // network.tick_ns
    seconds = heard.n_steps / steps_per_s
    hidden = [name for name in heard.fired if name in network.populations and name not in network.outputs]
    spikes = sum(int(heard.fired[name].sum()) for name in hidden) / seconds
    synaptic = heard.synaptic_events() / seconds
    # Ups and downs are two addresses for events, one number for a dense network.
    spared = (network.inputs[source] - n_bands) * network.populations[hidden[0]].size
    dense = (macs_per_tick(network) - spared) * steps_per_s
    core_uw = cortex_uw(dense)
    spikes_uw = spikes * PJ_PER_SPIKE * 1e-6
    weights_uw = synaptic * WEIGHT_BITS * PJ_PER_BIT * 1e-6
    events_uw = spikes_uw + weights_uw
    unit_spikes, unit_uw = _in_unit_spikes(heard, hidden, float(training["threshold"]), seconds)
    allowed_nw = 1000.0 * (core_uw / CLAIMED - events_uw)
    neurons = sum(network.populations[name].size for name in hidden)
    return LowPassClaim(
        recordings=heard.clips,
        hidden=[network.populations[name].size for name in hidden],
        threshold=float(training["threshold"]),
        accuracy_trained=(training["validation"], training["test"]),
        accuracy_events=heard.accuracy,
        input_events=float(heard.fired[source].sum()) / seconds,
        spikes=spikes,
        synaptic_events=synaptic,
        dense_macs=dense,
        core_uw=core_uw,
        dram_uw=DRAM_UW,
        spikes_uw=spikes_uw,
        weights_uw=weights_uw,
        ratio_core=core_uw / events_uw,
        ratio_memory=((core_uw + DRAM_UW[0]) / events_uw, (core_uw + DRAM_UW[1]) / events_uw),
        per_operation=CYCLES_PER_MAC * PJ_PER_CYCLE / (events_uw * 1e6 / synaptic),
        fewer=dense / synaptic,
        allowed_nw=allowed_nw,
        allowed_na=allowed_nw / SUPPLY_V / neurons,
        example_uw=cortex_uw(EXAMPLE_UNITS**2 * EXAMPLE_STEPS_PER_S),
        unit_spikes=unit_spikes,
        ratio_unit=core_uw / unit_uw,
    )


def _in_unit_spikes(heard: Heard, hidden: list[str], threshold: float, seconds: float) -> tuple[float, float]:
    """Return spikes per second and their power, uW, if what was sent came in single thresholds."""
    spikes = synaptic = 0.0
    for projection in heard.network.projections:
        name = projection.pre
        fired = int(heard.fired[name].sum())
        units = heard.value[name] / (threshold if name in hidden else 1.0)
        # Every unit reaches as many synapses on average as the events it is taken from.
        synaptic += effective_events(projection, heard.fired[name]) * (units / fired if fired else 0.0)
    for name in hidden:
        spikes += heard.value[name] / threshold
    pj = spikes * PJ_PER_SPIKE + synaptic * WEIGHT_BITS * PJ_PER_BIT
    return spikes / seconds, pj * 1e-6 / seconds


def cortex_uw(macs_per_s: float) -> float:
    """Return the power of the processor's core for so many multiply-accumulates per second, uW.

    >>> round(cortex_uw(50 * 50 * 30), 2)
    20.25
    """
    return macs_per_s * CYCLES_PER_MAC * PJ_PER_CYCLE * 1e-6
