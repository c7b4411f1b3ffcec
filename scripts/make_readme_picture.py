"""Runs `eventsim kws` and keeps what it printed as docs/kws.svg: `python scripts/make_readme_picture.py`."""

import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 152
PICTURE = Path(__file__).resolve().parent.parent / "docs" / "kws.svg"


def main() -> None:
    """Write the picture; the clip is played whatever microphone the machine has."""
    environment = os.environ | {"FORCE_COLOR": "1", "COLUMNS": str(COLUMNS)}
    clip = subprocess.run(
        [sys.executable, "-m", "apps.main", "kws", "--clip"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    console = Console(record=True, width=COLUMNS, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(Text.from_ansi("$ eventsim kws\n" + clip.stdout), soft_wrap=False)
    console.save_svg(str(PICTURE), title="eventsim kws")
    print(f"wrote {PICTURE}")


if __name__ == "__main__":
    main()
