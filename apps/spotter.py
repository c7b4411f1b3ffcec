"""Keyword spotting in a running stream: sound in, decisions out, the network at work only while a word is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from apps.keyword_model import NOT_A_KEYWORD, KeywordModel, keyword_model
from eventsim.bundle import Bundle
from eventsim.decisions import Decision, EndOfInput, Rule, rule_from
from eventsim.errors import ParameterError
from eventsim.events import Events
from eventsim.session import Session
from streams.onset_gate import OnsetGate, OnsetGateConfig, WindowOpened, WordEnded

NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
# Every onset gets an answer when its window ends, and most onsets are no words: below this it does not count.
MIN_FORCED_CONFIDENCE = 0.5


@dataclass(frozen=True, slots=True)
class KeywordDecision:
    """What was heard, said as soon as it is known. Times count from the start of the stream.

    label, name : index and name of the answer.
    keyword : False for "unknown", for "silence", and for an answer that the end of the window forced and that
    is too unsure to count.
    start_ns, onset_ns : start of the window, and the tick at which the gate opened it.
    decided_ns : the tick whose events decided, but never before the onset was seen.
    confidence : 0..1; rank : the names from most to least likely.
    input_events, spikes, synaptic_events : work of the network in this window until the decision.
    early : decided before the window or the stream had ended.
    """

    label: int
    name: str
    keyword: bool
    start_ns: int
    onset_ns: int
    decided_ns: int
    confidence: float
    rank: tuple[str, ...]
    input_events: int
    spikes: int
    synaptic_events: int
    early: bool


@dataclass(frozen=True, slots=True)
class WordEnd:
    """When the word of a decision ended, known only some time after.

    lead_ms : how long before that end the decision fell; negative when it came after.
    how : "level", the sound fell back; "next", it had not when the next word began; "end", nor when the
    stream ended.
    """

    decision: KeywordDecision
    word_end_ns: int
    lead_ms: float
    how: Literal["level", "next", "end"]


SpotEvent = KeywordDecision | WordEnd


class WindowWatcher(Protocol):
    """Is told at each decision what the network did in its window.

    names : the inputs and populations whose events it wants.
    """

    names: tuple[str, ...]

    def decided(
        self, decision: KeywordDecision, emitted: Mapping[str, Events], start_ns: int, until_ns: int
    ) -> KeywordDecision:
        """Return the decision to be told; `emitted` is of the ticks `start_ns` <= t < `until_ns`."""


@dataclass(slots=True)
class Work:
    """What has been done since the last reset: sound heard, windows run, events, spikes, synaptic events."""

    samples: int = 0
    input_events: int = 0
    windows: int = 0
    window_ticks: int = 0
    spikes: int = 0
    synaptic_events: int = 0


@dataclass(slots=True)
class _Window:
    opened: WindowOpened
    next_ns: int
    decision: KeywordDecision | None = None
    word_end_ns: int | None = None
    told_end: bool = field(default=False)
    outputs: list[Events] = field(default_factory=list)


class KeywordSpotter:
    """Listens to a mono stream and says each keyword once, the same however the stream was cut into blocks.

    bundle : a keyword model; threshold : takes the place of the bundle's; full : decide only at the end of a
    window; gate : when windows open; watcher : sees the spikes behind each decision.

    Sound becomes events; the gate opens a window at an onset; the network starts from rest with the events of
    the look-back and follows until the rule decides. Then it rests until the gate opens the next window.

    Raises BundleError for a bundle that is no keyword model, ParameterError for a threshold outside 0..1.
    """

    def __init__(
        self,
        bundle: Bundle | KeywordModel,
        threshold: float | None = None,
        full: bool = False,
        gate: OnsetGateConfig | None = None,
        watcher: WindowWatcher | None = None,
    ) -> None:
        model = bundle if isinstance(bundle, KeywordModel) else keyword_model(bundle)
        self.model = model
        self._encoder = model.new_encoder()
        config = self._encoder.config
        self._tick_ns = self._encoder.tick_ns
        self._gate = OnsetGate(config.n_bands, config.step, self._tick_ns, gate)
        self._look_back_ns = self._gate.config.look_back_ms * NS_PER_MS + self._tick_ns
        self._watcher = watcher
        self._session = Session(model.bundle.network, record=watcher.names if watcher else ())
        self._rule = _rule(model, threshold, full)
        self.reset()

    @property
    def rate_hz(self) -> int:
        """Samples per second expected."""
        return self._encoder.rate_hz

    @property
    def tick_ns(self) -> int:
        """Grid of all times in ns."""
        return self._tick_ns

    @property
    def encoder_description(self) -> dict[str, Any]:
        """What the model's encoder says of itself: events from elsewhere must be of the same."""
        return self._encoder.describe()

    def reset(self) -> None:
        """Forget all sound; the stream starts again at time 0."""
        self._encoder.reset()
        self._gate.reset()
        self._recent = Events.empty()
        self._window: _Window | None = None
        self.work = Work()

    def warm_up(self) -> None:
        """Run one second of made-up sound, so that no kernel is loaded while real sound waits; then reset."""
        noise = np.random.default_rng(0).normal(0.0, 0.1, self.rate_hz).astype(np.float32)
        noise[: self.rate_hz // 4] *= 0.001
        self.push(noise)
        self.finish()
        self.reset()

    def push(self, samples: NDArray[np.float32]) -> list[SpotEvent]:
        """Return what `samples` (float32[n] at `rate_hz`) made clear, in order of time.

        Raises EventError when a sample is not finite; nothing has changed then.
        """
        events = self._encoder.push(samples)
        self.work.samples += len(samples)
        return self._take(events, self._encoder.horizon_ns)

    def push_events(self, events: Events, horizon_ns: int) -> list[SpotEvent]:
        """Return what events of the model's encoder made clear, in order of time, as `push` does for sound.

        events : those up to, not including, `horizon_ns`, in the stream's own time from 0. A stream is either
        of sound or of events, until the next `reset`.

        Raises EventError when an event lies off the grid, outside the ticks that are new, or its address does
        not exist.
        """
        # What was heard: the sound up to the last whole tick.
        heard_ns = max(0, horizon_ns - self._tick_ns)
        self.work.samples = max(self.work.samples, heard_ns * self.rate_hz // NS_PER_S)
        return self._take(events, horizon_ns)

    def _take(self, events: Events, horizon_ns: int) -> list[SpotEvent]:
        self.work.input_events += len(events)
        self._recent = Events.concatenate((self._recent, events))
        said: list[SpotEvent] = []
        for gate_event in self._gate.push(events, horizon_ns):
            if isinstance(gate_event, WindowOpened):
                self._run(gate_event.time_ns, said)
                self._open(gate_event, said)
            else:
                self._run(gate_event.time_ns + self._tick_ns, said)
                self._word_ended(gate_event, said)
        self._run(horizon_ns, said)
        self._recent = self._recent.select(self._recent.time_ns > horizon_ns - self._look_back_ns)
        return said

    def finish(self) -> list[SpotEvent]:
        """Return what the end of the stream makes clear; the spotter then wants a `reset`."""
        said: list[SpotEvent] = []
        end_ns = self.work.samples * NS_PER_S // self.rate_hz
        window = self._window
        if window is not None:
            if window.decision is None:
                self._close(window, end_ns, said)
            self._tell_end(window, end_ns, "end", said)
        self._window = None
        return said

    def _open(self, opened: WindowOpened, said: list[SpotEvent]) -> None:
        before = self._window
        if before is not None:
            undecided = before.decision is None
            if undecided and _is_confirmed(before.opened, opened):
                before.opened, before.word_end_ns = opened, None
                return
            if undecided and before.opened.provisional:
                self._count_work()
            elif undecided:
                self._close(before, opened.time_ns, said)
            self._tell_end(before, opened.time_ns, "next", said)
        # The network's first step is the tick after the start, like frame 0 of a clip that begins there.
        self._session.reset(opened.start_ns + self._tick_ns)
        self._rule.reset(opened.start_ns)
        self._window = _Window(opened, opened.start_ns + self._tick_ns)
        self.work.windows += 1
        self._catch_up(self._window, said)

    def _run(self, until_ns: int, said: list[SpotEvent]) -> None:
        """Process the window's ticks before `until_ns` one by one, none more than the decision needs."""
        window = self._window
        if window is None or window.decision is not None:
            return
        last_ns = min(until_ns - self._tick_ns, window.opened.end_ns)
        while window.next_ns <= last_ns:
            now_ns = window.next_ns
            window.next_ns += self._tick_ns
            decision = self._ticks(now_ns, now_ns, window.opened.from_ns)
            if decision is not None:
                self._decided(window, decision, said)
                return
        if window.next_ns > window.opened.end_ns:
            self._close(window, window.opened.end_ns, said)

    def _catch_up(self, window: _Window, said: list[SpotEvent]) -> None:
        """Process the look-back at once: it is past whatever the decision, and always the same ticks."""
        first_ns, last_ns = window.next_ns, window.opened.time_ns
        window.next_ns = last_ns + self._tick_ns
        decision = self._ticks(first_ns, last_ns, window.opened.from_ns)
        if decision is not None:
            self._decided(window, decision, said)

    def _ticks(self, first_ns: int, last_ns: int, from_ns: int) -> Decision | None:
        """Process the ticks from `first_ns` to `last_ns`; events up to `from_ns` belong to another window."""
        begin_ns = max(first_ns, from_ns + 1)
        first, last = np.searchsorted(self._recent.time_ns, (begin_ns, last_ns + 1))
        if last > first:
            self._session.push(self.model.input_name, self._recent.select(slice(first, last)))
        self._session.advance(last_ns + self._tick_ns)
        self.work.window_ticks += (last_ns - first_ns) // self._tick_ns + 1
        outputs = self._session.read(self.model.output_name)
        if self._watcher is not None and self._window is not None:
            self._window.outputs.append(outputs)
        return self._rule.observe(outputs) if len(outputs) else None

    def _close(self, window: _Window, end_ns: int, said: list[SpotEvent]) -> None:
        decision = self._rule.close(end_ns)
        if decision is None:
            # A rule on spikes stays silent when no output fired: nothing was heard.
            self._count_work()
            self._window = None
        else:
            self._decided(window, decision, said)

    def _decided(self, window: _Window, decision: Decision, said: list[SpotEvent]) -> None:
        counters = self._session.counters
        labels = self.model.labels
        name = labels[decision.label]
        window.decision = told = KeywordDecision(
            label=decision.label,
            name=name,
            keyword=name not in NOT_A_KEYWORD
            and (decision.early or decision.confidence >= MIN_FORCED_CONFIDENCE),
            start_ns=window.opened.start_ns,
            onset_ns=window.opened.time_ns,
            decided_ns=max(decision.time_ns, window.opened.time_ns),
            confidence=decision.confidence,
            rank=tuple(labels[output] for output in decision.rank),
            input_events=counters.input_events,
            spikes=sum(counters.spikes.values()),
            synaptic_events=counters.synaptic_events,
            early=decision.early,
        )
        if self._watcher is not None:
            window.decision = told = self._watched(self._watcher, window, told)
        self._count_work()
        said.append(told)
        if window.word_end_ns is not None:
            self._tell_end(window, window.word_end_ns, "level", said)

    def _watched(self, watcher: WindowWatcher, window: _Window, decision: KeywordDecision) -> KeywordDecision:
        output = self.model.output_name
        emitted = {name: self._session.read(name) for name in watcher.names if name != output}
        if output in watcher.names:
            emitted[output] = Events.concatenate(window.outputs)
        start_ns = window.opened.start_ns + self._tick_ns
        return watcher.decided(decision, emitted, start_ns, self._session.clock_ns)

    def _word_ended(self, ended: WordEnded, said: list[SpotEvent]) -> None:
        window = self._window
        if window is not None:
            window.word_end_ns = ended.end_ns
            self._tell_end(window, ended.end_ns, "level", said)

    def _tell_end(
        self, window: _Window, end_ns: int, how: Literal["level", "next", "end"], said: list[SpotEvent]
    ) -> None:
        if window.decision is None or window.told_end:
            return
        window.told_end = True
        lead_ms = (end_ns - window.decision.decided_ns) / NS_PER_MS
        said.append(WordEnd(window.decision, end_ns, lead_ms, how))

    def _count_work(self) -> None:
        counters = self._session.counters
        self.work.spikes += sum(counters.spikes.values())
        self.work.synaptic_events += counters.synaptic_events


def _is_confirmed(provisional: WindowOpened, onset: WindowOpened) -> bool:
    """Whether an onset lies so near the start of the stream that its window is the one already running."""
    same = (provisional.start_ns, provisional.from_ns) == (onset.start_ns, onset.from_ns)
    return provisional.provisional and same


def _rule(model: KeywordModel, threshold: float | None, full: bool) -> Rule:
    n_outputs = len(model.labels)
    if not full:
        return rule_from(model.bundle.decision, n_outputs, threshold)
    if threshold is not None:
        raise ParameterError("a threshold has no meaning without early decision (full)")
    return EndOfInput(n_outputs, model.bundle.decision.get("scale", 1.0))
