"""The engine's results as tables in Markdown, for the terminal and for the README.

python -m benchmarks.engine_tables     writes them from results/engine.json into README.md beside it
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.engine_result import EngineResult, EntryResult, GroupResult, Judged, Ratio
from benchmarks.pages import renew, table

RESULT = Path(__file__).resolve().parent / "results" / "engine.json"
README = Path(__file__).resolve().parent / "README.md"

# Of what an entry counts, the figures worth a column, as each process calls them.
_FIGURES = (
    ("rate_hz", "spikes/s per neuron"),
    ("hidden_spikes", "hidden spikes"),
    ("hid_spikes", "hidden spikes"),
    ("spikes", "spikes"),
    ("event_p50_us", "one event p50 us"),
    ("stream_us_p50", "one event p50 us"),
    ("event_p99_us", "one event p99 us"),
    ("stream_us_p99", "one event p99 us"),
    ("reset_s", "reset s"),
    ("import_s", "import s"),
    ("import_loads_numba", "numba loaded by the import"),
    ("first_run_s", "first run s"),
    ("first_process_s", "first process ever s"),
    ("seconds", "median s"),
    ("build_s", "build s"),
    ("peak_mb", "peak MB"),
    ("rss_mb", "peak MB"),
)


def markdown(result: EngineResult) -> str:
    """Return all groups as Markdown, the bars first."""
    parts = [_bars(result), *(_group(group) for group in result.groups)]
    return "\n".join(part for part in parts if part)


def _bars(result: EngineResult) -> str:
    rows: list[list[str]] = []
    for group in result.groups:
        for ratio in group.ratios:
            if ratio.at_most is not None:
                worst = max(ratio.ratio, ratio.per_event or 0.0)
                what = f"{group.title}: {ratio.ours} / {ratio.rival}"
                rows.append([what, f"{worst:.2f}", f"{ratio.at_most:g}", _met(ratio)])
        for judged in group.judged:
            what = f"{group.title}: {judged.entry}, {dict(_FIGURES)[judged.figure]}"
            rows.append([what, _number(judged.value), _number(judged.at_most), _met(judged)])
    if not rows:
        return ""
    return "### Bars\n\n" + table(["what", "measured", "at most", "met"], rows) + "\n"


def _group(group: GroupResult) -> str:
    figures = [
        title
        for title in dict.fromkeys(title for name, title in _FIGURES if name != "seconds")
        if any(_figure(entry, title) is not None for entry in group.entries)
    ]
    rows = [_entry_row(entry, figures) for entry in group.entries]
    head = ["", "runs", "median ms", "lowest..highest", "M events/s", *figures]
    text = f"\n### {group.title}\n\n{group.date}, load {group.load_before} to {group.load_after}.\n\n"
    text += table(head, rows) + "\n"
    if group.ratios:
        fastest = {entry.name: min(entry.seconds) for entry in group.entries if entry.runs}
        ratios = [
            [
                f"{r.ours} / {r.rival}",
                f"{r.ratio:.3g}",
                f"{r.lowest:.3g}..{r.highest:.3g}",
                f"{fastest[r.ours] / fastest[r.rival]:.3g}",
                "" if r.per_event is None else f"{r.per_event:.3g}",
            ]
            for r in group.ratios
        ]
        heads = ["time", "ratio", "lowest..highest", "of the fastest", "per event"]
        text += "\n" + table(heads, ratios) + "\n"
    return text


def _entry_row(entry: EntryResult, figures: Sequence[str]) -> list[str]:
    if not entry.runs:
        return [entry.name, "0", entry.failed or "not run", "", "", *("" for _ in figures)]
    ms = [1e3 * seconds for seconds in entry.seconds]
    per_event = entry.seconds_per_event
    cells = [_number(_figure(entry, title)) for title in figures]
    return [
        entry.name,
        str(len(ms)),
        _number(median(ms)),
        f"{_number(min(ms))}..{_number(max(ms))}" if len(ms) > 1 else "",
        "" if per_event is None else _number(1e-6 / per_event),
        *cells,
    ]


def _figure(entry: EntryResult, title: str) -> float | None:
    values = (entry.figure(name) for name, shown in _FIGURES if shown == title)
    return next((value for value in values if value is not None), None)


def _number(value: float | None) -> str:
    """Return a number with three digits that matter, thousands apart."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _met(judged: Ratio | Judged) -> str:
    return "yes" if judged.met else "**no**"


def main() -> int:
    """Renew the tables in the README from the committed result."""
    result = msgspec.json.decode(RESULT.read_bytes(), type=EngineResult)
    renew(README, "engine", markdown(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
