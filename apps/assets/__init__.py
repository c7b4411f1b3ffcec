"""Files that come with the package: the trained model, the embedded clip and its transcript."""

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def default_model() -> Path:
    """Return the path of the keyword model in the package."""
    return _HERE / "kws.esb"


def embedded_clip() -> tuple[Path, Path]:
    """Return the paths of the embedded clip and of its transcript."""
    return _HERE / "clip.flac", _HERE / "clip.json"
