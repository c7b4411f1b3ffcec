"""docs/models.md names every model and its example runs."""

import re
from pathlib import Path

from eventsim.models import MODELS
from eventsim.session import Session

PAGE = (Path(__file__).parent.parent.parent / "docs" / "models.md").read_text()


def test_every_model_has_its_section():
    sections = re.findall(r"^## (\w+)$", PAGE, flags=re.MULTILINE)
    assert sorted(sections) == sorted(model.__name__ for model in MODELS.values())
    for name in sections:
        assert f"[`{name}`](#{name.lower()})" in PAGE


def test_its_example_runs():
    (example,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    names = {}
    exec(compile(example, "models.md", "exec"), names)
    session = Session(names["net"], record=["cells"])
    session.push_event("x", 0, 3, 2.0)
    session.advance(10**9)
    assert session.counters.spikes["cells"] > 0
