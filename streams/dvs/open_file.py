"""An event file of any known format as a source of blocks."""

from collections.abc import Callable
from pathlib import Path

from eventsim.errors import ParameterError
from streams.dvs.detect import FORMATS, format_of
from streams.dvs.dvs_file import DvsFile, TimeOrigin
from streams.dvs.formats.aedat4 import Aedat4Decoder
from streams.dvs.formats.csv import CsvDecoder
from streams.dvs.formats.dat import DatDecoder
from streams.dvs.formats.event_stream import EventStreamDecoder
from streams.dvs.formats.evt2 import Evt2Decoder
from streams.dvs.formats.evt3 import Evt3Decoder
from streams.dvs.formats.nmnist import NmnistDecoder
from streams.dvs.formats.npy import NpyDecoder
from streams.dvs.packet import Decoder


def open_dvs_file(
    path: str | Path,
    block_ms: float = 10.0,
    width: int | None = None,
    height: int | None = None,
    *,
    format: str | None = None,
    time_origin: TimeOrigin = "first",
    time_unit_ns: int | None = None,
) -> DvsFile:
    """Return the events of a file as blocks of `block_ms`; see DvsFile.

    format : one of FORMATS; None tells it from the content, or the suffix.
    time_unit_ns : length of one unit of the times in csv and npy; None takes us (csv with decimals: seconds).

    Raises ParameterError for a format that does not exist, SourceError for a file that cannot be read.
    """
    if format is not None and format not in FORMATS:
        raise ParameterError(f"format must be one of {', '.join(FORMATS)}, not {format!r}")
    if time_unit_ns is not None and not 1 <= time_unit_ns <= 10**12:
        raise ParameterError(f"time_unit_ns must lie in 1 to 10**12, not {time_unit_ns}")
    path = Path(path)
    decoder = _decoder(path, format or format_of(path), time_unit_ns)
    return DvsFile(path, decoder, block_ms=block_ms, width=width, height=height, time_origin=time_origin)


def _decoder(path: Path, name: str, time_unit_ns: int | None) -> Decoder:
    if name == "csv":
        return CsvDecoder(path, time_unit_ns)
    if name == "npy":
        return NpyDecoder(path, time_unit_ns or 1_000)
    kinds: dict[str, Callable[[Path], Decoder]] = {
        "aedat4": Aedat4Decoder,
        "evt2": Evt2Decoder,
        "evt3": Evt3Decoder,
        "dat": DatDecoder,
        "es": EventStreamDecoder,
        "nmnist": NmnistDecoder,
    }
    return kinds[name](path)
