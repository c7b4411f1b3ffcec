"""The loops that draw random connectivity."""

from __future__ import annotations

from eventsim.engine.jit import inlined, kernel
from eventsim.engine.layout import Indices, Ints, Words
from eventsim.engine.random_numbers import Generator, below, exponential, load_generator


@kernel
def draw_destinations(words: Words, n_post: int, indices: Indices) -> None:
    """Fill `indices` with destinations, each of `n_post` equally likely."""
    g = load_generator(words, 0)
    for k in range(indices.shape[0]):
        drawn, g = below(g, n_post)
        indices[k] = drawn


@kernel
def count_sources(words: Words, n: int, n_pre: int, counts: Ints) -> None:
    """Draw `n` sources; add to ``counts[s + 1]`` how often source s is drawn."""
    g = load_generator(words, 0)
    for _ in range(n):
        drawn, g = below(g, n_pre)
        counts[drawn + 1] += 1


@kernel
def place_sources(words: Words, n_post: int, degree: int, place: Ints, indices: Indices) -> None:
    """Draw the same sources again; write each destination where its source's next synapse goes."""
    g = load_generator(words, 0)
    n_pre = place.shape[0]
    for post in range(n_post):
        for _ in range(degree):
            drawn, g = below(g, n_pre)
            indices[place[drawn]] = post
            place[drawn] += 1


@inlined
def _next_gap(g: Generator, rate: float) -> tuple[int, Generator]:
    """Return how many pairs are passed over before the next that is connected: a geometric variate.

    Source: Batagelj & Brandes 2005, Efficient generation of large random networks, section 2.
    """
    drawn, g = exponential(g)
    gap = drawn / rate
    return int(min(gap, 4e18)), g


@kernel
def count_gaps(words: Words, n_post: int, rate: float, counts: Ints) -> None:
    """Add to ``counts[s + 1]`` how many synapses source s has, where ``exp(-rate)`` is that of no synapse."""
    g = load_generator(words, 0)
    n = (counts.shape[0] - 1) * n_post
    at, g = _next_gap(g, rate)
    while at < n:
        counts[at // n_post + 1] += 1
        gap, g = _next_gap(g, rate)
        at += min(gap, n) + 1


@kernel
def place_gaps(words: Words, n_post: int, rate: float, indices: Indices) -> None:
    """Draw the same gaps again; write the destinations."""
    g = load_generator(words, 0)
    at, g = _next_gap(g, rate)
    for k in range(indices.shape[0]):
        indices[k] = at % n_post
        gap, g = _next_gap(g, rate)
        at += gap + 1
