"""A program of its own that reads one AEDAT4 file with faery: `python -P faery_reader.py FILE`.

Imports nothing of the package. Each answer on standard output is two little-endian int64, the lengths of what
follows: a JSON header and the events as packed records (t uint64, x uint16, y uint16, on bool). The first is
`{"track", "width", "height"}`, then one per packet of the file, `{"track"}`, then `{"end"}`; or `{"error"}`.
"""

import contextlib
import json
import os
import struct
import sys
from typing import Any, BinaryIO

MEMORY_BYTES = 4 << 30
"""Address space of this process: a damaged size ends it, not the machine."""

FRAME = struct.Struct("<qq")
RECORD = (("t", "<u8"), ("x", "<u2"), ("y", "<u2"), ("on", "?"))


def answer(out: BinaryIO, head: dict[str, Any], payload: bytes = b"") -> None:
    """Write one framed answer."""
    text = json.dumps(head).encode()
    out.write(FRAME.pack(len(text), len(payload)))
    out.write(text)
    out.write(payload)
    out.flush()


def packets(path: str, out: BinaryIO) -> None:
    """Answer with the first event stream's sensor, then with every packet."""
    import faery
    import numpy as np

    kind = np.dtype(list(RECORD))
    with faery.aedat.Decoder(path) as decoder:
        tracks = [track for track in decoder.tracks() if track.data_type == "events"]
        if not tracks or not tracks[0].dimensions:
            answer(out, {"error": "it names no stream of events"})
            return
        chosen = tracks[0]
        answer(out, {"track": chosen.id, "width": chosen.dimensions[0], "height": chosen.dimensions[1]})
        for track, content in decoder:
            payload = b""
            if track.id == chosen.id:
                plain = content.dtype.itemsize == kind.itemsize and content.dtype.names == kind.names
                # Titles apart the library's records are ours: no copy of each field is needed.
                payload = content.tobytes() if plain else _packed(content, kind).tobytes()
            answer(out, {"track": track.id}, payload)
    answer(out, {"end": True})


def _packed(content: Any, kind: Any) -> Any:
    import numpy as np

    records = np.empty(len(content), kind)
    for name in kind.names:
        records[name] = content[name]
    return records


def main() -> int:
    """Read the file named on the command line."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with os.fdopen(os.dup(1), "wb") as out:
        try:
            packets(sys.argv[1], out)
        except BrokenPipeError:
            return 0
        except BaseException as error:
            # Panics of the library arrive as BaseException.
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            answer(out, {"error": "".join(c if c.isprintable() else "?" for c in reason)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
