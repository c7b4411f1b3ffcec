import pytest
import zmq

from eventsim.errors import OutputError, ParameterError, SourceError
from streams.publisher import Publisher
from streams.socket_address import SocketAddress
from streams.subscriber import Subscriber


@pytest.mark.parametrize(
    ("text", "bind", "expected"),
    [
        ("tcp://localhost:5555", False, SocketAddress("tcp://localhost:5555", False)),
        ("tcp://localhost:5555", True, SocketAddress("tcp://localhost:5555", True)),
        ("@tcp://*:5555", False, SocketAddress("tcp://*:5555", True)),
        (">tcp://10.0.0.1:5555", True, SocketAddress("tcp://10.0.0.1:5555", False)),
        ("tcp://[::1]:5555", True, SocketAddress("tcp://[::1]:5555", True)),
        ("ipc://talk", False, SocketAddress("ipc://talk", False)),
        ("tcp://127.0.0.1:*", True, SocketAddress("tcp://127.0.0.1:*", True)),
    ],
)
def test_addresses_say_who_listens(text: str, bind: bool, expected: SocketAddress) -> None:
    assert SocketAddress.parse(text, bind=bind) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "5555",
        "localhost:5555",
        "http://localhost:5555",
        "inproc://x",
        "tcp://",
        "tcp://localhost",
        "tcp://localhost:",
        "tcp://:5555",
        "tcp://localhost:70000",
        "tcp://localhost:-1",
        "tcp://localhost:five",
        "tcp://localhost:٥",
        "tcp://*:5555",
        "tcp://localhost:0",
        "tcp://local host:5555",
        "tcp://localhost\n:5555",
        "ipc://",
        "ipc://" + "a" * 300,
        "ipc://" + "a" * 200,
        "@",
    ],
)
def test_what_is_no_address_to_connect_to_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ParameterError) as error:
        Subscriber(text, "s")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 250


def test_addresses_that_cannot_be_listened_on_are_said_in_one_line(tmp_path) -> None:
    with zmq.Context() as context, context.socket(zmq.PUB) as other:
        port = other.bind_to_random_port("tcp://127.0.0.1")
        for address, words in (
            (f"tcp://127.0.0.1:{port}", "in use by another program"),
            ("tcp://192.0.2.1:5555", "no such address"),
            (f"ipc://{tmp_path}/no/such/folder", "no such file"),
        ):
            with pytest.raises(OutputError, match=f"cannot listen on .*{words}") as error:
                Publisher(address, "s")
            assert "\n" not in str(error.value)
            with pytest.raises(SourceError, match=words):
                Subscriber("@" + address, "s")
