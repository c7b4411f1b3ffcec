"""Where a stream of another program comes from, and how it is received."""

from dataclasses import dataclass
from pathlib import Path

from eventsim.errors import ParameterError
from streams.subscriber import Subscriber


@dataclass(frozen=True, slots=True)
class ReceivingOptions:
    """What a person chooses; the options of the command line say more."""

    address: str
    stream: str | None
    lossless: bool
    keys: Path | None
    server_key: Path | None
    timeout_s: float

    def subscriber(self) -> Subscriber:
        """Return a subscriber to the stream; whoever asks for it closes it.

        Raises SourceError or ParameterError, one line, for an address, a name or a key that will not do.
        """
        if (self.keys is None) != (self.server_key is None):
            raise ParameterError(
                "--keys and --server-key go together: one's own secret key, the sender's public key"
            )
        return Subscriber(
            self.address,
            self.stream,
            mode="lossless" if self.lossless else "live",
            keys=self.keys,
            server_key=self.server_key,
            timeout_s=self.timeout_s,
        )
