"""House rules that no linter knows."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("eventsim", "streams", "hwmodels", "apps")
TOP = (*PACKAGES, "tests", "scripts", "benchmarks", "docs", ".ci")
MAX_LINES = 500


def project_files() -> list[Path]:
    """Return the files git knows; outside a checkout, those in the project's own folders."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        paths = [path for top in TOP for path in (ROOT / top).rglob("*") if "__pycache__" not in path.parts]
        paths += ROOT.glob("*")
    return [path for path in paths if path.is_file()]


FILES = project_files()
SOURCES = [path for path in FILES if path.suffix == ".py"]
OURS = [path for path in SOURCES if path.relative_to(ROOT).parts[0] in PACKAGES]


def text_of(path: Path) -> str:
    """Return the text of a file, or nothing for a binary one."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_there_is_something_to_check() -> None:
    assert {"eventsim/__init__.py", "pyproject.toml"} <= {short(path) for path in FILES}
    assert len(OURS) > 20


def test_no_file_is_named_after_nothing() -> None:
    empty_names = {"utils", "util", "helpers", "helper", "common", "misc"}
    parts = {part.removesuffix(".py").strip("_") for path in SOURCES for part in Path(short(path)).parts}
    assert not parts & empty_names


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_no_file_is_too_long(path: Path) -> None:
    assert len(text_of(path).splitlines()) <= MAX_LINES


COMPILERS = {"njit", "jit", "vectorize", "guvectorize", "jitclass", "stencil", "cfunc", "generated_jit"}


def compiler_faults(tree: ast.Module) -> Iterator[str]:
    """Yield what is wrong with each use of a Numba compiler: only njit(cache=True, nogil=True) is right.

    A part without a Python wrapper can only be called by kernels, and is cached inside each of them.
    """
    called = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            name = node.id
        elif isinstance(node, ast.Attribute):
            name = node.attr
        else:
            continue
        if name not in COMPILERS:
            continue
        call = called.get(id(node))
        keywords = {k.arg: ast.unparse(k.value) for k in call.keywords} if call else {}
        if name != "njit":
            yield f"line {node.lineno}: {name} is not used here"
        elif "True" not in (keywords.get("cache"), keywords.get("no_cpython_wrapper")):
            yield f"line {node.lineno}: njit must state cache=True"
        elif keywords.get("nogil") != "True":
            yield f"line {node.lineno}: njit must state nogil=True"
        elif {"fastmath", "parallel"} & keywords.keys():
            yield f"line {node.lineno}: neither fastmath nor parallel: results must be the same bits"
        elif call and any(isinstance(a, ast.Constant | ast.List) for a in call.args):
            yield f"line {node.lineno}: an explicit signature compiles at import"


@pytest.mark.parametrize("path", OURS, ids=short)
def test_every_kernel_is_cached_and_releases_the_lock(path: Path) -> None:
    assert list(compiler_faults(ast.parse(text_of(path)))) == []


@pytest.mark.parametrize(
    ("text", "n_faults"),
    [
        ("@njit(cache=True, nogil=True)\ndef f(): pass", 0),
        ("@numba.njit(cache=True, nogil=True, inline='always')\ndef f(): pass", 0),
        ("f = njit(cache=True, nogil=True)(g)", 0),
        ("f = njit(nogil=True, no_cpython_wrapper=True)(g)", 0),
        ("f = njit(no_cpython_wrapper=True)(g)", 1),
        ("@njit\ndef f(): pass", 1),
        ("@njit(cache=True)\ndef f(): pass", 1),
        ("@njit(cache=True, nogil=False)\ndef f(): pass", 1),
        ("@njit(cache=True, nogil=True, fastmath=True)\ndef f(): pass", 1),
        ("@njit('f8(f8)', cache=True, nogil=True)\ndef f(): pass", 1),
        ("@numba.jit(cache=True, nogil=True)\ndef f(): pass", 1),
        ("@jitclass(spec)\nclass F: pass", 1),
    ],
)
def test_the_check_of_kernels_finds_faults(text: str, n_faults: int) -> None:
    assert len(list(compiler_faults(ast.parse(text)))) == n_faults


# Written in pieces, or this file would be found too.
MACHINE_PATH = re.compile(
    r"(?<![\w.$}~/-])/" + r"(?:work|home|root|Users|mnt|media|opt|usr/local)" + r"/[\w.]"
)
REGISTRY = re.compile("py" + r"pi\.org/simple|--(?:extra-)?index" + "-url|files\\.python" + "hosted")


@pytest.mark.parametrize("path", FILES, ids=short)
def test_no_path_of_a_machine_and_no_registry(path: Path) -> None:
    text = text_of(path)
    assert MACHINE_PATH.findall(text) == []
    assert REGISTRY.findall(text) == []


def test_the_check_of_paths_finds_paths() -> None:
    for where in ("home/someone", "work/x", "Users/x/y"):
        assert MACHINE_PATH.search(f"open('/{where}')")
    assert not MACHINE_PATH.search("see https://example.org/home/index and ../home/x and a/Users/b")


def test_no_lock_file() -> None:
    locks = {"uv.lock", "pylock.toml", "package-lock.json", "yarn.lock"}
    assert [short(path) for path in FILES if path.suffix == ".lock" or path.name in locks] == []


def test_constraints_are_names_and_versions_only() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = [line for line in lines if line and not line.startswith("#")]
    assert [line for line in pinned if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line)] == []
    names = {line.partition("==")[0].lower() for line in pinned}
    assert {"numpy", "numba", "pytest", "hypothesis"} <= names
    assert "torch" not in names


def test_models_and_clips_travel_with_the_package() -> None:
    """Type markers for every package, and nothing under assets that the wheel would leave out."""
    for package in PACKAGES:
        assert (ROOT / package / "py.typed").is_file()
    ignored = (ROOT / ".gitignore").read_text().split()
    assert not [rule for rule in ignored if "assets" in rule]
