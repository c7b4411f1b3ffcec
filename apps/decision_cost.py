"""What a decision of the keyword spotter takes on a chip: the numbers, and how they are told."""

from __future__ import annotations

from dataclasses import dataclass, fields

from apps.quantities import energy_text, time_text
from apps.spotter import KeywordDecision

PJ_PER_MW_S = 1e9


@dataclass(frozen=True, slots=True)
class ChipCost:
    """One window until its decision on a chip that listens live, its static power over real time.

    dynamic_pj : what happened, None where nothing of it is published; low_pj, high_pj : its band.
    static_pj : None where static power is unknown; 0 where another number holds it.
    complete : False where something that happened is not in the dynamic energy, as nobody has published it.
    latency_ns : from the input of the tick that decided to the answer, None where times are unknown.
    """

    name: str
    dynamic_pj: float | None
    low_pj: float | None
    high_pj: float | None
    static_pj: float | None
    complete: bool
    latency_ns: float | None

    def text(self) -> str:
        """Return the cost in a few words.

        >>> ChipCost("loihi", 35e6, 34e6, 50e6, 6e10, False, 50_700.0).text()
        'loihi 35 uJ + ?, static 60 mJ, answer in 50.7 us'
        """
        dynamic = energy_text(self.dynamic_pj, self.complete)
        static = "" if self.static_pj == 0.0 else f", static {energy_text(self.static_pj)}"
        return f"{self.name} {dynamic}{static}, answer in {time_text(self.latency_ns)}"


@dataclass(slots=True)
class ChipTotals:
    """Sums over all decisions. compute_s : CPU time it took to compute them here."""

    name: str
    static_mw: float | None
    decisions: int = 0
    dynamic_pj: float = 0.0
    complete: bool = True
    compute_s: float = 0.0

    def static_pj(self, seconds: float) -> float | None:
        """Return what static power takes in so long, whether anything is heard or not, pJ."""
        return None if self.static_mw is None else self.static_mw * seconds * PJ_PER_MW_S


@dataclass(frozen=True, slots=True)
class CostedDecision(KeywordDecision):
    """A decision, and what its window took on a chip until then."""

    chip: ChipCost

    @classmethod
    def of(cls, decision: KeywordDecision, cost: ChipCost) -> CostedDecision:
        """Return `decision` with its cost."""
        told = {field.name: getattr(decision, field.name) for field in fields(decision)}
        return cls(**told, chip=cost)


def totals_text(totals: ChipTotals, seconds: float) -> str:
    """Return the sums in one line; `seconds` of sound were heard."""
    if not totals.decisions:
        return f"chip: {totals.name}, no decision"
    per_decision = energy_text(totals.dynamic_pj / totals.decisions, totals.complete)
    share = 100 * totals.compute_s / seconds if seconds > 0 else 0.0
    return (
        f"chip: {totals.name}, {per_decision} dynamic per decision of {totals.decisions}; static power "
        f"{energy_text(totals.static_pj(seconds))} in {seconds:.1f} s; computed in "
        f"{1e3 * totals.compute_s / totals.decisions:.1f} ms of CPU per decision, {share:.2f} % of a core"
    )
