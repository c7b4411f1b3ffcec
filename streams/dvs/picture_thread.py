"""Pictures read in a thread of their own: a webcam that is silent within its driver cannot be interrupted."""

from collections.abc import Callable, Iterator
from queue import Empty, Queue
from threading import Thread

import numpy as np
from numpy.typing import NDArray

from eventsim.errors import SourceError

Picture = tuple[NDArray[np.uint8], int]
_BACKLOG = 32
"""Pictures kept for a reader that falls behind; what comes then is dropped and counted."""


class PictureThread:
    """Yields what `pictures` yields, and ends with an error when nothing comes for `timeout_s`.

    at_end : called in the thread after the last picture, whether or not anybody still waits for it.
    """

    def __init__(
        self, pictures: Iterator[Picture], at_end: Callable[[], None], name: str, timeout_s: float
    ) -> None:
        self._queue: Queue[Picture | Exception | None] = Queue(_BACKLOG + 1)
        self._pictures, self._at_end = pictures, at_end
        self._name, self._timeout_s = name, timeout_s
        self.dropped = 0
        Thread(target=self._run, name=name, daemon=True).start()

    def __iter__(self) -> Iterator[Picture]:
        """Yield the pictures; raises SourceError when none comes in time, or the thread met one."""
        while True:
            try:
                item = self._queue.get(timeout=self._timeout_s)
            except Empty:
                raise SourceError(
                    f"{self._name}: delivers no picture (waited {self._timeout_s:g} s; unplugged?)"
                ) from None
            if item is None:
                return
            if isinstance(item, Exception):
                raise item
            yield item

    def _run(self) -> None:
        end: Exception | None = None
        try:
            for picture in self._pictures:
                if self._queue.qsize() < _BACKLOG:
                    self._queue.put(picture)
                else:
                    self.dropped += 1
        except Exception as error:
            end = error  # raised again where the pictures are wanted
        finally:
            self._at_end()
            self._queue.put(end)  # one place is always left for it
