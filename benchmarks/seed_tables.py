"""The seed papers' claims on the project's own networks as tables in Markdown."""

from benchmarks.pages import number, table
from benchmarks.seed_claims_result import (
    Baseline,
    LowPassClaim,
    Multiplications,
    SeedClaims,
    SpikingEnergy,
    TwinCheck,
)
from benchmarks.seed_gated import PUBLISHED


def markdown(result: SeedClaims) -> str:
    """Return all tables, each under its heading."""
    parts = ["### S1: accumulates for multiply-accumulates"]
    parts += [part for each in result.energy for part in (_energy(each), _layers(each))]
    if result.low_pass:
        parts += ["### S2: sigma-delta events beside a Cortex-M4", _low_pass(result.low_pass)]
    if result.gated:
        parts += ["### S3: multiplications saved", _gated(result.gated)]
    if result.baselines:
        parts += ["### What the networks reach", _reached(result)]
    if result.twins:
        parts += ["### Event by event beside the dense twin", _twins(result.twins)]
    return "\n\n".join(parts)


def percent(share: float) -> str:
    """Return a share as percent with two digits.

    >>> percent(0.9151)
    '91.51'
    """
    return f"{100.0 * share:.2f}"


def _energy(e: SpikingEnergy) -> str:
    head = (
        f"**{e.network}**: {e.recordings} recordings of {e.steps:,} steps, {percent(e.accuracy)} % right. "
        "Energy per recording:"
    )
    rows: list[tuple[str, str, str, str, str]] = [
        ("by the formula, every event an accumulate", "", "", number(e.formula_uj), ""),
        (
            "as counted, state at every step",
            f"{e.acs:,.0f}",
            f"{e.macs + e.state_macs:,.0f}",
            number(e.counted_uj),
            "1",
        ),
        (
            "as counted, state where an event reaches",
            f"{e.acs:,.0f}",
            f"{e.macs + e.reached_macs:,.0f}",
            number(e.reached_uj),
            number(e.reached_uj / e.counted_uj),
        ),
    ]
    names = {"rnn": "dense RNN", "gru": "GRU", "lstm": "LSTM"}
    rows += [
        (names.get(d.kind, d.kind), "", f"{d.macs:,}", number(d.energy_uj), number(d.ratio)) for d in e.dense
    ]
    return head + "\n\n" + table(("", "accumulates", "multiply-accumulates", "uJ", "times as counted"), rows)


def _layers(e: SpikingEnergy) -> str:
    rows = []
    for layer in e.layers:
        hears = ", ".join(f"{n:,} from {source} at {number(rate)}" for source, n, rate in layer.rates)
        rows.append((layer.name, str(layer.neurons), hears, str(layer.state_macs), number(layer.energy_uj)))
    return table(("layer", "neurons n", "n_in at spikes per address and step", "k", "uJ"), rows)


def _low_pass(c: LowPassClaim) -> str:
    low, high = c.ratio_memory
    trained = percent(c.accuracy_trained[1])
    rows = [
        ("network", f"40-{'-'.join(map(str, c.hidden))}-12, threshold {c.threshold:g}"),
        ("test speakers: smooth network, its events", f"{trained} %, {percent(c.accuracy_events)} %"),
        ("per second: input events, spikes", f"{c.input_events:,.0f}, {c.spikes:,.0f}"),
        ("per second: synaptic events", f"{c.synaptic_events:,.0f}"),
        ("per second: multiply-accumulates, dense", f"{c.dense_macs:,}"),
        ("Cortex-M4, core", f"{number(c.core_uw)} uW"),
        ("Cortex-M4, memory", f"{c.dram_uw[0]:g} to {c.dram_uw[1]:g} uW"),
        ("spikes at 10 pJ", f"{number(c.spikes_uw)} uW"),
        ("weights read, 8 bits at 0.1 fJ", f"{number(c.weights_uw)} uW"),
        ("**core / events**", f"**{number(c.ratio_core)}**"),
        ("core and memory / events", f"{number(low)} to {number(high)}"),
        ("of it: a multiply-accumulate costs more than an event by", number(c.per_operation)),
        ("of it: fewer events than multiply-accumulates by", number(c.fewer)),
        ("spikes per second if each carried one threshold", f"{c.unit_spikes:,.0f}"),
        ("core / events, each of one threshold", number(c.ratio_unit)),
        ("static power at which the core's ratio is 500", f"{number(c.allowed_nw)} nW"),
        ("the same as current per neuron at 1.8 V", f"{number(c.allowed_na)} nA"),
        ("the note's own example, 50 units at 30 steps per second", f"{number(c.example_uw)} uW (told: 20)"),
    ]
    return table(("", f"{c.recordings} clips"), rows)


def _gated(gated: list[Multiplications]) -> str:
    heads = ["", *(f"v{g.version}, {g.bits} bits" for g in gated)]
    lines: list[tuple[str, list[str]]] = [
        ("cells", ["-".join(map(str, g.hidden)) for g in gated]),
        ("test speakers, events", [f"{percent(g.accuracy_events)} %" for g in gated]),
        ("no spike, % of cells and steps", [percent(g.silent) for g in gated]),
        ("mean value of a spike", [number(g.mean_value) for g in gated]),
        ("synaptic events per step", [number(g.all_events, 5) for g in gated]),
        ("of them of a value other than 1", [number(g.not_one, 5) for g in gated]),
        ("multiplications of state per step", [f"{g.state:,.0f}" for g in gated]),
        ("the same network, dense", [f"{g.dense_self:,}" for g in gated]),
        ("GRU of the same size", [f"{g.gru:,}" for g in gated]),
        ("LSTM of the same size", [f"{g.lstm:,}" for g in gated]),
        ("**GRU / this, value 1 an addition**", [f"**{number(g.saved_gru[1])}**" for g in gated]),
        ("GRU / this, every event multiplies", [number(g.saved_gru[0]) for g in gated]),
        ("GRU / this, dense input, value 1 an addition", [number(g.saved_gru_dense_input[1]) for g in gated]),
        (
            "GRU / this, dense input, every event multiplies",
            [number(g.saved_gru_dense_input[0]) for g in gated],
        ),
        ("GRU / this, as published", [PUBLISHED[g.version] for g in gated]),
        ("LSTM / this, value 1 an addition", [number(g.saved_lstm[1]) for g in gated]),
        ("LSTM / this, every event multiplies", [number(g.saved_lstm[0]) for g in gated]),
    ]
    return table(heads, [(name, *cells) for name, cells in lines])


def _reached(result: SeedClaims) -> str:
    rows = [_dense(b) for b in result.baselines]
    if (c := result.low_pass) is not None:
        smooth = "low-pass, smooth"
        rows.append((smooth, percent(c.accuracy_trained[0]), percent(c.accuracy_trained[1])))
        rows.append(("low-pass, sigma-delta events", "", percent(c.accuracy_events)))
    for g in result.gated:
        validation, test = (percent(each) for each in g.accuracy_trained)
        rows.append((f"input-gated v{g.version}, trained", validation, test))
        rows.append((f"input-gated v{g.version}, events", "", percent(g.accuracy_events)))
    return table(("network, two layers of 96", "validation, balanced %", "test, balanced %"), rows)


def _twins(twins: list[TwinCheck]) -> str:
    heads = ("network", "validation clips", "spikes", "of the twin", "that differ", "answers that differ")
    rows = [
        (
            t.network,
            str(t.clips),
            f"{t.spikes:,}",
            f"{t.twin_spikes:,}",
            f"{t.differing:,}",
            str(t.answers_differing),
            f"{t.largest_gap:.1g}",
        )
        for t in twins
    ]
    return table((*heads, "largest gap of outputs"), rows)


def _dense(b: Baseline) -> tuple[str, str, str]:
    return f"{b.kind.upper()}, {b.parameters:,} parameters", percent(b.validation), percent(b.test)
