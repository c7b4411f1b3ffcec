"""`place`: a network's neurons on a chip's cores, or a refusal that says which and by how much."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from eventsim import Network
from eventsim.errors import ParameterError, PlacementError
from hwmodels.chip import chip_names, load_chip
from hwmodels.chip_schema import Chip
from hwmodels.core_loads import core_loads
from hwmodels.filling import Filling, balance, core_limits, fill
from hwmodels.hops import arrange, core_traffic, distances, places_near_the_entry
from hwmodels.network_load import NetworkLoad, network_load, spikes_by_source, synaptic_events
from hwmodels.placement import Placement

STRATEGIES = ("fill", "balance", "hops")
DEFAULT_WEIGHT_BITS = 8


def place(
    network: Network,
    chip: Chip,
    strategy: str = "fill",
    *,
    weight_bits: int | None = None,
    storage: str = "smaller",
    spikes: Mapping[str, npt.ArrayLike] | None = None,
    n_cores: int | None = None,
) -> Placement:
    """Return a placement of every neuron within the chip's capacity.

    "fill" fills one core after the other in the network's order; "balance" spreads the synaptic events that
    `spikes` cause over as many cores as "fill" would take, or `n_cores`; "hops" fills, then arranges the
    cores on the mesh so that messages travel few hops. A population may lie on several cores, a core may hold
    several populations. Inputs and sources take no core. The same arguments give the same placement.

    Parameters
    ----------
    network : Network
        Of which every population is placed.
    chip : Chip
        Of kind "mesh".
    strategy : str
        "fill", "balance" or "hops".
    weight_bits : int, bits
        Width at which weights are held; left out, 8 or the nearest the chip allows.
    storage : str
        How synapses are held (`network_load`).
    spikes : mapping of str to int[size]
        For inputs, sources and populations by name, how often each address fired; "balance" needs it, "hops"
        takes one spike of each address where it is left out.
    n_cores : int
        Cores to use at most; left out, all of the chip ("balance": as many as "fill" takes).

    Raises
    ------
    PlacementError
        if the network does not fit; the line names the population, the numbers, and the smallest chip of
        the package that would hold it.
    ParameterError
        if an option is not allowed or the activity doesn't belong to the network.
    """
    if strategy not in STRATEGIES:
        raise ParameterError(f"strategy must be one of {', '.join(STRATEGIES)}, got {strategy!r}")
    if strategy == "balance" and spikes is None:
        raise ParameterError('strategy "balance" wants spikes: how often each address fired')
    if chip.kind != "mesh":
        raise PlacementError(f"chip {chip.name!r} is of kind {chip.kind!r}: only a mesh takes a placement")
    load = network_load(network, _allowed_bits(chip, weight_bits), storage)
    cores = _cores_to_use(chip, n_cores)
    _refuse_single_neurons(load, chip)
    filling = fill(load, chip.limits, cores)
    if not filling.complete:
        raise PlacementError(_too_large(load, chip, cores, filling))
    core_of = filling.core_of
    if strategy == "balance":
        taken = cores if n_cores is not None else int(core_of.max(initial=0)) + 1
        core_of = balance(load, chip.limits, taken, synaptic_events(load, spikes or {})).core_of
    if strategy == "hops":
        fired = np.ones(load.n_sources, np.int64) if spikes is None else spikes_by_source(load, spikes)
        offered = places_near_the_entry(chip, int(core_of.max(initial=0)) + 1, cores)
        traffic = core_traffic(load, core_of, fired, offered.size)
        core_of = offered[arrange(traffic, distances(chip, offered, offered))][core_of].astype(np.int32)
    by_name = {name: part.astype(np.int32) for name, part in load.split(core_of).items()}
    return Placement(chip, by_name, strategy, core_loads(load, core_of, chip.n_cores))


def holds(chip: Chip, network: Network, storage: str = "smaller") -> bool:
    """Return whether "fill" finds a place for every neuron of a network."""
    try:
        place(network, chip, storage=storage)
    except PlacementError:
        return False
    return True


def _allowed_bits(chip: Chip, wanted: int | None) -> int:
    least, most = chip.limits.weight_bits_min or 1, chip.limits.weight_bits_max or 64
    if wanted is None:
        return min(max(DEFAULT_WEIGHT_BITS, least), most)
    if isinstance(wanted, int) and not least <= wanted <= most:
        raise PlacementError(f"weights of {wanted} bits: {chip.name} holds {least} to {most} bits")
    return wanted


def _cores_to_use(chip: Chip, n_cores: int | None) -> int:
    if n_cores is None:
        return chip.n_cores
    if isinstance(n_cores, bool) or not isinstance(n_cores, int) or not 1 <= n_cores <= chip.n_cores:
        raise ParameterError(
            f"n_cores must be a whole number from 1 to {chip.n_cores} ({chip.name}), got {n_cores!r}"
        )
    return n_cores


def _neuron_faults(load: NetworkLoad, chip: Chip) -> list[tuple[int, str]]:
    """Return for each limit that one neuron alone exceeds: the worst neuron, and what it needs."""
    limits, caps = chip.limits, core_limits(chip.limits)
    fan_in_limit = limits.fan_in_per_neuron
    demands = [
        (load.fan_in(), int(caps[1]), "distinct sources", "axons in of a core"),
        (load.synapses, int(caps[3]), "synapses", "synapses of a core"),
        (load.memory_bits, int(caps[4]), "bits of synapses", "bits of a core's synapse memory"),
    ]
    if fan_in_limit is not None:
        demands.insert(0, (load.fan_in(), fan_in_limit, "distinct sources", "sources of a neuron"))
    found = []
    for needs, limit, what, of in demands:
        if needs.size and int(needs.max()) > limit:
            worst = int(needs.argmax())
            found.append((worst, f"has {int(needs[worst])} {what}, more than the {limit} {of}"))
    return found


def _refuse_single_neurons(load: NetworkLoad, chip: Chip) -> None:
    for neuron, what in _neuron_faults(load, chip):
        name, address = load.name_of(neuron)
        raise PlacementError(
            f"population {name!r}: neuron {address} {what} on {chip.name}; {_smallest(load, chip)}"
        )


def _too_large(load: NetworkLoad, chip: Chip, cores: int, filling: Filling) -> str:
    name, address = load.name_of(filling.failed)
    size = load.network.populations[name].size
    if filling.reason == "axons out":
        return (
            f"population {name!r}: neuron {address} sits on a core that would need more than the "
            f"{chip.limits.axons_out_per_core} axons out of {chip.name}; {_smallest(load, chip)}"
        )
    needed = fill(load, chip.limits, load.n_neurons)
    wants = f"it needs {int(needed.core_of.max()) + 1}, " if needed.complete else ""
    return (
        f"population {name!r}: {size - address} of {size} neurons find no core: the network fills all "
        f"{cores} cores of {chip.name} ({wants}limit reached: {filling.reason} per core); "
        f"{_smallest(load, chip)}"
    )


def _smallest(load: NetworkLoad, refused: Chip) -> str:
    """Return which chip of the package would hold the network, the fewest neurons first.

    Chips whose number of neurons is unknown are passed over: they would hold anything.
    """
    sized = []
    for name in chip_names():
        chip = load_chip(name)
        if chip.kind == "mesh" and name != refused.name and chip.limits.neurons_per_core is not None:
            sized.append((chip.n_cores * chip.limits.neurons_per_core, name, chip))
    for _, name, chip in sorted(sized, key=lambda entry: entry[:2]):
        bits = _allowed_bits(chip, None)
        held = load if bits == load.weight_bits else network_load(load.network, bits, load.storage)
        if not _neuron_faults(held, chip) and fill(held, chip.limits, chip.n_cores).complete:
            return f"the smallest listed chip that would hold it is {name} (weights of {bits} bits)"
    return "no listed chip of known size would hold it"
