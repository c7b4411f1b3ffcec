"""Who has no right key hears nothing, and both sides say why."""

import re
import shutil
import threading
import time
from pathlib import Path

import pytest

from eventsim.errors import ParameterError, SourceError
from streams.curve_keys import make_key_files
from streams.publisher import Publisher
from streams.subscriber import Subscriber
from tests.streams.transport.generated_blocks import bits, sound, sound_stream

ANY = "tcp://127.0.0.1:0"
LIMIT_S = 30.0


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    for name in ("server", "other", "alice", "mallory"):
        make_key_files(folder, name)
    (folder / "allowed").mkdir()
    shutil.copy(folder / "alice.key", folder / "allowed")
    return folder


def client(keys: Path, name: str, server: str = "server") -> dict[str, Path]:
    return {"keys": keys / f"{name}.key_secret", "server_key": keys / f"{server}.key"}


@pytest.mark.parametrize("mode", ["live", "lossless"])
@pytest.mark.parametrize("restricted", [True, False])
def test_the_right_keys_let_everything_through(keys: Path, mode: str, restricted: bool) -> None:
    blocks = sound_stream([400] * 20)
    allowed = {"allowed_clients": keys / "allowed"} if restricted else {}
    with (
        Publisher(ANY, "s", mode=mode, server_keys=keys / "server.key_secret", **allowed) as out,
        Subscriber(out.address, "s", mode=mode, timeout_s=LIMIT_S, **client(keys, "alice")) as stream,
    ):
        assert out.wait_for_subscribers(1, LIMIT_S)
        sender = threading.Thread(target=lambda: [*map(out.send, blocks), out.close()])
        sender.start()
        assert [bits(r.block) for r in stream] == [bits(b) for b in blocks]
        sender.join(LIMIT_S)
    assert out.statistics.refused == 0


@pytest.mark.parametrize("mode", ["live", "lossless"])
@pytest.mark.parametrize(
    ("shown", "theirs", "ours"),
    [
        ("stranger", "the key is not among those allowed", "the key is not among those allowed"),
        ("wrong server key", "publisher's public key the right one", "the keys do not fit each other"),
        ("no keys", "one side uses CURVE|does it ask for keys", "one side uses CURVE|closed the connection"),
    ],
)
def test_wrong_keys_are_refused_and_both_sides_say_so(
    keys: Path, mode: str, shown: str, theirs: str, ours: str
) -> None:
    credentials = {
        "stranger": client(keys, "mallory"),
        "wrong server key": client(keys, "alice", "other"),
        "no keys": {},
    }[shown]
    guarded = {"server_keys": keys / "server.key_secret", "allowed_clients": keys / "allowed"}
    with Publisher(ANY, "s", mode=mode, **guarded) as out:
        with Subscriber(out.address, "s", mode=mode, timeout_s=LIMIT_S, **credentials) as stream:
            if mode == "live":
                out.send(sound(0, 4))
            with pytest.raises(SourceError, match=f"refused: .*({theirs})") as error:
                stream.receive()
        assert "\n" not in str(error.value)
        deadline = time.monotonic() + LIMIT_S
        while not out.statistics.refused:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert re.search(ours, out.statistics.last_refusal)
        # Those with the right key are served all the same.
        with Subscriber(out.address, "s", mode=mode, timeout_s=LIMIT_S, **client(keys, "alice")) as good:
            assert out.wait_for_subscribers(1, LIMIT_S)
            out.send(sound(0, 4))
            assert good.receive(LIMIT_S) is not None


def test_keys_shown_to_a_publisher_without_any_are_refused(keys: Path) -> None:
    with (
        Publisher(ANY, "s") as out,
        Subscriber(out.address, "s", timeout_s=LIMIT_S, **client(keys, "alice")) as stream,
        pytest.raises(SourceError, match="refused"),
    ):
        stream.receive(LIMIT_S)


def test_a_stranger_at_a_subscriber_that_listens_does_not_stop_it(keys: Path) -> None:
    with Subscriber("@" + ANY, "s", timeout_s=LIMIT_S, **client(keys, "alice")) as stream:
        with Publisher(
            ">" + stream.address, "s", server_keys=keys / "other.key_secret", linger_s=0.1
        ) as stranger:
            while not stream.statistics.refused:
                stranger.send(sound(0, 4))
                assert stream.receive(0.05) is None
        with Publisher(
            ">" + stream.address, "s", server_keys=keys / "server.key_secret", linger_s=0.1
        ) as out:
            while not out.wait_for_subscribers(1, 0.0):
                assert stream.receive(0.05) is None
            out.send(sound(0, 4))
            assert stream.receive(LIMIT_S) is not None


def test_key_files_that_cannot_be_used_are_said_before_anything_is_sent(keys: Path) -> None:
    with pytest.raises(ParameterError, match="secret-key"):
        Publisher(ANY, "s", server_keys=keys / "server.key")
    with pytest.raises(ParameterError, match="no folder"):
        Publisher(ANY, "s", server_keys=keys / "server.key_secret", allowed_clients=keys / "missing")
    with pytest.raises(ParameterError, match="cannot be read"):
        Subscriber("tcp://127.0.0.1:5", keys=keys / "missing", server_key=keys / "server.key")
