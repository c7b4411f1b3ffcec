"""What C libraries print is kept away, what Python prints is not."""

import subprocess
import sys

import pytest

PRINTS = """
import ctypes, os, sys
from streams.native_stderr import NativeStderrMute, native_stderr_muted
library = ctypes.CDLL(None)
def say(text):
    stderr = ctypes.c_void_p.in_dll(library, "stderr")
    library.fputs(text.encode(), stderr)
    library.fflush(stderr)
say("one ")
with native_stderr_muted():
    say("hidden ")
    print("two", end=" ", file=sys.stderr, flush=True)
    os.write(2, b"three ")
say("four ")
first, second = NativeStderrMute(), NativeStderrMute()
first.release()
first.release()
say("hidden ")
second.release()
say("five")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the C library's variable is called stderr on Linux")
def test_only_c_is_muted_and_only_while_a_mute_is_held() -> None:
    done = subprocess.run([sys.executable, "-c", PRINTS], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "one two three four five")
