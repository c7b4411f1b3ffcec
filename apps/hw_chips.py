"""`eventsim hw chips`: the chips there are, and one chip with every constant, its source, status and band."""

from __future__ import annotations

import argparse
import json

import msgspec
from rich.console import Console

from apps.quantities import energy_text
from hwmodels.chip import Chip, Constant, chip_names, load_chip


def run(arguments: argparse.Namespace) -> int:
    """List the chips, or show the one that the parsed `arguments` name; return the exit code.

    Raises ChipError where there is no such chip, or its file is wrong.
    """
    console = Console(highlight=False, soft_wrap=True, markup=False)
    if arguments.name is None:
        chips = [load_chip(name) for name in chip_names()]
        if arguments.json:
            print(json.dumps([_summary(chip) for chip in chips]))  # noqa: T201
        else:
            _print_list(chips, console)
        return 0
    chip = load_chip(arguments.name)
    if arguments.json:
        print(msgspec.json.encode(chip).decode())  # noqa: T201
    else:
        _print_chip(chip, console)
    return 0


def _summary(chip: Chip) -> dict[str, object]:
    constants = [constant for _, constant in chip.constants()]
    return {
        "name": chip.name,
        "title": chip.title,
        "kind": chip.kind,
        "boundary": chip.boundary,
        "cores": chip.n_cores if chip.kind == "mesh" else None,
        "neurons": _neurons(chip),
        "known": sum(constant.known for constant in constants),
        "unknown": sum(not constant.known for constant in constants),
    }


def _neurons(chip: Chip) -> int | None:
    """Return how many neurons fit at most; None where that is unknown."""
    if chip.kind != "mesh" or chip.limits.neurons_per_core is None:
        return None
    return chip.n_cores * chip.limits.neurons_per_core


def _print_list(chips: list[Chip], console: Console) -> None:
    head = f"{'chip':<15}{'kind':<8}{'boundary':<10}{'cores':>7}{'neurons':>10}{'synaptic event':>16}"
    console.print(f"{head}{'known':>7}{'unknown':>9}  title", style="bold")
    for chip in chips:
        told = _summary(chip)
        cores, neurons = told["cores"], told["neurons"]
        console.print(
            f"{chip.name:<15}{chip.kind:<8}{chip.boundary:<10}{_or_dash(cores):>7}{_or_dash(neurons):>10}"
            f"{_per_event(chip):>16}{told['known']:>7}{told['unknown']:>9}  {chip.title}"
        )
    console.print(
        "eventsim hw chips NAME shows every constant with its source; what they mean: docs/chips.md"
    )


def _or_dash(number: object) -> str:
    return "-" if number is None else str(number)


def _per_event(chip: Chip) -> str:
    """Return the energy of one synaptic event, or of one multiply-accumulate of a conventional chip."""
    if chip.operations is not None:
        return energy_text(chip.operations.synapse.energy_pj.value)
    return energy_text(chip.macs.energy_per_mac_pj.value) + " (MAC)" if chip.macs is not None else "-"


def _print_chip(chip: Chip, console: Console) -> None:
    console.print(f"{chip.name}: {chip.title}; kind {chip.kind}, boundary {chip.boundary}", style="bold")
    if chip.note:
        console.print(chip.note)
    if chip.synchronisation is not None:
        note = f"; {chip.synchronisation.note}" if chip.synchronisation.note else ""
        console.print(f"synchronisation: {chip.synchronisation.mode}{note}")
    keys = [key for key, _ in chip.constants()]
    width = max(map(len, keys)) + 2
    console.print(f"{'key':<{width}}{'value':>12}  {'band':<18}{'status':<11}source", style="bold")
    for key, constant in chip.constants():
        console.print(_row(key, constant, width), style=None if constant.known else "dim")
    console.print("sources", style="bold")
    for key, source in chip.sources.items():
        note = f" ({source.note})" if source.note else ""
        console.print(f"  {key}: {source.citation}; seen {source.seen}{note}")


def _row(key: str, constant: Constant, width: int) -> str:
    low, high = constant.band
    value = "unknown" if constant.value is None else f"{constant.value:.6g}"
    differs = constant.value is not None and (low, high) != (constant.value, constant.value)
    band = f"{low:.6g} to {high:.6g}" if differs else ""
    holds = f"; includes {', '.join(constant.includes)}" if constant.includes else ""
    note = f"; {constant.note}" if constant.note else ""
    return f"{key:<{width}}{value:>12}  {band:<18}{constant.status:<11}{constant.source}{holds}{note}".rstrip(
        " ;"
    )
