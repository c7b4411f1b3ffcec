"""How every benchmark ends: with an exit code, and with one line where it was refused."""

import sys
from collections.abc import Callable

from apps.main import EXIT_ERROR
from apps.termination import EXIT_INTERRUPTED
from eventsim.errors import EventSimError


def exit_code_of(name: str, work: Callable[[], int]) -> int:
    """Return what `work` returns, 2 after a named error, told in one line, or 130 after Ctrl-C.

    >>> exit_code_of("nothing", lambda: 1)
    1
    """
    try:
        return work()
    except EventSimError as error:
        print(f"{name}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
