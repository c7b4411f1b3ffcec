"""The floors of the house: who may import whom, and what must not be loaded just to say hello."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parent.parent
HEAVY = {"numba", "torch", "scipy", "matplotlib", "numpy", "sounddevice", "soundfile", "zmq"}


def test_the_import_contracts_hold(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == 0, capsys.readouterr().out


def imports_at_load(tree: ast.Module) -> set[str]:
    """Return what a module imports as soon as it is loaded: not in functions, not for type checkers."""
    found: set[str] = set()
    nodes: list[ast.AST] = list(tree.body)
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(str(node.module))
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            nodes += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            nodes += ast.iter_child_nodes(node)
    return found


def test_what_counts_as_an_import_at_load() -> None:
    text = (
        "import a\nif TYPE_CHECKING:\n    import b\nelse:\n    import c\n"
        "class K:\n    from d import e\ndef f():\n    import g\n"
    )
    assert imports_at_load(ast.parse(text)) == {"a", "c", "d", "d.e"}


@pytest.mark.parametrize("path", sorted((ROOT / "apps").rglob("*.py")), ids=lambda p: p.name)
def test_apps_import_learning_only_when_needed(path: Path) -> None:
    loaded = imports_at_load(ast.parse(path.read_text()))
    assert not {name for name in loaded if name.startswith(("eventsim.learning", "torch"))}


def modules_after(program: str) -> set[str]:
    """Return the top-level modules loaded by a fresh interpreter that ran `program`."""
    report = "import sys; print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\n{report}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


def test_importing_eventsim_loads_nothing_heavy() -> None:
    assert not modules_after("import eventsim") & HEAVY


@pytest.mark.parametrize("command", [[], ["kws"], ["stream"], ["listen"], ["devices"], ["keys"]])
def test_the_help_of_the_command_loads_nothing_heavy(command: list[str]) -> None:
    program = (
        "from apps.main import main\n"
        f"try:\n    status = main({[*command, '--help']!r})\n"
        "except SystemExit as end:\n    status = end.code\n"
        "assert not status, status"
    )
    assert not modules_after(program) & HEAVY


def test_sending_sound_and_listening_load_no_compiler() -> None:
    """A small computer that only sends its microphone starts in a moment."""
    assert not modules_after("import apps.stream, apps.listen, apps.sound_choice") & {"numba", "torch"}


def test_the_check_would_see_a_heavy_import() -> None:
    assert modules_after("import eventsim; eventsim.Network") & HEAVY >= {"numba", "numpy"}


def test_importing_eventsim_takes_less_than_150_ms() -> None:
    program = "import time; start = time.perf_counter(); import eventsim; print(time.perf_counter() - start)"
    costs_s = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
        costs_s.append(float(done.stdout))
    assert min(costs_s) < 0.15
