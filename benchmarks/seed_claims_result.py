"""What the claims of the seed papers come to on the project's own networks: results/seed_claims.json."""

import msgspec


class DenseCount(msgspec.Struct, frozen=True):
    """A dense network beside a spiking one. macs, energy_uj : per inference; ratio : its energy to theirs."""

    kind: str
    macs: int
    energy_uj: float
    ratio: float


class LayerEnergy(msgspec.Struct, frozen=True):
    """One layer under the formula: neurons, multiply-accumulates per neuron's state, energy per inference.

    rates : what it hears: source, addresses with their delay taps, spikes per address and step.
    """

    name: str
    neurons: int
    state_macs: int
    rates: list[tuple[str, int, float]]
    energy_uj: float


class SpikingEnergy(msgspec.Struct, frozen=True):
    """S1: accumulates and multiply-accumulates of one spiking network, per inference.

    network, recordings, steps : what was run, on how many recordings of how many steps.
    accuracy : share named rightly. formula_uj : sum over layers of the formula, every event an accumulate.
    acs, macs : synaptic events of sources that send ones, and of events with other values; state_macs : every
    neuron at every step; counted_uj : of these three. reached_macs : state of the neurons that an event
    reached. reached_uj : with these instead.
    """

    network: str
    recordings: int
    steps: int
    accuracy: float
    layers: list[LayerEnergy]
    formula_uj: float
    acs: float
    macs: float
    state_macs: float
    counted_uj: float
    reached_macs: float
    reached_uj: float
    dense: list[DenseCount]


class LowPassClaim(msgspec.Struct, frozen=True):
    """S2: a recurrent low-pass network by sigma-delta events beside a Cortex-M4; rates per second of sound.

    accuracy_trained : of the smooth network (validation, test); accuracy_events : of the events, on test.
    dense_macs : of the network computed at every step. core_uw : of the processor's cycles; dram_uw : the
    author's range. spikes_uw, weights_uw : of spikes and of bits read. ratio : processor's core, and with
    memory (low, high), to spikes and bits. per_operation : energy of a multiply-accumulate on the processor
    to that of a synaptic event with its share of a spike. fewer : dense multiply-accumulates to synaptic
    events. allowed_nw, allowed_na : static power, and current per neuron at 1.8 V, at which the ratio of the
    core would be 500. unit_spikes, ratio_unit : spikes, and the core's ratio, if a spike could carry only one
    threshold, and an input event only one step.
    """

    recordings: int
    hidden: list[int]
    threshold: float
    accuracy_trained: tuple[float, float]
    accuracy_events: float
    input_events: float
    spikes: float
    synaptic_events: float
    dense_macs: int
    core_uw: float
    dram_uw: tuple[float, float]
    spikes_uw: float
    weights_uw: float
    ratio_core: float
    ratio_memory: tuple[float, float]
    per_operation: float
    fewer: float
    allowed_nw: float
    allowed_na: float
    example_uw: float
    unit_spikes: float
    ratio_unit: float


class Multiplications(msgspec.Struct, frozen=True):
    """S3: multiplications of an input-gated network per step, beside dense networks of its size.

    version : of the paper. silent : share of (cell, step) without a spike. all_events : every synaptic event
    one; not_one : events of value one are additions; state : of cells at every step. dense_input : of the
    first layer if its input were not events but a number per band and step. saved_* : a GRU's (an LSTM's)
    multiplications to these, all events and then those not one; *_dense_input : with that input.
    """

    network: str
    version: int
    bits: int
    hidden: list[int]
    recordings: int
    accuracy_trained: tuple[float, float]
    accuracy_events: float
    silent: float
    mean_value: float
    all_events: float
    not_one: float
    state: float
    dense_input: int
    dense_self: int
    gru: int
    lstm: int
    saved_gru: tuple[float, float]
    saved_lstm: tuple[float, float]
    saved_gru_dense_input: tuple[float, float]


class Baseline(msgspec.Struct, frozen=True):
    """A dense network trained beside: accuracy on validation and on test, parameters."""

    kind: str
    hidden: list[int]
    parameters: int
    validation: float
    test: float


class TwinCheck(msgspec.Struct, frozen=True):
    """A trained network run event by event beside its dense float64 twin, on validation clips.

    spikes : of the engine. twin_spikes : of the twin. differing : places at which they send different values.
    answers_differing : clips. largest_gap : between outputs at the last step.
    """

    network: str
    clips: int
    spikes: int
    twin_spikes: int
    differing: int
    answers_differing: int
    largest_gap: float


class SeedClaims(msgspec.Struct, frozen=True):
    """All of it. An empty list or None: the recordings were not there."""

    command: str
    date: str
    energy: list[SpikingEnergy]
    low_pass: LowPassClaim | None
    gated: list[Multiplications]
    baselines: list[Baseline]
    twins: list[TwinCheck]
