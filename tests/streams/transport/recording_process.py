"""Records sound for ever, until it is killed: python -m tests.streams.transport.recording_process PATH."""

import itertools
import sys

from streams.recording import RecordingWriter
from tests.streams.transport.generated_blocks import sound


def main(path: str) -> None:
    with RecordingWriter(path, "s") as writer:
        for number in itertools.count():
            writer.send(sound(number * 1600, 1600))
            if number == 20:
                sys.stdout.write("recording\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
