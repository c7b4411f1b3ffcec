"""`eventsim hw compare`: the same network and input on several chips, side by side."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

import msgspec
from rich.console import Console

from apps.hw import prepared
from apps.hw_amounts import band_text
from apps.hw_evaluate import evaluate
from apps.hw_inference import Inference
from apps.hw_model import HwModel
from apps.hw_options import HwOptions
from apps.hw_report import headline, print_json
from apps.hw_result import HwResult
from apps.quantities import count_text, share_text
from eventsim.errors import ParameterError, PlacementError
from hwmodels.chip import Chip, chip_names, load_chip


class Refused(msgspec.Struct, frozen=True):
    """A chip that cannot hold or run the network, and why."""

    model: str
    chip: str
    kind: str
    refused: str


def run(arguments: argparse.Namespace) -> int:
    """Compare as the parsed `arguments` say; return the exit code.

    Raises ChipError for a chip that does not exist, EventSimError for model or input.
    """
    chips = [load_chip(name) for name in chosen(arguments.chips)]
    model, _, inferences, options = prepared(arguments)
    results = compare(chips, model, inferences, options)
    if arguments.json:
        for result in results:
            print_json(result)
    else:
        print_comparison(results, Console(highlight=False, soft_wrap=True, markup=False))
    return 0


def chosen(text: str) -> list[str]:
    """Return the chips that a comma-separated text names, each once.

    Raises ParameterError where it names none.

    >>> chosen("loihi, xylo,loihi")
    ['loihi', 'xylo']
    """
    if text.strip() == "all":
        return list(chip_names())
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise ParameterError(f"--chips {text!r}: name chips with commas between them, or all")
    return list(dict.fromkeys(names))


def compare(
    chips: Sequence[Chip], model: HwModel, inferences: Sequence[Inference], options: HwOptions
) -> list[HwResult | Refused]:
    """Return one result per chip, or why it cannot take the network."""
    return [_one(chip, model, inferences, options) for chip in chips]


def _one(
    chip: Chip, model: HwModel, inferences: Sequence[Inference], options: HwOptions
) -> HwResult | Refused:
    try:
        return evaluate(chip, model, inferences, options)[0]
    except (PlacementError, ParameterError) as error:
        return Refused(model.name, chip.name, chip.kind, str(error))


def print_comparison(results: Sequence[HwResult | Refused], console: Console) -> None:
    """Print a line per chip, then what each one leaves out and who cannot take the network."""
    told = [result for result in results if isinstance(result, HwResult)]
    if told:
        first = told[0]
        work = first.work
        console.print(
            f"{first.model}: {first.windows} windows of {first.window_ms:.4g} ms, "
            f"{count_text(work.synaptic_events)} synaptic events each; the dense equivalent is "
            f"{count_text(work.dense_macs)} multiply-accumulates",
            style="bold",
        )
        console.print(_HEAD, style="bold")
        for result in told:
            console.print(_row(result))
    for refused in (result for result in results if isinstance(result, Refused)):
        console.print(f"{refused.chip:<15}{'-':<8}cannot: {refused.refused}", style="red")
    console.print(
        "boundary: what the energy encloses; chips of different boundaries differ in more than circuits. "
        '"+ ?": something that happened has no published energy'
    )
    for line in _left_out(told):
        console.print(line, style="yellow")


_HEAD = (
    f"{'chip':<15}{'boundary':<8}{'per window':>14}{'to decision':>14}{'static':>9}{'time/window':>13}"
    f"{'answer p50':>12}{'cores':>7}  band, per window"
)


def _row(r: HwResult) -> str:
    h = headline(r)
    return (
        f"{r.chip:<15}{r.boundary:<8}{h.per_window:>14}{h.to_decision:>14}{_static(r):>9}{h.on_chip:>13}"
        f"{h.answer:>12}{h.cores:>7}  {band_text(r.energy.total)}"
    ).rstrip()


def _static(r: HwResult) -> str:
    """Return the share of static power, where it is told apart."""
    static, total = r.energy.components.get("static"), r.energy.total.pj
    if static is None or any(line.startswith("static") for line in r.energy.included):
        return "within" if static is not None else "unknown"
    if static.pj is None:
        return "unknown"
    return share_text(static.pj / total) if total else "0 %"


def _left_out(results: Sequence[HwResult]) -> Iterator[str]:
    """Yield what each chip leaves out and its notes, a line that several share once."""
    said: dict[str, list[str]] = {}
    for r in results:
        parts = [line.split(",")[0].split(":")[0] for line in r.energy.left_out]
        without = [f"energy without {', '.join(parts)}"] if parts else []
        for line in (*without, *r.notes):
            said.setdefault(line, []).append(r.chip)
    yield from (f"{', '.join(chips)}: {line}" for line, chips in said.items())
