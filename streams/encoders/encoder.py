"""What every encoder of sound offers: samples in, events out, the same however the sound was cut."""

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eventsim.events import Events


class Encoder(Protocol):
    """Turns a mono stream into events, causally, and the same events however it was cut into blocks.

    The sound of sample i is in at its end, (i + 1) / rate_hz after the start; an event tells of that sound
    and is never earlier.
    """

    @property
    def kind(self) -> str:
        """Name in the registry."""
        ...

    @property
    def rate_hz(self) -> int:
        """Samples per second expected."""
        ...

    @property
    def n_addresses(self) -> int:
        """Number of event addresses."""
        ...

    @property
    def tick_ns(self) -> int:
        """Distance in ns of the grid all events lie on, counted from the start."""
        ...

    @property
    def horizon_ns(self) -> int:
        """No later event will be earlier than this time (ns): a simulator may advance to it."""
        ...

    def reset(self, start_ns: int = 0) -> None:
        """Forget all sound; the next sample is heard at `start_ns`."""
        ...

    def push(self, samples: NDArray[np.float32]) -> Events:
        """Return the events completed by `samples` (float32[n], -1..1), in order of time and address.

        Raises EventError when a sample is not finite; the encoder is then as before.
        """
        ...

    def describe(self) -> dict[str, Any]:
        """Return kind and configuration as plain values, for a model bundle or a report."""
        ...
