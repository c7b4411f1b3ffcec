"""What the comparison with silicon found, as it is written to results/silicon.json."""

import msgspec


class Band(msgspec.Struct, frozen=True):
    """A prediction with the ends it takes where the sources of the chip file disagree."""

    value: float
    low: float
    high: float


class RatePoint(msgspec.Struct, frozen=True):
    """What an inference takes if every neuron fires in this share of the steps; energies in uJ.

    share : spikes per neuron and step. dynamic, synapse, neuron, spike, network : of core and mesh.
    time_us : of the ten steps, as fast as the chip model goes.
    """

    share: float
    dynamic: Band
    synapse: Band
    neuron: Band
    spike: Band
    network: Band
    time_us: float


class ImpliedShare(msgspec.Struct, frozen=True):
    """The share of steps in which neurons would have to fire for a measured energy; None beyond every step.

    value : at the constants' values. low, high : the least and the most within band of constants and
    measurement.
    """

    measured_uj: Band
    value: float | None
    low: float | None
    high: float | None


class ChipPrediction(msgspec.Struct, frozen=True):
    """One chip file's prediction. cores, tiles : that the network took."""

    chip: str
    cores: int
    tiles: int
    neurons: int
    weights: int
    points: list[RatePoint]
    implied: ImpliedShare
    left_out: list[str]


class Measured(msgspec.Struct, frozen=True):
    """What was published or read from the published logs of the keyword spotter on Loihi.

    dynamic_mj, inferences_per_s, dynamic_mw, x86_mw : the paper's. left_mw : dynamic power less that of the
    embedded processors, between what the logs' spread and a quarter more or less of x86_mw make of it;
    left_uj : the same per inference. slope_uj : of one branch of ten layers of 256, as the reference has it
    and by least squares over the runs with branches. step_us : measured time of a step.
    """

    dynamic_mj: float
    inferences_per_s: float
    dynamic_mw: float
    x86_mw: float
    left_mw: Band
    left_uj: Band
    slope_uj: Band
    idle_mw: Band
    step_us: float


class LoihiSpotter(msgspec.Struct, frozen=True):
    """The keyword spotter of 390-256-256-29 neurons, and one branch of ten layers of 256.

    network_at_branch_share : dynamic energy of the network, uJ, if it fires as often as the branches must
    have; one per chip file.
    """

    steps_per_inference: int
    measured: Measured
    network: list[ChipPrediction]
    branch: list[ChipPrediction]
    network_at_branch_share: list[Band]


class SpotterOnChip(msgspec.Struct, frozen=True):
    """The project's own spotter on one chip, per second of sound; energies in uJ.

    refused : why it finds no place, and then nothing else holds. dynamic : None where no energy of the
    operations is known. own_pace_ms : time the steps take if nothing
    waits for the sound. static_own_pace : over that time; static_live : over the second. None: unknown.
    """

    chip: str
    kind: str
    boundary: str
    refused: str = ""
    dynamic: Band | None = None
    static_own_pace: Band | None = None
    static_live: Band | None = None
    own_pace_ms: float | None = None
    cores: int | None = None
    left_out: list[str] = []


class OwnSpotter(msgspec.Struct, frozen=True):
    """The project's own keyword network on recordings.

    sound : what was heard. synaptic_events, dense_macs, spikes, input_events : per second of it.
    input_value : sum of the values of the input events, whole numbers, per second.
    """

    sound: str
    seconds: int
    synaptic_events: float
    dense_macs: int
    spikes: float
    input_events: float
    input_value: float
    chips: list[SpotterOnChip]


class PublishedSpotter(msgspec.Struct, frozen=True):
    """A measured inference of another keyword network; energy in uJ, power in mW, time in ms."""

    device: str
    energy_uj: float
    power_mw: float
    time_ms: float


class Silicon(msgspec.Struct, frozen=True):
    """All of it."""

    command: str
    date: str
    seed: int
    loihi: LoihiSpotter
    own: OwnSpotter
    published: list[PublishedSpotter]
