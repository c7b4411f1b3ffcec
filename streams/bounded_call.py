"""A call into a library that may hang, given up after a time."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

Result = TypeVar("Result")


class CallHangs(Exception):  # noqa: N818  (what happened, not an error of ours)
    """The call had not returned in time; it still runs, in a thread that does not keep the process alive."""


def bounded_call(call: Callable[[], Result], seconds: float) -> Result:
    """Return what `call` returns, or raise what it raises; raise CallHangs when `seconds` are over first.

    >>> bounded_call(lambda: 2 + 3, seconds=10.0)
    5
    """
    ended: SimpleQueue[tuple[Result | None, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            ended.put((call(), None))
        except BaseException as error:
            ended.put((None, error))

    threading.Thread(target=run, daemon=True, name="bounded call").start()
    try:
        result, error = ended.get(timeout=seconds)
    except Empty:
        raise CallHangs from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]
