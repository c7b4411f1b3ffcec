"""A benchmark ends with its exit code, or in one line."""

import pytest

from benchmarks.exit_code import exit_code_of
from eventsim.errors import DataError


def test_the_result_of_the_work_is_the_exit_code() -> None:
    assert [exit_code_of("bench", lambda code=code: code) for code in (0, 1)] == [0, 1]


def test_an_error_is_one_line_and_two(capsys: pytest.CaptureFixture[str]) -> None:
    def refused() -> int:
        raise DataError("folder: holds\n  nothing")

    assert exit_code_of("bench", refused) == 2
    assert capsys.readouterr().err == "bench: error: folder: holds nothing\n"


def test_ctrl_c_is_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    assert exit_code_of("bench", interrupted) == 130
    assert capsys.readouterr().err == ""
