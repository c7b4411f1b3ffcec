"""The example of docs/placement.md runs."""

import contextlib
import io
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "placement.md"


def test_the_example_runs() -> None:
    code = PAGE.read_text(encoding="utf-8").partition("```python\n")[2].partition("```")[0]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, str(PAGE), "exec"), {})
    lines = printed.getvalue().splitlines()
    assert lines[0] == "loihi: 2 of 128 cores, 1 of 32 tiles (fill)"
    assert lines[1].startswith("core    0  tile   0 at (0, 0)  hidden 1024; ")
    assert lines[3].startswith("aa.. ....")
    assert any(line.startswith("synapse       1.416e+06 pJ  (1.416e+06 to 2.13e+06)") for line in lines)
