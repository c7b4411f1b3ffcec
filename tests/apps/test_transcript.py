from pathlib import Path

import pytest

from apps.spotter import KeywordDecision
from apps.transcript import SpokenWord, Transcript, load_transcript
from eventsim.errors import DataError


def decision(name: str, onset_s: float) -> KeywordDecision:
    onset_ns = round(onset_s * 1e9)
    keyword = name not in ("unknown", "silence")
    return KeywordDecision(0, name, keyword, onset_ns, onset_ns, onset_ns, 0.9, (name,), 1, 1, 1, True)


WORDS = [
    SpokenWord("yes", "yes", 1.0, 1.5),
    SpokenWord("unknown", "river", 2.0, 2.5),
    SpokenWord("no", "no", 3.0, 3.4),
    SpokenWord("stop", "stop", 4.0, 4.6),
]


def verdicts(*told: KeywordDecision) -> tuple[list[str], Transcript]:
    transcript = Transcript(WORDS)
    found = [verdict for one in told for verdict in transcript.match(one)] + transcript.close(60.0)
    return [f"{v.word.text if v.word else '-'}: {v.outcome}" for v in found], transcript


def test_all_right() -> None:
    found, transcript = verdicts(
        decision("yes", 0.9), decision("unknown", 2.1), decision("no", 3.0), decision("stop", 4.1)
    )
    assert found == ["yes: correct", "river: rejected", "no: correct", "stop: correct"]
    assert (transcript.score.correct, transcript.score.n_keywords, transcript.score.rejected) == (3, 3, 1)


def test_errors_are_shown_in_order() -> None:
    found, transcript = verdicts(decision("up", 0.2), decision("on", 2.05), decision("yes", 3.1))
    assert found == ["-: false alarm", "yes: missed", "river: false alarm", "no: wrong", "stop: missed"]
    score = transcript.score
    assert (score.correct, score.wrong, score.missed, score.rejected, score.false_alarm) == (0, 1, 2, 0, 2)


def test_a_word_counts_once() -> None:
    found, _ = verdicts(decision("yes", 1.0), decision("yes", 1.3))
    assert found[:2] == ["yes: correct", "-: false alarm"]


def test_unknown_and_silence_away_from_words_are_nothing() -> None:
    found, transcript = verdicts(decision("silence", 0.0), decision("unknown", 1.8))
    assert found[0] == "-: nothing"
    assert transcript.score.false_alarm == 0


def test_a_keyword_taken_for_unknown_is_missed() -> None:
    found, _ = verdicts(decision("unknown", 1.0))
    assert found[0] == "yes: missed"


def test_a_fresh_copy_remembers_nothing() -> None:
    _, used = verdicts(decision("yes", 1.0))
    again = used.fresh()
    assert [v.outcome for v in again.match(decision("yes", 1.0))] == ["correct"]


@pytest.mark.parametrize("content", ["", "[]", '{"sample_rate_hz": 1, "words": [{"label": 3}]}'])
def test_a_damaged_transcript_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "t.json"
    file.write_text(content)
    with pytest.raises(DataError, match=r"t\.json: no transcript"):
        load_transcript(file)
    with pytest.raises(DataError, match="No such file"):
        load_transcript(tmp_path / "none.json")
