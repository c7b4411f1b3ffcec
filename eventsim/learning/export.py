"""From the trained twin to the network of the event engine."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from eventsim.learning.alif import AdaptiveLIFLayer
from eventsim.learning.keyword_net import KeywordNet, TappedDrive
from eventsim.models import ALIF, LeakyIntegrator
from eventsim.network import Network
from eventsim.projections import Dense


def to_network(net: KeywordNet) -> Network:
    """Return the event network with the twin's weights (float32), the normalisation folded into them.

    Input population `mel`, hidden populations `hidden1` and `hidden2`, readout `readout`.
    """
    config = net.config
    network = Network(tick_ns=config.step_ns)
    network.add_input("mel", config.n_inputs)
    weight1, bias1 = net.input.folded()
    weight2, bias2 = net.between.folded()
    network.add_population("hidden1", config.n_hidden1, _adaptive(net.hidden1, bias1, config.step_ns))
    network.add_population("hidden2", config.n_hidden2, _adaptive(net.hidden2, bias2, config.step_ns))
    network.add_population(
        "readout", config.n_labels, LeakyIntegrator(tau_ns=np.inf, bias=0.0, normalised=False)
    )
    _connect_taps(network, "mel", "hidden1", net.input, weight1)
    _connect_taps(network, "hidden1", "hidden2", net.between, weight2)
    assert net.hidden2.recurrent_weight is not None
    # The twin feeds back the spikes of the step before: one tick of delay.
    network.connect(
        "hidden2", "hidden2", Dense(_float32(net.hidden2.recurrent_weight)), delay_ns=config.step_ns
    )
    network.connect("hidden2", "readout", Dense(_float32(net.readout.weight.t())))
    return network


def _adaptive(layer: AdaptiveLIFLayer, bias: Tensor, step_ns: int) -> ALIF:
    return ALIF(
        tau_mem_ns=np.exp(layer.log_tau_mem.detach().double().numpy()) * step_ns,
        tau_adp_ns=np.exp(layer.log_tau_adp.detach().double().numpy()) * step_ns,
        base_threshold=layer.base_threshold,
        beta=layer.beta,
        bias=bias.numpy(),
        initial_adaptation=0.0,
        normalised=True,
    )


def _connect_taps(network: Network, pre: str, post: str, drive: TappedDrive, weight: Tensor) -> None:
    for delay, tap in zip(drive.delays, weight, strict=True):
        network.connect(pre, post, Dense(_float32(tap)), delay_ns=delay * network.tick_ns)


def _float32(weight: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = np.ascontiguousarray(weight.detach().numpy(), dtype=np.float32)
    return array
