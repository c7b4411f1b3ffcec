"""Sends sound until told to end: python -m tests.streams.transport.publishing_process OPTIONS (JSON).

Prints its address, then reads one command per line, "send N", "wait N" (for subscribers) or "end", and
answers each with its name and how many blocks were sent.
"""

import json
import sys

from streams.publisher import Publisher
from tests.streams.transport.generated_blocks import sound


def main(options: dict[str, object]) -> None:
    block_samples = int(options.pop("block_samples", 160))
    with Publisher(**options) as out:
        tell(out.address)
        n_sent = 0
        for line in sys.stdin:
            command, _, number = line.strip().partition(" ")
            if command == "end":
                return
            if command == "wait":
                assert out.wait_for_subscribers(int(number), 60.0)
            for _ in range(int(number) if command == "send" else 0):
                out.send(sound(n_sent * block_samples, block_samples))
                n_sent += 1
            tell(f"{command} {n_sent}")


def tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
