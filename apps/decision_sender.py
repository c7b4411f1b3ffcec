"""Sends the decisions of a spotter to other programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from apps.spotter import KeywordDecision, SpotEvent
from eventsim.errors import ParameterError
from streams.decision_block import DecisionBlock, StreamedDecision
from streams.description import Description
from streams.publisher import Publisher

_WAIT_SLICE_S = 0.2


@dataclass(frozen=True, slots=True)
class ToOptions:
    """Where decisions go; the options of the command line say more."""

    addresses: tuple[str, ...]
    name: str = "decisions"
    lossless: bool = False
    keys: Path | None = None
    clients: Path | None = None
    wait_for: int = 0

    def __post_init__(self) -> None:
        if len(self.addresses) > 1 and not self.lossless:
            raise ParameterError("several --to need --to-lossless: live, any number receive from one address")
        if self.clients is not None and self.keys is None:
            raise ParameterError("--to-clients needs --to-keys, the secret key of this sender")


class DecisionSender:
    """Sends what a spotter decides, one message for each block it heard, with or without a decision in it.

    labels : of the model. Ends the stream when it is closed.

    Raises OutputError where an address cannot be used, ParameterError where a key cannot be read.
    """

    def __init__(self, options: ToOptions, labels: Sequence[str]) -> None:
        self._wait_for = options.wait_for
        description = Description(stream_kind="decisions", metadata={"labels": list(labels)})
        self.publisher = Publisher(
            options.addresses,
            options.name,
            mode="lossless" if options.lossless else "live",
            description=description,
            server_keys=options.keys,
            allowed_clients=options.clients,
        )

    def wait(self) -> None:
        """Wait for the receivers that are to be there."""
        while self._wait_for and not self.publisher.wait_for_subscribers(self._wait_for, _WAIT_SLICE_S):
            pass

    def __enter__(self) -> "DecisionSender":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.publisher.__exit__(kind, error, trace)

    def send(self, said: Sequence[SpotEvent], start_ns: int, end_ns: int, origin_ns: int | None) -> None:
        """Send the decisions among what was said of the stream from `start_ns` to `end_ns`."""
        decisions = tuple(_streamed(one) for one in said if isinstance(one, KeywordDecision))
        self.publisher.send(DecisionBlock(decisions, start_ns, max(start_ns, end_ns)), origin_ns)


def _streamed(decision: KeywordDecision) -> StreamedDecision:
    return StreamedDecision(
        decision.label,
        decision.name,
        decision.keyword,
        decision.start_ns,
        decision.decided_ns,
        decision.confidence,
        decision.rank,
        decision.early,
    )
