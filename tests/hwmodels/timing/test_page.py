"""The example of docs/hardware-timing.md runs."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "hardware-timing.md"


def test_the_pages_example_runs(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    exec(compile(code, str(PAGE), "exec"), {})
    total, done, spent = capsys.readouterr().out.split()
    assert int(total) > int(done) > 0
    assert float(spent) > 0
