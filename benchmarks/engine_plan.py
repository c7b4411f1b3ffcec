"""What is measured beside what: groups of entries that take turns, the ratios asked of them, and the bars."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from benchmarks.engine_process import Case
from benchmarks.start_time import StartCase
from benchmarks.w1_balanced import W1Case
from benchmarks.w2_classifier import W2Case
from benchmarks.w3_sparse import W3Case

_DELAY_ENTRIES = ("eventsim 1 ns", "eventsim 0.1 ms", "FIFO per class")
WORKLOADS = ("w1", "w2", "w3", "cost", "start")


@dataclass(frozen=True, slots=True)
class Script:
    """A script beside the project that prints one JSON object per thing it measured.

    interpreter : the peer whose Python runs it, or "" for this one. select : what the object must hold.
    time_key : its time, in units of time_unit_s. rate_key : its million events per second.
    """

    path: str
    arguments: tuple[str, ...]
    time_key: str
    interpreter: str = ""
    select: Mapping[str, object] = field(default_factory=dict)
    time_unit_s: float = 1.0
    rate_key: str = "Msyn_s"
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing measured in processes of its own; `once`: in the first round only, because it takes long."""

    name: str
    what: Case | Script
    once: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A ratio asked for: time of `ours` to time of `rival`; `at_most` where it is a bar."""

    ours: str
    rival: str
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """A figure of an entry (median over its runs) that must not be above `at_most`."""

    entry: str
    figure: str
    at_most: float


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that are measured in turns: A B A B."""

    name: str
    title: str
    workload: str
    entries: tuple[Entry, ...]
    asked: tuple[Asked, ...] = ()
    limits: tuple[Limit, ...] = ()


def plan(workloads: tuple[str, ...], prototypes: bool, peers: tuple[str, ...]) -> list[Group]:
    """Return the groups of some workloads, without the entries that cannot be run here."""
    groups = [*_w1(), *_w1_delays(), *_w2(), *_w3(), *_cost(), *_start()]
    return [_runnable(group, prototypes, peers) for group in groups if group.workload in workloads]


def _runnable(group: Group, prototypes: bool, peers: tuple[str, ...]) -> Group:
    def is_here(what: Case | Script) -> bool:
        return not isinstance(what, Script) or (what.interpreter in peers if what.interpreter else prototypes)

    entries = tuple(entry for entry in group.entries if is_here(entry.what))
    names = {entry.name for entry in entries}
    asked = tuple(a for a in group.asked if {a.ours, a.rival} <= names)
    return Group(group.name, group.title, group.workload, entries, asked, group.limits)


def _w1() -> Iterator[Group]:
    for c in (100, 1000):
        peers = (
            Entry("Brian2 0.1 ms", _w1_peer("brian2", f"{c} cpp_standalone"), once=True),
            Entry("NEST 0.1 ms", _w1_peer("nest", f"{c} 1"), once=True),
        )
        yield Group(
            f"w1-c{c}",
            f"W1, {c} inputs per neuron",
            "w1",
            (
                Entry("eventsim 0.1 ms", W1Case(in_degree=c, tick_ns=100_000)),
                Entry("bucket_opt", _w1_prototype(c, "bucket_opt")),
                Entry("eventsim 1 ns", W1Case(in_degree=c, tick_ns=1)),
                Entry("fifo_opt", _w1_prototype(c, "fifo_opt")),
                *peers,
            ),
            (
                Asked("eventsim 0.1 ms", "bucket_opt", 1.15),
                Asked("eventsim 1 ns", "fifo_opt", 1.25),
                *(Asked("eventsim 0.1 ms", peer.name) for peer in peers),
            ),
        )
        nest = Script("w1_nest_exp.py", (str(c), "iaf_psc_exp"), "wall_per_bio_s", "nest", rate_key="Mtot_s")
        exact = Script(
            "w1_nest_exp.py", (str(c), "iaf_psc_exp_ps"), "wall_per_bio_s", "nest", rate_key="Mtot_s"
        )
        prototype = Script("prototypes/w1_exp_numba.py", (str(c),), "wall_s", rate_key="Mtot_s")
        yield Group(
            f"w1-exp-c{c}",
            f"W1 with exponential synapses, {c} inputs per neuron",
            "w1",
            (
                Entry("eventsim 0.1 ms", W1Case(in_degree=c, tick_ns=100_000, synapse="exponential")),
                Entry("exact-exp", prototype),
                Entry("eventsim 1 ns", W1Case(in_degree=c, tick_ns=1, synapse="exponential")),
                Entry("NEST grid", nest, once=True),
                Entry("NEST exact", exact, once=True),
            ),
            (
                Asked("eventsim 1 ns", "exact-exp", 1.5),
                Asked("eventsim 0.1 ms", "exact-exp"),
                Asked("eventsim 0.1 ms", "NEST grid"),
                Asked("eventsim 1 ns", "NEST exact"),
            ),
        )


def _w1_delays() -> Iterator[Group]:
    for c in (100, 1000):
        fine, coarse, prototype = ({k: f"{name}, {k}" for k in (1, 8, 32)} for name in _DELAY_ENTRIES)
        entries: list[Entry] = []
        for k in fine:
            script = Script("prototypes/w1_delays_numba.py", (str(c), str(k)), "wall_s", rate_key="Mtot_s")
            entries += [
                Entry(fine[k], W1Case(in_degree=c, tick_ns=1, delay_classes=k)),
                Entry(prototype[k], script),
                Entry(coarse[k], W1Case(in_degree=c, tick_ns=100_000, delay_classes=k)),
            ]
        yield Group(
            f"w1-delays-c{c}",
            f"W1 with 1, 8, 32 delay classes, {c} inputs per neuron",
            "w1",
            tuple(entries),
            (
                Asked(fine[32], fine[1], 1.6),
                Asked(coarse[32], coarse[1], 1.6),
                Asked(fine[8], fine[1]),
                Asked(coarse[8], coarse[1]),
                *(Asked(fine[k], prototype[k]) for k in fine),
            ),
        )


def _w2() -> Iterator[Group]:
    select = {"peer": "numba:event-float32"}
    prototype = Script("prototypes/w2_numba.py", ("256",), "ms_per_sample", "", select, 1e-3)
    brian2 = Script("w2_brian2.py", ("256", "1", "cpp_standalone"), "ms_per_sample", "brian2", {}, 1e-3)
    nest = Script("w2_nest.py", ("256", "1.0"), "ms_per_sample", "nest", {}, 1e-3)
    ours = "eventsim 1 ns"
    yield Group(
        "w2",
        "W2, classifier 700-256-20, 8,000 input events",
        "w2",
        (
            Entry(ours, W2Case()),
            Entry("event-float32", prototype),
            Entry("eventsim 1 ns, event by event", W2Case(one_by_one=True, repetitions=5)),
            Entry("eventsim 1 ms", W2Case(tick_ns=1_000_000)),
            Entry("Brian2 1 ms", brian2, once=True),
            Entry("NEST 1 ms", nest, once=True),
        ),
        (
            Asked(ours, "event-float32", 1.25),
            Asked("eventsim 1 ms", "Brian2 1 ms"),
            Asked("eventsim 1 ms", "NEST 1 ms"),
        ),
        (Limit("eventsim 1 ns, event by event", "event_p99_us", 5.0),),
    )


def _w3() -> Iterator[Group]:
    for n, label in ((100_000, "100,000"), (1_000_000, "1,000,000")):
        select = {"peer": "numba:scaled", "forced": 10_000}
        prototype = Script("prototypes/w3_numba.py", (str(n), "100"), "ms", "", select, 1e-3)
        yield Group(
            f"w3-n{n}",
            f"W3, {label} neurons with 100 targets, 10,000 forced spikes",
            "w3",
            (Entry("eventsim 1 ns", W3Case(neurons=n)), Entry("scaled", prototype)),
            (Asked("eventsim 1 ns", "scaled", 1.25),),
            (Limit("eventsim 1 ns", "peak_mb", 1100.0),) if n == 1_000_000 else (),
        )
    n, k, tick_ms = 100_000, 100, 1
    arguments = (str(n), str(k), str(float(tick_ms)), "10000")
    peers = (
        Entry(
            "Brian2 1 ms",
            Script("w3_brian2.py", (*arguments, "cpp_standalone"), "ms", "brian2", {}, 1e-3),
            True,
        ),
        Entry("NEST 1 ms", Script("w3_nest.py", arguments, "ms", "nest", {}, 1e-3), True),
    )
    # The delay of 1.5 ms is not on a grid of 1 ms; the peers take what their grid has, here it is 0.5 ms.
    yield Group(
        "w3-peers",
        "W3, 100,000 neurons with 100 targets, beside time-stepped peers",
        "w3",
        (Entry("eventsim 0.5 ms", W3Case(neurons=n, out_degree=k, tick_ns=500_000)), *peers),
        tuple(Asked("eventsim 0.5 ms", peer.name) for peer in peers),
    )


def _cost() -> Iterator[Group]:
    by_events = [(100_000, 100, forced) for forced in (10, 100, 1_000, 10_000, 100_000)]
    by_neurons = [(n, 10, 10_000) for n in (10_000, 100_000, 1_000_000, 10_000_000)]
    for name, title, sizes in (
        ("cost-events", "Time against events: 100,000 neurons with 100 targets each", by_events),
        ("cost-neurons", "Time against neurons: 10,000 forced spikes, 10 targets each", by_neurons),
    ):
        entries = tuple(
            Entry(f"{n:,} neurons, {forced * k:,} events", W3Case(neurons=n, out_degree=k, forced=forced))
            for n, k, forced in sizes
        )
        yield Group(name, title, "cost", entries)


def _start() -> Iterator[Group]:
    yield Group(
        "start",
        "Start: import, first run ever, later process to its first result",
        "start",
        (Entry("later processes", StartCase()),),
        (),
        (
            Limit("later processes", "import_s", 0.15),
            Limit("later processes", "import_loads_numba", 0.0),
            Limit("later processes", "first_process_s", 20.0),
            Limit("later processes", "seconds", 1.0),
        ),
    )


def _w1_prototype(in_degree: int, variant: str) -> Script:
    return Script("prototypes/w1_numba.py", (str(in_degree), variant), "wall_s", rate_key="Mtot_s")


def _w1_peer(peer: str, arguments: str) -> Script:
    return Script(f"w1_{peer}.py", tuple(arguments.split()), "wall_s", peer, rate_key="Mtot_s")
