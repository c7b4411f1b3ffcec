"""Receives until the end: python -m tests.streams.transport.receiving_process OPTIONS (JSON).

Prints a line at its first block, and at the end the counts as JSON. `pause_s` makes it slow after every
block, `hold` stops it at the first.
"""

import dataclasses
import json
import sys
import time

import numpy as np

from streams.subscriber import Subscriber
from tests.streams.transport.generated_blocks import sound
from tests.streams.transport.publishing_process import tell


def main(options: dict[str, object]) -> None:
    pause_s, hold = float(options.pop("pause_s", 0.0)), bool(options.pop("hold", False))
    right = True
    with Subscriber(**options) as stream:
        for number, received in enumerate(stream):
            block = received.block
            right &= bool(
                np.array_equal(block.samples, sound(block.start_sample, block.samples.size).samples)
            )
            if number == 0:
                tell("first")
            while hold:
                time.sleep(1)
            time.sleep(pause_s)
        tell(json.dumps({**dataclasses.asdict(stream.statistics), "right": right}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
