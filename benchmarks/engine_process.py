"""The process in which one thing is measured: python -m benchmarks.engine_process CASE, CASE as JSON.

Prints what was measured as one JSON object.
"""

import sys

import msgspec

from benchmarks.start_time import StartCase
from benchmarks.w1_balanced import W1Case
from benchmarks.w2_classifier import W2Case
from benchmarks.w3_sparse import W3Case

Case = W1Case | W2Case | W3Case | StartCase


def main() -> int:
    """Measure the case that the command line describes."""
    case: Case = msgspec.json.decode(sys.argv[1], type=Case)
    print(msgspec.json.encode(case.measure()).decode(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
