"""What other processes say, and the file of a result: read and written, or refused in one line."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks.result_file import write_result
from benchmarks.said import said_by
from eventsim.errors import DataError, OutputError


def test_the_last_line_is_what_a_process_says(tmp_path: Path) -> None:
    code = "import json, os; print('working'); print(json.dumps({'in': os.getcwd()}))"
    assert said_by([sys.executable, "-c", code], tmp_path) == {"in": str(tmp_path.resolve())}


def test_a_process_that_fails_is_named_with_its_last_words(tmp_path: Path) -> None:
    script = tmp_path / "side.py"
    script.write_text("raise SystemExit('no network\\nno chip')")
    with pytest.raises(DataError, match=r"^side\.py: exit code 1: no chip$"):
        said_by([sys.executable, str(script)], tmp_path)
    with pytest.raises(DataError, match=r"^no_such_module: exit code 1: .*No module named"):
        said_by([sys.executable, "-m", "no_such_module"], tmp_path)
    with pytest.raises(DataError, match="No such file"):
        said_by([str(tmp_path / "no_python"), "side.py"], tmp_path)


def test_a_result_makes_its_folder_or_says_why_not(tmp_path: Path) -> None:
    file = tmp_path / "new" / "result.json"
    write_result(file, {"cases": [1, 2.5]})
    assert json.loads(file.read_text()) == {"cases": [1, 2.5]}
    with pytest.raises(OutputError, match="cannot be written"):
        write_result(file / "below" / "result.json", {})
