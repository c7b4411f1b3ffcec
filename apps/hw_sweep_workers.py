"""Who computes the points of a sweep: this process, several, or a Dask cluster."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from importlib.util import find_spec
from multiprocessing import get_context, parent_process
from queue import SimpleQueue
from typing import Any

from apps.hw_sweep_file import Value
from apps.hw_sweep_point import PointRunner, SweepContext, run_point
from apps.termination import interrupts_held
from eventsim.errors import EventSimError, ParameterError, SourceError

Point = Mapping[str, Value]
Outcome = tuple[Point, dict[str, Any]]
_CONNECT_S = 20


def run_here(context: SweepContext, points: Sequence[Point]) -> Iterator[Outcome]:
    """Yield the outcomes one after the other, computed in this process."""
    runner = PointRunner(context)
    for point in points:
        yield point, runner.run(point)


def run_in_processes(context: SweepContext, points: Sequence[Point], workers: int) -> Iterator[Outcome]:
    """Yield outcomes as processes of this machine finish them.

    When it is closed, as by Ctrl-C, points not begun are dropped and those begun are finished.

    Raises EventSimError where a process dies.
    """
    # spawn: a fork would copy the locks of threads that do not exist in the child.
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (context,))
    # Not concurrent.futures.wait: it takes the locks of all futures, and interrupted keeps some for ever.
    finished: SimpleQueue[Future[dict[str, Any]]] = SimpleQueue()
    try:
        with interrupts_held():
            point_of = {pool.submit(_run, point): point for point in points}
            for future in point_of:
                future.add_done_callback(finished.put)
        while point_of:
            future = finished.get()
            with interrupts_held():
                outcome = point_of.pop(future), future.result()
            yield outcome
    except BrokenProcessPool:
        raise EventSimError(
            "a worker process died, perhaps for want of memory; try fewer --workers"
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def check_cluster() -> None:
    """Raise ParameterError without the extra `cluster`."""
    if find_spec("distributed") is None:
        raise ParameterError("--cluster needs Dask: pip install 'eventsim[cluster]'")


def run_on_cluster(context: SweepContext, points: Sequence[Point], address: str) -> Iterator[Outcome]:
    """Yield outcomes as the workers of a Dask scheduler finish them; they need eventsim, but no files.

    Raises ParameterError without the extra `cluster`, SourceError where nobody answers at the address.
    """
    check_cluster()
    from distributed import Client, as_completed

    try:
        client = Client(address, timeout=_CONNECT_S)
    except (OSError, ValueError, TypeError) as error:
        raise SourceError(f"--cluster {address}: {' '.join(str(error).split())}") from None
    with client:
        if not client.scheduler_info()["workers"]:
            raise SourceError(f"--cluster {address}: the scheduler has no workers")
        shared = client.scatter(context, broadcast=True)
        waiting = {client.submit(run_point, shared, dict(p), pure=False): p for p in points}
        try:
            for future in as_completed(list(waiting)):
                if future.status != "finished":
                    raise SourceError(f"--cluster {address}: a worker failed: {future.exception()}")
                yield waiting[future], future.result()
        finally:
            client.cancel(list(waiting))


_runner: PointRunner | None = None


def _start_worker(context: SweepContext) -> None:
    global _runner
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _runner = PointRunner(context)


def _end_with_parent() -> None:
    """Leave when the parent is gone: killed, it could tell nobody."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(point: Point) -> dict[str, Any]:
    assert _runner is not None
    return _runner.run(point)
