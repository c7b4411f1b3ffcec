"""A trained network, run event by event, held against its twin on the same clips: every spike is compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.seed_run import clip_events
from eventsim.session import Session

if TYPE_CHECKING:
    from torch import nn

    from eventsim.network import Network


@torch.no_grad()
def twin_check(
    net: nn.Module, network: Network, steps: NDArray[np.int8], **options: float
) -> dict[str, float]:
    """Return how many spikes the engine and the float64 twin send on clips int8[clips, frames, bands].

    differing : places (clip, step, unit) at which they do not send the same, to a tenth of a spike's unit.
    answers_differing : clips that get another label. largest_gap : between the outputs at the last step.
    """
    hidden = [name for name in network.populations if name not in network.outputs]
    session, net = Session(network, record=hidden), net.double()
    twin_spikes = spikes = differing = answers = 0
    gap, unit = 0.0, options.get("threshold", 1.0)
    for clip in steps:
        logits, sent = net(torch.from_numpy(clip[:, None].astype(np.float64)), **options)
        session.reset()
        (source,) = network.inputs
        session.push(source, clip_events(clip, network.tick_ns))
        session.advance(clip.shape[0] * network.tick_ns)
        for name, expected in zip(hidden, sent, strict=True):
            found = np.zeros(expected[:, 0].shape)
            events = session.read(name)
            found[events.time_ns // network.tick_ns, events.address] = events.value
            wanted = expected[:, 0].numpy()
            # What the smooth twin holds is rounded as it is added up: a change of 1e-17 is no spike.
            spikes += int((np.abs(found) > 0.1 * unit).sum())
            twin_spikes += int((np.abs(wanted) > 0.1 * unit).sum())
            differing += int((np.abs(found - wanted) > 0.1 * unit).sum())
        output, wanted = session.membrane(network.outputs[-1]), logits[-1, 0].numpy()
        gap = max(gap, float(np.abs(output - wanted).max()))
        answers += int(output.argmax() != wanted.argmax())
    net.float()
    return {
        "clips": len(steps),
        "spikes": spikes,
        "twin_spikes": twin_spikes,
        "differing": differing,
        "answers_differing": answers,
        "largest_gap": gap,
    }
