"""The network whose cost is asked for: a bundle, a network file, a NIR file, the published ECG arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.check import kind_of, read_nir
from apps.ecg_checkpoint import EcgCheckpoint, load_checkpoint
from apps.keyword_model import KeywordModel, keyword_model, load_keyword_model
from eventsim import load_bundle
from eventsim.bundle import Bundle
from eventsim.decisions import Rule, rule_from
from eventsim.decisions.end_of_input import EndOfInput
from eventsim.errors import BundleError, ParameterError
from eventsim.network import Network

SHIPPED = "kws"


@dataclass(frozen=True, slots=True, eq=False)
class HwModel:
    """A network, and what is known of how it is used.

    name : for messages; network : what is placed and run.
    labels, decision : of a bundle, empty where there is no rule.
    keyword : the bundle as a keyword model, where it is one; ecg : the published arrays, where given.
    """

    name: str
    network: Network
    labels: tuple[str, ...] = ()
    decision: Mapping[str, Any] = field(default_factory=dict)
    keyword: KeywordModel | None = None
    ecg: EcgCheckpoint | None = None

    @property
    def output_name(self) -> str | None:
        """The output population with a neuron per label, None where there are no labels."""
        if self.keyword is not None:
            return self.keyword.output_name
        sizes = {name: self.network.populations[name].size for name in self.network.outputs}
        return next((name for name, size in sizes.items() if self.labels and size == len(self.labels)), None)

    def rule(self, threshold: float | None = None, full: bool = False) -> Rule | None:
        """Return a fresh decision rule, None where the model has none.

        Raises ParameterError for a threshold where there is no rule with one.
        """
        if self.output_name is None or not self.decision:
            if threshold is not None:
                raise ParameterError(f"{self.name}: has no decision rule, so that a threshold has no meaning")
            return None
        if full:
            return EndOfInput(len(self.labels), float(self.decision.get("scale", 1.0)))
        return rule_from(self.decision, len(self.labels), threshold)


def load_hw_model(model: str = SHIPPED, **nir: Any) -> HwModel:
    """Return the model a person names: "kws" for the one of the package, or a file.

    A file is a bundle or a network alone (.esb), a NIR file (then `nir` says how it is meant, as `from_nir`
    takes it), or the arrays of the published ECG network (.npz).

    Raises BundleError, DataError or NirError, one line that names the file.
    """
    if model == SHIPPED:
        return _of_keyword(load_keyword_model(), SHIPPED)
    path = Path(model)
    if path.suffix == ".npz":
        checkpoint = load_checkpoint(path)
        return HwModel(path.name, checkpoint.network(), ecg=checkpoint)
    if kind_of(path) == "nir":
        return HwModel(path.name, read_nir(path, **nir).network)
    return hw_model_of(load_bundle(path), path.name)


def hw_model_of(bundle: Bundle, name: str) -> HwModel:
    """Return a bundle as a model: a keyword model where it is one."""
    try:
        return _of_keyword(keyword_model(bundle, name), name)
    except BundleError:
        return HwModel(name, bundle.network, bundle.labels, bundle.decision)


def _of_keyword(model: KeywordModel, name: str) -> HwModel:
    bundle = model.bundle
    return HwModel(name, bundle.network, bundle.labels, bundle.decision, model)
