"""A call that may hang: its result, its error, or the word that it hangs."""

import threading

import pytest

from streams.bounded_call import CallHangs, bounded_call


def test_a_result_or_an_error_comes_through() -> None:
    assert bounded_call(lambda: "done", 60.0) == "done"
    with pytest.raises(ZeroDivisionError):
        bounded_call(lambda: 1 // 0, 60.0)


def test_a_call_that_hangs_is_given_up() -> None:
    release = threading.Event()
    with pytest.raises(CallHangs):
        bounded_call(release.wait, 0.02)
    release.set()
