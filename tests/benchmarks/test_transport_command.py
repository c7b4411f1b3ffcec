"""The benchmark of the transport runs, moves every event and writes what it measured."""

from pathlib import Path

import msgspec
import pytest

from benchmarks import transport, transport_process
from benchmarks.transport_process import End, Options
from tests.streams.transport.generated_blocks import bits


@pytest.mark.timeout(240)
def test_a_short_run_moves_every_event_and_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results" / "transport.json"
    names = ["eventsim", "eventsim live", "packed"]
    code = transport.main(["--seconds", "1", "--events", "2000", "--carriers", *names, "--json", str(path)])
    result = msgspec.json.decode(path.read_bytes(), type=transport.TransportResult)
    assert [run.options.carrier for run in result.runs] == names
    assert code == (0 if result.met else 1)
    printed = capsys.readouterr().out
    for run in result.runs:
        assert transport.CARRIERS[run.options.carrier] in printed
        assert run.received.wrong_messages == 0
        if run.options.carrier != "eventsim live":
            assert run.received.messages == run.sent.messages
            assert run.received.lost_events == 0


@pytest.mark.parametrize("carrier", ["pickle", "msgspec", "packed"])
def test_plain_carriers_carry_every_event(carrier: str) -> None:
    block = next(transport_process.blocks(Options(carrier=carrier, seconds=1.0, events=50)))
    frames = [bytes(memoryview(frame)) for frame in transport_process._ENCODERS[carrier](block)]
    assert bits(transport_process._DECODERS[carrier](frames)) == bits(block)


def test_a_bar_is_met_only_where_nothing_is_lost() -> None:
    end = End(events=10**7, messages=10, seconds=1.0, cpu_s=1.0, per_second=[10**7])
    slow = msgspec.structs.replace(end, per_second=[10**7, 4 * 10**6])
    lost = msgspec.structs.replace(end, lost_events=1)
    wrong = msgspec.structs.replace(end, wrong_messages=1)
    options = Options(carrier="eventsim", seconds=1.0, events=10)
    for received, met in ((end, True), (slow, False), (lost, False), (wrong, False)):
        run = transport.Run(options=options, sent=end, received=received, load=(0.0, 0.0))
        assert transport._met(run) == met


def test_options_that_make_no_sense_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert transport.main(["--seconds", "0"]) == 2
    assert "seconds" in capsys.readouterr().err
