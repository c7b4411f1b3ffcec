"""What a `with` statement does with every source."""

from types import TracebackType
from typing import Self


class ClosedAtExit:
    """A source that is closed where its `with` statement ends."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of what the source holds, if anything; may be called more than once."""
