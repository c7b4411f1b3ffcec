"""What the README promises can be typed as it stands."""

import contextlib
import io
import re
from pathlib import Path

README = (Path(__file__).parent.parent.parent / "README.md").read_text()
SET_UP = "python3 -m venv .venv && .venv/bin/pip install -q -e "


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_there_are_exactly_two_set_up_commands() -> None:
    commands = [line for block in blocks("sh") for line in block.splitlines() if "-m venv" in line]
    assert commands == [
        SET_UP + ". && .venv/bin/eventsim kws",
        SET_UP + "'.[test]' && .venv/bin/pytest",
    ]


def test_the_example_prints_what_it_says() -> None:
    (example,) = blocks("python")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(example, "README.md", "exec"), {})
    assert printed.getvalue() == example.rstrip().splitlines()[-1].removeprefix("# ") + "\n"
