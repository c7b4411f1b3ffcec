"""How long it takes to begin: the import, the first run ever, and the first result of a later process."""

import os
import subprocess
import sys
import tempfile
import time

import msgspec

from benchmarks.measured import Measured

_IMPORT = """
import time
start = time.perf_counter()
import eventsim
seconds = time.perf_counter() - start
import sys
print(seconds, int("numba" in sys.modules))
"""

# As in the README: a network is built, events are pushed, the clock advances, a label is decided.
_FIRST_RESULT = """
import numpy as np
from eventsim import LIF, Csr, Dense, Events, FirstToFire, Network, Session

network = Network(tick_ns=1_000_000)
network.add_input("ear", 2)
network.add_population("hidden", 2, LIF(tau_ns=20e6, threshold=0.5))
network.add_population("word", 2, LIF(tau_ns=20e6, threshold=1.5))
network.connect("ear", "hidden", Dense(np.eye(2)))
network.connect("hidden", "hidden", Csr([0, 1, 2], [1, 0], [0.1, 0.1]), delay_ns=1_000_000)
network.connect("hidden", "word", Dense(np.eye(2)), delay_ns=2_000_000)
session = Session(network)
session.push("ear", Events.of(time_ns=[0, 1_000_000], address=[1, 1]))
session.advance(until_ns=10_000_000)
print(FirstToFire(n_outputs=2).observe(session.read("word")).label)
"""


class StartCase(msgspec.Struct, frozen=True, kw_only=True, tag="start"):
    """A process of its own for each time; the kernel cache is a folder made for the purpose."""

    repetitions: int = 5

    def measure(self) -> Measured:
        """Return the times of later processes to their first result, and in `figures` the others."""
        imports = [_run_python(_IMPORT, os.environ) for _ in range(self.repetitions)]
        seconds, loads_numba = zip(*(line.split() for _, line in imports), strict=True)
        with tempfile.TemporaryDirectory() as folder:
            environment = {k: v for k, v in os.environ.items() if not k.startswith("NUMBA_")}
            environment["XDG_CACHE_HOME"] = folder
            first_s, label = _run_python(_FIRST_RESULT, environment)
            later = [_run_python(_FIRST_RESULT, environment) for _ in range(self.repetitions)]
        if {label, *(said for _, said in later)} != {"1"}:
            raise RuntimeError(f"the example decided {label!r}, not 1")
        figures = {
            "import_s": sorted(map(float, seconds))[self.repetitions // 2],
            "import_loads_numba": float(max(map(int, loads_numba))),
            "first_process_s": first_s,
        }
        return Measured(seconds=[each for each, _ in later], figures=figures)


def _run_python(program: str, environment: "os._Environ[str] | dict[str, str]") -> tuple[float, str]:
    """Return the time from starting a process that runs `program` to its first line, and that line."""
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-u", "-c", program], env=dict(environment), stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        line = running.stdout.readline()
        seconds = time.perf_counter() - start
    if running.returncode or not line:
        raise RuntimeError(f"the example ended with exit code {running.returncode}")
    return seconds, line.strip()
