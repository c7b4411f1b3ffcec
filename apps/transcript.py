"""Truth beside decision: which spoken word a decision belongs to, and the score in the end."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from apps.spotter import NS_PER_S, KeywordDecision
from eventsim.errors import DataError

# A gate sees an onset a little before or after a person (or a synthesiser) says the word begins.
ONSET_TOLERANCE_S = 0.25


class SpokenWord(msgspec.Struct, frozen=True):
    """One word of a transcript: its class, what was said, when (s), and by whom."""

    label: str
    text: str
    start_s: float
    end_s: float
    voice: str = ""

    @property
    def is_keyword(self) -> bool:
        """False for a word the network is to reject."""
        return self.label != "unknown"


class _File(msgspec.Struct, frozen=True):
    sample_rate_hz: int
    words: list[SpokenWord]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A spoken word (None: nothing was said) beside the decision on it (None: nothing was decided)."""

    word: SpokenWord | None
    decision: KeywordDecision | None

    @property
    def outcome(self) -> Literal["correct", "wrong", "missed", "rejected", "false alarm", "nothing"]:
        """What the pair amounts to; "rejected" is a word that is no keyword and was not taken for one."""
        heard = self.decision is not None and self.decision.keyword
        if self.word is None:
            return "false alarm" if heard else "nothing"
        if not self.word.is_keyword:
            return "false alarm" if heard else "rejected"
        if not heard:
            return "missed"
        assert self.decision is not None
        return "correct" if self.decision.name == self.word.label else "wrong"


@dataclass(slots=True)
class Score:
    """Counts of verdicts."""

    correct: int = 0
    wrong: int = 0
    missed: int = 0
    rejected: int = 0
    false_alarm: int = 0

    @property
    def n_keywords(self) -> int:
        """Keywords spoken."""
        return self.correct + self.wrong + self.missed


class Transcript:
    """Pairs decisions, as they come, with the words of a recording, each word at most once."""

    def __init__(self, words: list[SpokenWord]) -> None:
        self._words = sorted(words, key=lambda word: word.start_s)
        self._open = list(self._words)
        self.score = Score()

    def __len__(self) -> int:
        return len(self._words)

    def fresh(self) -> "Transcript":
        """Return the same words, none of them matched yet."""
        return Transcript(self._words)

    def match(self, decision: KeywordDecision) -> list[Verdict]:
        """Return the verdicts up to and including this decision: words it shows to be missed come first."""
        onset_s = decision.onset_ns / NS_PER_S
        fitting = [word for word in self._open if word.start_s - ONSET_TOLERANCE_S <= onset_s < word.end_s]
        nearest = min(fitting, key=lambda word: abs(word.start_s - onset_s), default=None)
        before_s = nearest.start_s if nearest else onset_s - ONSET_TOLERANCE_S
        passed = [word for word in self._open if word.end_s <= before_s and word is not nearest]
        verdicts = [Verdict(word, None) for word in passed] + [Verdict(nearest, decision)]
        self._open = [word for word in self._open if word is not nearest and word not in passed]
        return self._counted(verdicts)

    def close(self, heard_s: float) -> list[Verdict]:
        """Return a verdict for every word up to `heard_s` on which nothing was decided."""
        verdicts = [Verdict(word, None) for word in self._open if word.end_s <= heard_s]
        self._open = []
        return self._counted(verdicts)

    def _counted(self, verdicts: list[Verdict]) -> list[Verdict]:
        for verdict in verdicts:
            name = verdict.outcome.replace(" ", "_")
            if name != "nothing":
                setattr(self.score, name, getattr(self.score, name) + 1)
        return verdicts


def load_transcript(path: Path) -> Transcript:
    """Return the transcript in a JSON file; DataError when it cannot be read."""
    try:
        return Transcript(msgspec.json.decode(path.read_bytes(), type=_File).words)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror or error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: no transcript ({error})") from None
