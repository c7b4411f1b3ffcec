"""S3: the multiplications an input-gated multi-bit network needs, beside a GRU and an LSTM of its size.

Source: Ponghiran and Roy 2021 (arXiv 2109.01905), whose way of counting was not read. Here an event of
value 1 is an addition and any other a multiplication per synapse; a count in which every event multiplies
stands beside. Each cell multiplies three times per step, event or not: F I', (1 - F) C and alpha V'. The
threshold is 1, so the reset subtracts. A GRU or LSTM multiplies every input and state by every weight at
every step, and 3 times per unit. Logistic functions and hyperbolic tangents are counted on neither side.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.seed_claims_result import Multiplications
from benchmarks.seed_run import Heard, hear, own_network, spoken_clips
from hwmodels.conventional import rnn_macs

STATE_MULTIPLICATIONS = 3
PUBLISHED = {1: "4.37 to 5.40", 2: "10.13 and 11.14"}


def multiplications(
    data: Path, version: int, seed: int, training: dict[str, Any], clips: int | None = None
) -> Multiplications:
    """Return what one version of the network needs on the clips of the test speakers.

    training : what the script that trained the network told of it.
    """
    name = f"gated_v{version}"
    bundle = own_network(name)
    encoded = spoken_clips(data, bundle, seed)
    heard = hear(bundle.network, encoded.steps[:clips], encoded.labels[:clips])
    return counted(name, version, heard, encoded.steps.shape[2], training)


def counted(name: str, version: int, heard: Heard, n_bands: int, training: dict[str, Any]) -> Multiplications:
    """Return the multiplications of what was heard; a dense network hears `n_bands` numbers per step."""
    network = heard.network
    gated = [key for key in network.populations if heard.is_gated(key)]
    cells = [network.populations[key].size // 2 for key in gated]
    spikes = sum(int(heard.fired[key].sum()) for key in gated)
    places = sum(cells) * heard.n_steps
    state = float(STATE_MULTIPLICATIONS * sum(cells))
    all_events = heard.synaptic_events() / heard.n_steps
    not_one = heard.synaptic_events(heard.not_one) / heard.n_steps
    inner, inner_not_one = (
        heard.synaptic_events(heard.without_input(each)) / heard.n_steps
        for each in (heard.fired, heard.not_one)
    )
    # Candidates and gates.
    dense_input = 2 * n_bands * cells[0]
    labels = network.populations[network.outputs[-1]].size
    gru, lstm = (dense_multiplications([n_bands, *cells], labels, kind) for kind in ("gru", "lstm"))
    # Gate addresses of a source never send: rows of zeros, which a dense evaluation would leave out.
    rows = sum(p.synapses.n_synapses // (2 if heard.is_gated(p.pre) else 1) for p in network.projections)
    return Multiplications(
        network=name,
        version=version,
        bits=int(training["bits"]),
        hidden=cells,
        recordings=heard.clips,
        accuracy_trained=(training["validation"], training["test"]),
        accuracy_events=heard.accuracy,
        silent=1.0 - spikes / places,
        mean_value=sum(heard.value[key] for key in gated) / max(1, spikes),
        all_events=all_events,
        not_one=not_one,
        state=state,
        dense_input=dense_input,
        dense_self=rows + int(state),
        gru=gru,
        lstm=lstm,
        saved_gru=(gru / (all_events + state), gru / (not_one + state)),
        saved_lstm=(lstm / (all_events + state), lstm / (not_one + state)),
        saved_gru_dense_input=(
            gru / (dense_input + inner + state),
            gru / (dense_input + inner_not_one + state),
        ),
    )


def dense_multiplications(sizes: Sequence[int], labels: int, kind: str) -> int:
    """Return the multiplications of a step of dense recurrent layers and a readout.

    >>> dense_multiplications([40, 96, 96], 12, "gru")
    96192
    """
    return sum(rnn_macs(a, b, kind) for a, b in itertools.pairwise(sizes)) + sizes[-1] * labels
