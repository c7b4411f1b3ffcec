"""The decision rules by the name they carry in a model file."""

from collections.abc import Mapping
from typing import Any

from eventsim.decisions.end_of_input import EndOfInput
from eventsim.decisions.first_to_fire import FirstToFire
from eventsim.decisions.fixed_time import FixedTime
from eventsim.decisions.rank_order import RankOrder
from eventsim.decisions.rule import Rule
from eventsim.decisions.softmax_threshold import SoftmaxThreshold
from eventsim.errors import ParameterError

# kind: (class, parameters it needs, parameters it may have)
_KINDS: dict[str, tuple[type[Any], tuple[str, ...], tuple[str, ...]]] = {
    "softmax-threshold": (SoftmaxThreshold, ("threshold",), ("scale",)),
    "end-of-input": (EndOfInput, (), ("scale",)),
    "first-to-fire": (FirstToFire, (), ()),
    "rank-order": (RankOrder, ("k",), ()),
    "fixed-time": (FixedTime, ("time_ns",), ("scale",)),
}


def rule_from(decision: Mapping[str, object], n_outputs: int, threshold: float | None = None) -> Rule:
    """Return the rule that a model file's `decision` entry describes.

    Parameters
    ----------
    decision : mapping
        `kind` and the rule's parameters, such as
        `{"kind": "softmax-threshold", "threshold": 0.9, "scale": 1.0}`.
    n_outputs : int
        Number of output neurons.
    threshold : float, optional
        Takes the place of the entry's threshold.

    Raises
    ------
    ParameterError
        The kind is unknown, a parameter is missing, unknown or outside what is allowed, or a threshold is
        given for a rule that has none.

    Examples
    --------
    >>> rule_from({"kind": "softmax-threshold", "threshold": 0.9}, n_outputs=12, threshold=0.5).threshold
    0.5
    """
    kind = decision.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ParameterError(f"decision rule {kind!r} does not exist: allowed are {', '.join(_KINDS)}")
    rule, needed, optional = _KINDS[kind]
    parameters = {name: value for name, value in decision.items() if name != "kind"}
    if threshold is not None:
        if "threshold" not in needed:
            raise ParameterError(f"decision rule {kind!r} has no threshold to set")
        parameters["threshold"] = threshold
    for name in needed:
        if name not in parameters:
            raise ParameterError(f"decision rule {kind!r} needs {name!r}")
    for name in parameters:
        if name not in needed + optional:
            allowed = ", ".join(needed + optional) or "none"
            raise ParameterError(f"decision rule {kind!r} has no parameter {name!r}: allowed are {allowed}")
    made: Rule = rule(n_outputs, **parameters)
    return made
