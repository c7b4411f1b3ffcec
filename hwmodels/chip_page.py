"""The page that lists every chip of the package with every constant: docs/chips.md."""

from __future__ import annotations

from hwmodels.chip import chip_names, load_chip
from hwmodels.chip_schema import Chip, Constant

_HEAD = """# Chips

Every constant of every chip file in `hwmodels/chips`. This page is generated: `python
scripts/make_chips_page.py`.

How to read it:

- **Value** is in the unit at the end of the key. *unknown* means that nothing published was found: it is
  left out of every sum, and every report lists it as left out. What a file does not name at all is
  treated likewise.
- **Band** is the span of what sources say where they disagree; sums are given with the band beside the
  value.
- **Status** says how the number came about: *measured* on silicon, *fitted* to measurements, *simulated*
  by its designers, *published* (printed, how it came about is unsaid), *assumed*.
- **Source** is a key of the list under the chip; *seen* says how it was read when the file was written:
  first hand, the abstract alone, quoted in a secondary source, or from memory (then the status is always
  *assumed*).
- **includes**: the number already holds these components. They are not added to it, static power neither.
- A capacity that is unknown or absent does not bind.
- **Boundary** says what the energies enclose. Chips of different boundaries are not to be compared
  without saying so, and an energy per synaptic operation of one paper is not that of another: what it
  holds differs, tenfold and more.
"""

_OWN = """
## A chip file of your own

A chip is a TOML file; `load_chip("mine.toml")` reads it, and every command that takes a chip takes a
path. A wrong file ends in one line that names file, key and what is allowed. The smallest one:

```toml
format = 1
name = "mine"
title = "My chip"
kind = "mesh"
boundary = "core"
technology_nm = { status = "unknown" }
static_power_mw = { value = 0.5, source = "lab", status = "measured" }

[sources.lab]
citation = "Measured in our laboratory, board 3, May 2026"
seen = "first hand"

[capacity]
tiles_x = { value = 2, source = "lab", status = "published" }
tiles_y = { value = 2, source = "lab", status = "published" }
cores_per_tile = { value = 1, source = "lab", status = "published" }
neurons_per_core = { value = 256, source = "lab", status = "published" }

[synchronisation]
mode = "barrier"

[[synchronisation.barrier]]
tiles = 1
latency_ns = { value = 100, source = "lab", status = "measured" }

[operations.synapse]
energy_pj = { value = 5, low = 4, high = 7, source = "lab", status = "measured" }
latency_ns = { value = 10, source = "lab", status = "measured" }

[operations.neuron_update]
energy_pj = { status = "unknown" }
latency_ns = { value = 20, source = "lab", status = "measured", note = "Typical" }
```

Kinds: `mesh` (cores on a mesh; sections capacity, synchronisation, operations, and network with
`link_buffer`), `cycles` (Xylo's cycle model; section cycles) and `macs` (conventional; section macs).
Operations of a mesh: `neuron_access` (every neuron of a core in every tick of a barrier chip),
`neuron_update` (on top of it, a neuron that changed), `spike_out`, `message_out` and `message_in` (per
message, that is per spike and destination core), `hop_x`, `hop_y`, `tile` (within a tile), `synapse` (per
synaptic event) or, where a chip tells them apart, `synapse_dense`, `synapse_sparse` and `synapse_conv`.
The
names follow SANA-FE's: its energy_access_neuron, energy_update_neuron, energy_spike_out,
energy_message_out, energy_message_in and energy_process_spike are `neuron_access`, `neuron_update`,
`spike_out`, `message_out`, `message_in` and `synapse`. The time of
a barrier is linear between the points of its table, and the nearest point's outside.

Every constant is a table with `status` and, unless that is "unknown", `value` and `source`; `low`,
`high`, `includes` and `note` are optional. Numbers run from 0 to 1e12; capacities are whole and at least
1.
"""


def chips_page() -> str:
    """Return the page as Markdown."""
    chips = [load_chip(name) for name in chip_names()]
    overview = ["", "| Chip | Kind | Boundary | Known | Unknown |", "|---|---|---|---|---|"]
    for chip in chips:
        constants = [constant for _, constant in chip.constants()]
        known = sum(constant.known for constant in constants)
        cells = f"[{chip.name}](#{chip.name})", chip.kind, chip.boundary, known, len(constants) - known
        overview.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join([_HEAD.rstrip("\n"), *overview, *map(_section, chips), _OWN.rstrip("\n"), ""])


def _section(chip: Chip) -> str:
    lines = ["", f"## {chip.name}", "", f"{chip.title}. Kind {chip.kind}, boundary {chip.boundary}."]
    if chip.note:
        lines += ["", chip.note]
    if chip.synchronisation is not None:
        note = f" {chip.synchronisation.note}." if chip.synchronisation.note else ""
        lines += ["", f"Synchronisation: {chip.synchronisation.mode}.{note}"]
    if chip.cycles is not None:
        which = "all hidden neurons" if chip.cycles.counts_all_hidden else "hidden neurons with a weight"
        lines += ["", f"The cycle model counts {which} at input and readout."]
    lines += ["", "| Key | Value | Band | Status | Source | Note |", "|---|---|---|---|---|---|"]
    lines += [_row(key, constant) for key, constant in chip.constants()]
    lines.append("")
    for key, source in chip.sources.items():
        note = f" {source.note}." if source.note else ""
        lines.append(f"- `{key}` (seen: {source.seen}): {source.citation}.{note}")
    return "\n".join(lines)


def _row(key: str, constant: Constant) -> str:
    if constant.value is None:
        value = band = ""
    else:
        low, high = constant.band
        value = f"{constant.value:.10g}"
        band = f"{low:.10g} to {high:.10g}" if (low, high) != (constant.value, constant.value) else ""
    note = constant.note
    if constant.includes:
        note = f"**includes {', '.join(constant.includes)}.** {note}"
    cells = (f"`{key}`", value or "*unknown*", band, constant.status, constant.source, note)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
