"""What became of a NIR graph: everything renamed, folded, quantised or assumed on the way to a network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Change:
    """One thing that is not word for word as in the graph.

    `kind` is "assumed", "delayed", "folded", "metadata", "quantised", "renamed", "shifted", "spread" or
    "warning".
    """

    node: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind:<10}  {self.node}: {self.text}"


@dataclass(frozen=True)
class Port:
    """An input or output of the graph: the network's input or population, and its shape in the graph.

    Address k stands for the k-th element of the shape in row-major order.
    """

    name: str
    shape: tuple[int, ...]


@dataclass
class NirReport:
    """How a NIR graph was read, and all that changed on the way.

    Parameters
    ----------
    time_unit, tick_ns, spike, integration, reset : how the graph was read, as given to `from_nir`
    inputs : NIR Input node -> network input and shape
    outputs : NIR Output node -> population to read (record it in the session) and shape
    populations : NIR neuron node -> population
    changes : everything that is not word for word as in the graph, in the order found
    nir_version : the version that wrote the file; "" for a graph in memory
    """

    time_unit: str
    tick_ns: int
    spike: str
    integration: str
    reset: str
    inputs: dict[str, Port] = field(default_factory=dict)
    outputs: dict[str, Port] = field(default_factory=dict)
    populations: dict[str, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    nir_version: str = ""

    @property
    def record(self) -> tuple[str, ...]:
        """Return the populations behind the Outputs, for `Session(network, record=report.record)`."""
        return tuple(dict.fromkeys(port.name for port in self.outputs.values()))

    @property
    def warnings(self) -> list[Change]:
        """Return what is probably a mistake."""
        return [change for change in self.changes if change.kind == "warning"]

    def change(self, node: str, kind: str, text: str) -> None:
        """Note a change."""
        self.changes.append(Change(node, kind, text))

    def lines(self) -> Iterator[str]:
        """Yield the report as lines for people."""
        yield (
            f"read as     times in {self.time_unit}, tick {self.tick_ns} ns, spikes {self.spike}, "
            f"integration {self.integration}, reset {self.reset}"
        )
        for what, ports in (("input", self.inputs), ("output", self.outputs)):
            for node, port in ports.items():
                yield f"{what:<10}  {node}: {port.name!r}, shape {port.shape}"
        yield from map(str, self.changes)

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def describe(self) -> dict[str, Any]:
        """Return the report as a dictionary that JSON can keep."""
        return {
            "time_unit": self.time_unit,
            "tick_ns": self.tick_ns,
            "spike": self.spike,
            "integration": self.integration,
            "reset": self.reset,
            "nir_version": self.nir_version,
            "inputs": {node: {"name": p.name, "shape": list(p.shape)} for node, p in self.inputs.items()},
            "outputs": {node: {"name": p.name, "shape": list(p.shape)} for node, p in self.outputs.items()},
            "populations": dict(self.populations),
            "changes": [{"node": c.node, "kind": c.kind, "text": c.text} for c in self.changes],
        }
