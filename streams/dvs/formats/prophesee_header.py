"""The text header of Prophesee's .raw and .dat files: lines that start with a percent sign.

Source: Prophesee, OpenEB documentation, "RAW file format" and "DAT file format".
"""

import re
from dataclasses import dataclass

# By the name of the sensor's plug-in, in files from before headers told the geometry.
# Source: Prophesee sensor data sheets: Gen3/Gen3.1 VGA, Gen4/Gen4.1/IMX636 HD, GenX320.
_SENSORS = {
    "gen31": (640, 480),
    "gen3": (640, 480),
    "gen41": (1280, 720),
    "gen4": (1280, 720),
    "imx636": (1280, 720),
    "genx320": (320, 320),
}


@dataclass(frozen=True, slots=True)
class PropheseeHeader:
    """What a header says: `length` bytes in all, `fields` by lower-case name, sensor where it is told."""

    length: int
    fields: dict[str, str]
    sensor: tuple[int, int] | None


def read_header(head: bytes) -> PropheseeHeader:
    r"""Return the header that the first bytes of a file hold, of length 0 where there is none.

    >>> read_header(b"% evt 3.0\n% geometry 640x480\n% end\nxyz")
    PropheseeHeader(length=35, fields={'evt': '3.0', 'geometry': '640x480'}, sensor=(640, 480))
    """
    fields: dict[str, str] = {}
    at = 0
    while head[at : at + 1] == b"%":
        stop = head.find(b"\n", at)
        line = head[at:stop] if stop >= 0 else b""
        # Data may begin with the byte of a percent sign: a header's line is text.
        if not line or not all(32 <= byte < 127 or byte in b"\t\r" for byte in line):
            break
        at = stop + 1
        name, _, value = line[1:].decode("ascii").strip().partition(" ")
        if name.lower() == "end" and not value:
            break
        fields[name.lower()] = value.strip()
    return PropheseeHeader(at, fields, _sensor(fields))


def _sensor(fields: dict[str, str]) -> tuple[int, int] | None:
    options = dict(re.findall(r"(\w+)=(\w+)", fields.get("format", "")))
    size = re.fullmatch(r"(\d+)x(\d+)", fields.get("geometry", ""))
    width, height = size.groups() if size else (None, None)
    width = width or options.get("width") or fields.get("width")
    height = height or options.get("height") or fields.get("height")
    if width and height and width.isdecimal() and height.isdecimal() and len(width + height) < 12:
        return int(width), int(height)
    plugin = re.search(r"gen\w*?\d+|imx\d+", fields.get("plugin_name", "").lower())
    return _SENSORS.get(plugin.group()) if plugin else None


def encoding_of(header: PropheseeHeader) -> str | None:
    """Return "evt2", "evt3", another name the header gives, or None where it gives none."""
    name = header.fields.get("format", "").partition(";")[0].strip().lower()
    if not name and "evt" in header.fields:
        name = f"evt{header.fields['evt']}"
    return name.removesuffix(".0") or None
