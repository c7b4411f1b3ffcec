"""S1: the energy formula of Yin et al. on measured activity, beside dense networks of the same size.

E_AC (n_in fr_in + n_rec fr_rec) n + E_MAC k n per layer and step, with 45 nm figures; the paper's own
equations were not read, this form is from memory (hwmodels.metrics). k counts what brings a state forward:
of an adaptive neuron the decays of membrane and adaptation and the strength of the adaptation (3; the gain
of the input is part of the weights), of one without adaptation 1, of a perfect integrator 0.
"""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from apps.ecg_checkpoint import load_checkpoint, load_recordings
from apps.eval_ecg import run_events
from apps.keyword_model import load_keyword_model
from benchmarks.seed_claims_result import DenseCount, LayerEnergy, SpikingEnergy
from benchmarks.seed_run import Counts, hear, spoken_clips
from eventsim import ALIF, LeakyIntegrator, Network
from eventsim.errors import ParameterError
from hwmodels.conventional import rnn_macs
from hwmodels.metrics import E_AC_PJ, E_MAC_PJ, effective_events, macs_per_tick, srnn_layer_energy_pj

UJ_PER_PJ = 1e-6
# A dense network trained for the same task: eventsim train kws --baselines.
README_UNITS, README_GRU = 128, "GRU-128, one layer, 93.44 % (README)"
KINDS = ("rnn", "gru", "lstm")


def keyword_energy(data: Path, seed: int, clips: int | None = None) -> SpikingEnergy:
    """Return the energy of the keyword network of the package, per clip of the test speakers."""
    bundle = load_keyword_model().bundle
    network = bundle.network
    encoded = spoken_clips(data, bundle, seed)
    heard = hear(network, encoded.steps[:clips], encoded.labels[:clips])
    (source,) = network.inputs
    valued = {name: np.zeros_like(fired) for name, fired in heard.fired.items()}
    valued[source] = heard.not_one[source]
    plain = {name: fired - valued[name] for name, fired in heard.fired.items()}
    inner = [p.size for name, p in network.populations.items() if name not in network.outputs]
    n_bands, n_labels, steps = encoded.steps.shape[2], len(bundle.labels), heard.n_steps // heard.clips
    found = spiking_energy(
        "keyword network",
        network,
        (heard.clips, steps),
        heard.accuracy,
        (plain, valued),
        {name: heard.updates[name] / (p.size * heard.n_steps) for name, p in network.populations.items()},
        [n_bands, *inner, n_labels],
    )
    macs = steps * (rnn_macs(n_bands, README_UNITS, "gru") + README_UNITS * n_labels)
    trained = DenseCount(README_GRU, macs, _uj(0, macs), _uj(0, macs) / found.counted_uj)
    return msgspec.structs.replace(found, dense=[*found.dense, trained])


def ecg_energy(weights: Path, data: Path) -> SpikingEnergy:
    """Return the energy of the published ECG network, per recording of the test set.

    Its inputs are -1, 0 and +1: an accumulate each.
    """
    checkpoint = load_checkpoint(weights)
    recordings = load_recordings(data, checkpoint)
    run, work = run_events(checkpoint, recordings)
    fired = {
        "input": np.abs(recordings.x).sum(axis=(0, 1)).astype(np.int64),
        "hidden": run.hidden_spikes.sum(axis=(0, 1)),
        "output": run.output_spikes.sum(axis=(0, 1)),
    }
    n_neurons = checkpoint.n_hidden + checkpoint.n_outputs
    reached = work.neuron_updates / (n_neurons * recordings.labels.size)
    return spiking_energy(
        "published ECG network",
        checkpoint.network(),
        (len(recordings), recordings.steps),
        float((run.predictions == recordings.labels).mean()),
        (fired, {name: np.zeros_like(each) for name, each in fired.items()}),
        {"hidden": reached, "output": reached},
        [checkpoint.n_inputs, checkpoint.n_hidden, checkpoint.n_outputs],
    )


def spiking_energy(
    name: str,
    network: Network,
    heard: tuple[int, int],
    accuracy: float,
    counts: tuple[Counts, Counts],
    reached: Mapping[str, float],
    sizes: Sequence[int],
) -> SpikingEnergy:
    """Return the energy of measured activity.

    heard : recordings, and steps of each. counts : how often each address sent a one, and anything else.
    reached : share of (neuron, step) that events brought up to date. sizes : layers of the dense equivalents.
    """
    n, steps = heard
    acs, macs = (sum(effective_events(p, each[p.pre]) for p in network.projections) / n for each in counts)
    fired = {key: counts[0][key] + counts[1][key] for key in counts[0]}
    layers = [layer_energy(network, population, fired, n * steps, n) for population in network.populations]
    state = {layer.name: float(layer.state_macs * layer.neurons * steps) for layer in layers}
    every_step = sum(state.values())
    reached_macs = sum(reached[key] * each for key, each in state.items())
    counted = _uj(acs, macs + every_step)
    return SpikingEnergy(
        network=name,
        recordings=n,
        steps=steps,
        accuracy=accuracy,
        layers=layers,
        formula_uj=sum(layer.energy_uj for layer in layers),
        acs=acs,
        macs=macs,
        state_macs=every_step,
        counted_uj=counted,
        reached_macs=reached_macs,
        reached_uj=_uj(acs, macs + reached_macs),
        dense=_dense(network, sizes, steps, counted),
    )


def layer_energy(network: Network, name: str, fired: Counts, n_steps: int, n: int) -> LayerEnergy:
    """Return one layer under the formula, per recording, from what its sources sent in all `n_steps`."""
    size = network.populations[name].size
    rates = []
    for source in dict.fromkeys(p.pre for p in network.projections if p.post == name):
        taps = sum(p.pre == source and p.post == name for p in network.projections)
        rates.append((source, taps * fired[source].size, float(fired[source].mean()) / n_steps))
    k = state_macs(network, name)
    per_step = sum(srnn_layer_energy_pj(n_in, rate, 0, 0.0, size, 0) for _, n_in, rate in rates)
    per_step += srnn_layer_energy_pj(0, 0.0, 0, 0.0, size, k)
    return LayerEnergy(name, size, k, rates, UJ_PER_PJ * per_step * n_steps / n)


def state_macs(network: Network, name: str) -> int:
    """Return the multiply-accumulates that bring the state of one neuron of a population forward by a step.

    Raises ParameterError for a model that the formula doesn't know.
    """
    model = network.populations[name].model
    if isinstance(model, ALIF):
        return 3 if np.any(model.beta) else 1
    if isinstance(model, LeakyIntegrator):
        return 0 if np.all(np.isinf(model.tau_ns)) else 1
    raise ParameterError(f"population {name!r}: the formula has no neuron of kind {model.kind!r}")


def _uj(acs: float, macs: float) -> float:
    return UJ_PER_PJ * (E_AC_PJ * acs + E_MAC_PJ * macs)


def _dense(network: Network, sizes: Sequence[int], steps: int, spiking_uj: float) -> list[DenseCount]:
    """Return the same connections at every step, then recurrent networks with layers of the same size."""
    counts = {"same connections, dense": macs_per_tick(network)}
    for kind in KINDS:
        layers = sum(rnn_macs(a, b, kind) for a, b in itertools.pairwise(sizes[:-1]))
        counts[kind] = layers + sizes[-2] * sizes[-1]
    return [
        DenseCount(kind, macs * steps, _uj(0, macs * steps), _uj(0, macs * steps) / spiking_uj)
        for kind, macs in counts.items()
    ]
