"""Compiled passes over a table of messages: what each takes on a chip, and what all of them add up to."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from hwmodels.costs import EAST, NORTH, SOUTH, WEST

Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Times = npt.NDArray[np.int32] | npt.NDArray[np.int64]


class Rows(NamedTuple):
    """A table's messages and who sends them.

    indptr : int64[n_rows + 1]. core : int32[n_entries]. events : int32[n_entries, n_forms]. unit :
    int32[n_rows], 0 for what comes from outside, else core + 1. direct : bool[n_rows], without the mesh.
    """

    indptr: Ints
    core: Indices
    events: Indices
    unit: Indices
    direct: Flags


class Mesh(NamedTuple):
    """Where units stand and what messages take.

    x, y : int64[n_units]. n_y : int64[1], tiles along y. hop_ps : int64[2], along x and y. ends_ps :
    int64[2], at the tile that sends and at the core that receives. synapse_ps : int64[n_forms].
    """

    x: Ints
    y: Ints
    n_y: Ints
    hop_ps: Ints
    ends_ps: Ints
    synapse_ps: Ints


class Sums(NamedTuple):
    """How often everything happens.

    message_out, message_in : int64[n_cores]. synapses : int64[n_forms, n_cores]. tiles : int64[n_tiles].
    links : int64[n_links].
    """

    message_out: Ints
    message_in: Ints
    synapses: Ints
    tiles: Ints
    links: Ints


@njit(cache=True, nogil=True)
def flight_ps(rows: Rows, mesh: Mesh, row: int, e: int) -> np.int64:
    """Return how long a message is on its way, ps."""
    unit, goal = rows.unit[row], rows.core[e] + 1
    way: np.int64 = mesh.ends_ps[0]
    way += abs(mesh.x[unit] - mesh.x[goal]) * mesh.hop_ps[0]
    way += abs(mesh.y[unit] - mesh.y[goal]) * mesh.hop_ps[1]
    return np.int64(0) if rows.direct[row] else way


@njit(cache=True, nogil=True)
def service_ps(rows: Rows, mesh: Mesh, e: int) -> np.int64:
    """Return how long the core that gets a message works on it, ps."""
    work: np.int64 = mesh.ends_ps[1]
    for form in range(mesh.synapse_ps.shape[0]):
        work += rows.events[e, form] * mesh.synapse_ps[form]
    return work


@njit(cache=True, nogil=True)
def time_messages(rows: Rows, mesh: Mesh, flight: Times, service: Times) -> None:
    """Write how long each message is on its way, and how long the core that gets it works on it, ps."""
    for row in range(rows.unit.shape[0]):
        for e in range(rows.indptr[row], rows.indptr[row + 1]):
            flight[e] = flight_ps(rows, mesh, row, e)
            service[e] = service_ps(rows, mesh, e)


@njit(cache=True, nogil=True)
def pack_messages(rows: Rows, mesh: Mesh, column: Ints, bits: tuple[int, int, int], word: Ints) -> bool:
    """Write column, service and flight of each message into a word; return False where one is too large.

    column : int64[n_cores]. bits : of column, service and flight, which stand in this order from the lowest
    bit on.
    """
    for row in range(rows.unit.shape[0]):
        for e in range(rows.indptr[row], rows.indptr[row + 1]):
            flight, service = flight_ps(rows, mesh, row, e), service_ps(rows, mesh, e)
            if flight >> bits[2] or service >> bits[1]:
                return False
            word[e] = (((flight << bits[1]) | service) << bits[0]) | column[rows.core[e]]
    return True


@njit(cache=True, nogil=True)
def sum_times(rows: Rows, mesh: Mesh, each_ps: float, total: npt.NDArray[np.float64]) -> None:
    """Write the times of all messages of each row, one after the other, and `each_ps` for each of them."""
    for row in range(rows.unit.shape[0]):
        total[row] = 0.0
        for e in range(rows.indptr[row], rows.indptr[row + 1]):
            total[row] += each_ps + float(flight_ps(rows, mesh, row, e)) + float(service_ps(rows, mesh, e))


@njit(cache=True, nogil=True)
def sum_messages(rows: Rows, often: Ints, mesh: Mesh, sums: Sums) -> None:
    """Add to `sums` what happens when each row sends its messages so `often`, int64[n_rows]."""
    to = np.zeros(sums.message_in.shape[0], np.int64)
    n_rows = rows.unit.shape[0]
    for row in range(n_rows):
        times, unit, direct = often[row], rows.unit[row], rows.direct[row]
        if times:
            for e in range(rows.indptr[row], rows.indptr[row + 1]):
                core = rows.core[e]
                to[core] += times
                for form in range(sums.synapses.shape[0]):
                    sums.synapses[form, core] += times * rows.events[e, form]
        # Rows of a unit follow each other: what they send to one core goes one way.
        if row + 1 == n_rows or rows.unit[row + 1] != unit or rows.direct[row + 1] != direct:
            add_ways(unit, direct, to, mesh, sums)
            to[:] = 0


@njit(cache=True, nogil=True)
def add_ways(unit: int, direct: bool, to: Ints, mesh: Mesh, sums: Sums) -> None:
    """Add to `sums` that a unit sends so many messages to each core, int64[n_cores].

    Messages go along x first, then along y; link = 4 x tile + direction.
    """
    n_y = mesh.n_y[0]
    for core in range(to.shape[0]):
        times = to[core]
        if times == 0:
            continue
        sums.message_in[core] += times
        if unit > 0:
            sums.message_out[unit - 1] += times
        if direct:
            continue
        x, y, x_goal, y_goal = mesh.x[unit], mesh.y[unit], mesh.x[core + 1], mesh.y[core + 1]
        sums.tiles[x * n_y + y] += times
        while x != x_goal:
            sums.links[4 * (x * n_y + y) + (EAST if x < x_goal else WEST)] += times
            x += 1 if x < x_goal else -1
        while y != y_goal:
            sums.links[4 * (x * n_y + y) + (NORTH if y < y_goal else SOUTH)] += times
            y += 1 if y < y_goal else -1
