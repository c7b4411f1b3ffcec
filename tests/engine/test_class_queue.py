"""The queues of delivery classes against a dictionary: what is due first, and in which order."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from numba import njit

from eventsim.engine import class_queue
from eventsim.engine.class_queue import BLOCK, HEAP, RING, SCAN
from eventsim.engine.layout import (
    F_DUE_CLASS,
    F_HEAD,
    F_QUEUE,
    F_QUEUE_LINK,
    HANDLE_SIZE,
    N_CLASSES,
    N_DUE,
    NEVER,
    NOW,
    QUEUE_KIND,
    QUEUE_SIZE,
    RING_SPAN,
)


# The parts have no Python wrapper.
@njit(nogil=True)
def put(handle, c, tick):
    class_queue.put(handle, c, tick)


@njit(nogil=True)
def first_class(handle):
    return class_queue.first_class(handle)


@njit(nogil=True)
def take(handle, tick):
    class_queue.take(handle, tick)


class Queue:
    """One of the three, with a handle that holds nothing else."""

    def __init__(self, kind, classes, longest, now):
        span = max(BLOCK, 1 << longest.bit_length())
        size = {SCAN: 0, RING: span + span // BLOCK, HEAP: classes}[kind]
        self.handle = np.zeros(HANDLE_SIZE, np.int64)
        self.head = np.full(classes, NEVER, np.int64)
        self.due = np.zeros(classes + 1, np.int64)
        self.queue = np.zeros(size, np.int64)
        self.link = np.zeros(classes, np.int64)
        fields = {F_HEAD: self.head, F_DUE_CLASS: self.due, F_QUEUE: self.queue, F_QUEUE_LINK: self.link}
        for place, array in fields.items():
            self.handle[place], self.handle[place + 1] = array.ctypes.data, array.size
        self.handle[QUEUE_KIND], self.handle[N_CLASSES], self.handle[NOW] = kind, classes, now
        if kind == RING:
            self.handle[RING_SPAN] = span
            self.queue[:span] = -1

    def first(self):
        return int(first_class(self.handle))

    def take(self, tick):
        self.handle[NOW] = tick
        take(self.handle, tick)
        due = self.due[: self.handle[N_DUE]].tolist()
        self.head[due] = NEVER  # as the engine does where no packet follows
        return due


class QueueMachine(RuleBasedStateMachine):
    """Classes wait, in any order of delays; all three queues and a dictionary must say the same."""

    @initialize(
        classes=st.integers(1, 40),
        longest=st.sampled_from([1, 2, 63, 64, 65, 200, 1000]),
        now=st.sampled_from([-1, 0, -1000, 63, 2**40]),
    )
    def start(self, classes, longest, now):
        self.classes, self.longest, self.now = classes, longest, now
        self.queues = [Queue(kind, classes, longest, now) for kind in (SCAN, RING, HEAP)]
        self.waiting = {}

    @rule(picks=st.lists(st.tuples(st.integers(0, 39), st.floats(0, 1)), max_size=12))
    def wait(self, picks):
        for c, part in picks:
            if c < self.classes and c not in self.waiting:
                tick = self.now + 1 + round(part * (self.longest - 1))
                self.waiting[c] = tick
                for queue in self.queues:
                    put(queue.handle, c, tick)

    @rule()
    def work(self):
        first = min(self.waiting.values(), default=NEVER)
        assert [queue.first() for queue in self.queues] == [first] * 3
        if first == NEVER:
            return
        due = sorted(c for c, tick in self.waiting.items() if tick == first)
        assert [queue.take(first) for queue in self.queues] == [due] * 3
        self.now = first
        for c in due:
            del self.waiting[c]
        for queue in self.queues[1:]:
            assert queue.handle[QUEUE_SIZE] == len(self.waiting)

    @rule(part=st.floats(0, 1))
    def a_tick_at_which_no_class_is_due(self, part):
        gap = min(min(self.waiting.values(), default=self.now + 5000) - self.now, 5000)
        tick = self.now + int(part * gap)
        if self.now < tick < self.now + gap:
            assert [queue.take(tick) for queue in self.queues] == [[]] * 3
            self.now = tick


QueueMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestQueue = QueueMachine.TestCase
