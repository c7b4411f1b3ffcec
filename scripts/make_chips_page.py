"""Writes docs/chips.md from the chip files: `python scripts/make_chips_page.py`."""

from pathlib import Path

from hwmodels.chip_page import chips_page

PAGE = Path(__file__).resolve().parent.parent / "docs" / "chips.md"

if __name__ == "__main__":
    PAGE.write_text(chips_page(), encoding="utf-8")
    print(PAGE)
