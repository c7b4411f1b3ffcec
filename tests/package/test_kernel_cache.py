"""The folder of compiled kernels: another one for other sources or settings, and never too many."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from eventsim import _cache


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("eventsim/models/lif.py", "eventsim/learning/alif.py", "streams/frames.py", "apps/main.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    return tmp_path


def test_any_change_of_a_source_changes_the_hash(tree: Path) -> None:
    source, seen = tree / "eventsim/models/lif.py", [_cache.source_hash(str(tree))]
    stamp = source.stat()
    source.write_text("x = 2\n")  # same size ...
    os.utime(source, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # ... and same time
    seen.append(_cache.source_hash(str(tree)))
    source.rename(tree / "eventsim/models/alif.py")
    seen.append(_cache.source_hash(str(tree)))
    (tree / "streams/new.py").touch()
    seen.append(_cache.source_hash(str(tree)))
    # The same bytes, cut differently into two files.
    (tree / "streams/frames.py").write_text("x =")
    (tree / "streams/new.py").write_text(" 1\n")
    seen.append(_cache.source_hash(str(tree)))
    assert len(set(seen)) == len(seen)


def test_what_holds_no_kernels_does_not_change_the_hash(tree: Path) -> None:
    before = _cache.source_hash(str(tree))
    (tree / "eventsim/learning/alif.py").write_text("x = 2\n")
    (tree / "eventsim/readme.md").write_text("hello")
    (tree / "eventsim/__pycache__").mkdir()
    (tree / "eventsim/__pycache__/left.py").touch()
    os.utime(tree / "apps/main.py", (0, 0))
    assert _cache.source_hash(str(tree)) == before


def test_a_numba_setting_changes_the_hash(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NUMBA_BOUNDSCHECK", raising=False)
    plain = _cache.source_hash(str(tree))
    monkeypatch.setenv("NUMBA_BOUNDSCHECK", "1")
    assert _cache.source_hash(str(tree)) != plain
    monkeypatch.delenv("NUMBA_BOUNDSCHECK")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tree))
    assert _cache.source_hash(str(tree)) == plain


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delitem(sys.modules, "numba.core.config", raising=False)  # this process keeps its folder
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return tmp_path


def test_kernels_go_to_the_users_cache(home: Path) -> None:
    _cache.direct_numba_cache()
    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    assert folder.parent == home / "cache" / "eventsim-kernels"
    assert folder.is_dir()


def test_a_folder_the_user_chose_holds_one_per_state_of_the_sources(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(home / "mine"))
    _cache.direct_numba_cache()
    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    assert folder.parent == home / "mine" / "eventsim-kernels"
    assert folder.name == _cache.source_hash(str(Path(_cache.__file__).parent.parent))
    assert not (home / "cache").exists()


def test_a_chosen_folder_that_cannot_be_written_gives_way(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "mine").write_text("a file where the folder should be")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(home / "mine"))
    _cache.direct_numba_cache()
    assert Path(os.environ["NUMBA_CACHE_DIR"]).parent == home / "cache" / "eventsim-kernels"


@pytest.mark.parametrize("where", ["cache", "mine"])
def test_a_folder_inherited_from_a_parent_process_is_replaced_where_it_was(
    home: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(home / where / "eventsim-kernels" / "0123456789abcdef"))
    _cache.direct_numba_cache()
    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    assert (folder.parent, folder.name != "0123456789abcdef") == (home / where / "eventsim-kernels", True)


def test_without_a_writable_cache_kernels_go_to_a_private_temporary_folder(home: Path) -> None:
    (home / "cache").write_text("a file where the folder should be")
    _cache.direct_numba_cache()
    folder = Path(os.environ["NUMBA_CACHE_DIR"])
    assert folder.parent.parent == home / "temporary" / f"eventsim-{os.getuid()}"
    assert folder.parent.parent.stat().st_mode & 0o077 == 0


def test_a_temporary_folder_that_others_can_write_is_not_trusted(home: Path) -> None:
    (home / "cache").write_text("")
    open_to_all = home / "temporary" / f"eventsim-{os.getuid()}"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    _cache.direct_numba_cache()
    assert "NUMBA_CACHE_DIR" not in os.environ
    open_to_all.rmdir()
    open_to_all.symlink_to(home)
    _cache.direct_numba_cache()
    assert "NUMBA_CACHE_DIR" not in os.environ


def test_folders_of_old_sources_are_removed(home: Path) -> None:
    parent = home / "cache" / "eventsim-kernels"
    now_s = time.time()
    for age_h in range(20):
        (parent / f"{age_h:02}" / "deep").mkdir(parents=True)
        os.utime(parent / f"{age_h:02}", (now_s - 3600 * age_h - 60,) * 2)
    for i in range(15):
        (parent / f"recent{i}").mkdir()
    _cache.direct_numba_cache()
    left = {folder.name for folder in parent.iterdir()}
    ours = Path(os.environ["NUMBA_CACHE_DIR"]).name
    assert left == {ours, "00"} | {f"recent{i}" for i in range(15)}  # in use within the hour: all kept


def test_the_latest_few_are_kept_however_old(home: Path) -> None:
    parent = home / "cache" / "eventsim-kernels"
    for age_d in range(1, 12):
        (parent / f"{age_d:02}").mkdir(parents=True)
        os.utime(parent / f"{age_d:02}", (time.time() - 86400 * age_d,) * 2)
    _cache.direct_numba_cache()
    ours = Path(os.environ["NUMBA_CACHE_DIR"]).name
    assert {folder.name for folder in parent.iterdir()} == {ours, *(f"{d:02}" for d in range(1, 8))}


HELPER = """
from numba import njit
FACTOR = 2
@njit(cache=True, nogil=True)
def f(x):
    return FACTOR * x
"""
KERNEL = """
from numba import njit
from eventsim.helper import f
@njit(cache=True, nogil=True)
def g(x):
    return f(x) + 1
"""


@pytest.mark.compiled
@pytest.mark.parametrize("numba_first", [False, True])
def test_a_change_in_a_helper_reaches_the_kernel(tmp_path: Path, numba_first: bool) -> None:
    """The trap itself: the kernel's own file does not change, the constant in the helper's does."""
    package = tmp_path / "eventsim"
    package.mkdir()
    (package / "_cache.py").write_text(Path(_cache.__file__).read_text())
    (package / "__init__.py").write_text("from eventsim import _cache\n_cache.direct_numba_cache()\n")
    (package / "helper.py").write_text(HELPER)
    (package / "kernel.py").write_text(KERNEL)
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "COV"))}
    environment |= {"XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONPATH": str(tmp_path)}
    program = ("import numba\n" if numba_first else "") + "from eventsim.kernel import g\nprint(g(10))"

    def answer() -> str:
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert answer() == "21"
    (package / "helper.py").write_text(HELPER.replace("2", "5"))
    assert answer() == "51"
    assert not list(package.glob("__pycache__/*.nbi"))
