"""`eventsim kws` between other programs: what comes over the wire is heard as what is read from a file."""

import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from apps.main import main
from eventsim.events import Events
from streams.decision_block import DecisionBlock
from streams.description import Block
from streams.dvs_block import DvsBlock
from streams.encoders import new_encoder
from streams.event_block import EventBlock
from streams.publisher import Publisher
from streams.recording import Recording
from tests.apps.running_command import Line, RunningCommand, ipc_address

pytestmark = pytest.mark.compiled

Babble = Callable[[float, int], np.ndarray]
RATE_HZ = 16_000
WHOLE = ("--lossless", "--timeout", "60")


@pytest.fixture(scope="module")
def sound_file(make_babble: Babble, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "babble.wav"
    soundfile.write(path, make_babble(6.0, 5), RATE_HZ)
    return path


@pytest.fixture(scope="module")
def decided(sound_file: Path, model_file: Path) -> list[Line]:
    """What `kws FILE` decides: what everything else is held against."""
    with RunningCommand("kws", sound_file, "--model", model_file, "--json") as direct:
        assert direct.finish() == 0, direct.stderr
    decisions = direct.of_type("decision")
    assert len(decisions) > 3
    return decisions


def streamed(decisions: list[Line]) -> list[Line]:
    """Return decisions without what does not travel with them."""
    travels = ("label", "name", "keyword", "start_ns", "decided_ns", "confidence", "rank", "early")
    return [{name: line[name] for name in travels} for line in decisions]


@pytest.mark.parametrize("encode", [(), ("--encode", "mel-delta")], ids=["sound", "events"])
def test_a_stream_is_heard_like_the_file_and_its_decisions_arrive(
    sound_file: Path, model_file: Path, decided: list[Line], tmp_path: Path, encode: tuple[str, ...]
) -> None:
    sound, answers, recording = ipc_address(tmp_path, "1"), ipc_address(tmp_path, "2"), tmp_path / "d.evrec"
    kws = ("kws", "--from", sound, "--to", answers, "--to-lossless", "--model", model_file, "--json")
    with (
        RunningCommand("listen", answers, "--json", "--record", recording, *WHOLE) as receiver,
        RunningCommand(*kws, *WHOLE) as spotter,
        RunningCommand("stream", sound_file, "--to", sound, "--lossless", *encode, "--json") as sender,
    ):
        codes = [one.finish() for one in (sender, spotter, receiver)]
    assert codes == [0, 0, 0], (sender.stderr, spotter.stderr, receiver.stderr)
    assert spotter.of_type("decision") == decided
    assert streamed(receiver.of_type("decision")) == streamed(decided)
    # Each decision tells when the sound behind it was there.
    assert all(line["latency_ns"] > 0 for line in receiver.of_type("decision"))
    network = spotter.summary["network"]
    assert (network["lost_messages"], network["restarts"], network["filled_s"]) == (0, 0, 0)
    assert spotter.summary["audio_s"] == pytest.approx(6.0)
    recorded = [decision.name for item in Recording(recording) for decision in item.block.decisions]
    assert recorded == [line["name"] for line in decided]


def test_recordings_and_raw_samples_are_heard_like_the_file(
    sound_file: Path, model_file: Path, decided: list[Line], tmp_path: Path
) -> None:
    recording, to = tmp_path / "r.evrec", ipc_address(tmp_path)
    with (
        RunningCommand("listen", to, "--record", recording, "--json", *WHOLE) as recorder,
        RunningCommand("stream", sound_file, "--to", to, "--lossless", "--json", "--block-ms", "7") as sender,
    ):
        assert (sender.finish(), recorder.finish()) == (0, 0)
    samples, _ = soundfile.read(sound_file, dtype="int16")
    arguments = ("kws", recording, "-", "--rate", str(RATE_HZ), "--model", model_file, "--json")
    with RunningCommand(*arguments, stdin=subprocess.PIPE) as spotter:
        assert spotter.process.stdin is not None
        spotter.process.stdin.buffer.write(samples.astype("<i2").tobytes())
        spotter.process.stdin.close()
        assert spotter.finish() == 0, spotter.stderr
    assert spotter.of_type("decision") == decided * 2


def test_a_publisher_killed_and_started_anew_is_heard_on(
    sound_file: Path, model_file: Path, tmp_path: Path
) -> None:
    to = ipc_address(tmp_path)
    send = ("stream", sound_file, "--to", to, "--wait-for", "1", "--json")
    with RunningCommand("kws", "--from", to, "--model", model_file, "--json", "--timeout", "60") as spotter:
        with RunningCommand(*send, "--speed", "0.5") as first:
            spotter.wait_for("decision")
            first.process.kill()
            first.process.wait(10)
        with RunningCommand(*send, "--speed", "4") as second:
            assert second.finish() == 0
        assert spotter.finish() == 0, spotter.stderr
    assert spotter.summary["network"]["restarts"] == 1
    assert spotter.summary["network"]["lost_messages"] == 0
    # All of the second start was heard, after a part of the first.
    assert spotter.summary["audio_s"] > 6.0
    decisions = spotter.of_type("decision")
    assert all(a["onset_ns"] < b["onset_ns"] for a, b in pairwise(decisions))


def test_ctrl_c_tells_what_was_heard_and_ends_the_stream_of_decisions(
    sound_file: Path, model_file: Path, tmp_path: Path
) -> None:
    sound, answers = ipc_address(tmp_path, "1"), ipc_address(tmp_path, "2")
    with (
        RunningCommand("listen", answers, "--json", "--timeout", "60") as receiver,
        RunningCommand(
            *("kws", "--from", sound, "--to", answers, "--model", model_file, "--json", "--timeout", "60")
        ) as spotter,
        RunningCommand(
            *("stream", sound_file, "--to", sound, "--wait-for", "1", "--speed", "0.1", "--json")
        ) as sender,
    ):
        spotter.wait_for("stream")
        receiver.wait_for("status", lambda line: line["messages"] > 0)
        spotter.interrupt()
        assert spotter.finish() == 130
        assert receiver.finish() == 0
        sender.interrupt()
        assert sender.finish() == 130
    assert spotter.summary["audio_s"] > 0


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """Run the command in this process, where kernels are loaded, and return its one line of error."""
    assert main(list(map(str, arguments))) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("eventsim: error: ")
    return line


def an_encoder(**changes: object) -> dict[str, object]:
    return {"encoder": {**new_encoder("mel-delta").describe(), **changes}}


NO_EVENTS = EventBlock(Events.empty(), 0, 10_000_000, 80)
A_CAMERA = DvsBlock(
    np.zeros(1, np.int64), np.zeros(1, np.uint16), np.zeros(1, np.uint16), np.ones(1, np.bool_), 3, 2, 0, 9
)


@pytest.mark.parametrize(
    ("block", "metadata", "words"),
    [
        (A_CAMERA, {}, ("is dvs of 3 x 2 pixels", "hears audio")),
        (DecisionBlock((), 0, 9), {}, ("is decisions", "hears audio")),
        (NO_EVENTS, {}, ("does not say which encoder made its events", "mel-delta:")),
        (NO_EVENTS, {"encoder": new_encoder("lif").describe()}, ("made by lif, the model wants mel-delta",)),
        (NO_EVENTS, an_encoder(step=0.5), ("mel-delta:step=0.5, the model wants mel-delta:step=0.7",)),
        (NO_EVENTS, {"encoder": {"kind": "ear"}}, ("encoder is unknown here", "'ear'")),
        (NO_EVENTS, an_encoder(step="loud"), ("encoder",)),
    ],
)
def test_a_stream_that_cannot_be_heard_is_refused_in_one_line(
    block: Block,
    metadata: dict[str, object],
    words: tuple[str, ...],
    model_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Publisher(ipc_address(tmp_path), "s", mode="lossless", metadata=metadata) as publisher:
        publisher.send(block)
        line = refused(capsys, "kws", "--from", publisher.address, "--model", model_file, *WHOLE)
    assert all(word in line for word in words), line


def test_a_wrong_key_or_none_is_refused_in_one_line(
    model_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in ("ours", "theirs"):
        assert main(["keys", str(tmp_path / folder)]) == 0
    capsys.readouterr()
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    with Publisher(
        "tcp://127.0.0.1:0",
        "s",
        server_keys=ours / "server" / "server.key_secret",
        allowed_clients=ours / "clients",
    ) as publisher:
        kws = ("kws", "--from", publisher.address, "--model", model_file, "--timeout", "60")
        public = ours / "server" / "server.key"
        assert "refused" in refused(capsys, *kws)
        stranger = theirs / "clients" / "client.key_secret"
        assert "not among those allowed" in refused(capsys, *kws, "--keys", stranger, "--server-key", public)
        own, wrong = ours / "clients" / "client.key_secret", theirs / "server" / "server.key"
        assert "refused" in refused(capsys, *kws, "--keys", own, "--server-key", wrong)
