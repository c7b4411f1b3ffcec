"""What docs/wire.md says is what is sent: its client runs, and its numbers are those of the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from streams.publisher import Publisher
from streams.recording_format import FILE_HEAD_BYTES, MAGIC, RECORD_HEAD_BYTES
from streams.wire_header import MAJOR, MAX_HEADER_BYTES, MAX_MESSAGE_BYTES, MAX_TOPIC_BYTES
from tests.streams.transport.generated_blocks import camera_block

DOCUMENT = Path(__file__).parents[3] / "docs" / "wire.md"
LIMIT_S = 60.0


@pytest.mark.timeout(120)
def test_the_client_of_the_document_reads_a_stream(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert "eventsim import" not in code
    assert "streams" not in code
    script = tmp_path / "client.py"
    script.write_text(code)
    blocks = [camera_block(i * 1_000_000, 50 + i) for i in range(5)]
    with Publisher("tcp://127.0.0.1:0", "camera") as out:
        command = [sys.executable, str(script), out.address]
        client = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        try:
            assert out.wait_for_subscribers(1, LIMIT_S)
            for block in blocks:
                out.send(block)
            out.close()
            printed, _ = client.communicate(timeout=LIMIT_S)
        finally:
            client.kill()
    expected = [(len(b), 0, b.time_ns.sum(), b.x.sum(), b.y.sum(), b.on.sum()) for b in blocks]
    assert printed == "".join(" ".join(map(str, line)) + "\n" for line in expected)
    assert client.returncode == 0


def test_the_numbers_of_the_document_are_those_of_the_code() -> None:
    text = DOCUMENT.read_text()
    assert f"{MAX_MESSAGE_BYTES:,} bytes" in text
    assert f"{MAX_TOPIC_BYTES} bytes" in text
    assert f"{MAX_HEADER_BYTES:,} bytes" in text
    assert f"now `{MAJOR}`" in text
    assert " ".join(f"{byte:02X}" for byte in MAGIC) in text
    assert (FILE_HEAD_BYTES, RECORD_HEAD_BYTES) == (16, 24)
