"""The machine a measurement was made on, as far as a reader needs it to judge the figures."""

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """Processor, cores, what else was running, and the versions that set the pace.

    load : mean number of processes that wanted a core over the last minute, the measurement's own included.
    """

    cpu: str
    cores: int
    load: float
    system: str
    python: str
    numpy: str
    numba: str


def this_machine() -> Machine:
    """Return what is known of this machine and its load now; it names no host and no user."""
    return Machine(
        cpu=_cpu_name(),
        cores=os.cpu_count() or 1,
        load=round(os.getloadavg()[0], 2),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        numpy=version("numpy"),
        numba=version("numba"),
    )


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or "unknown")
