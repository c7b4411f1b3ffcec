"""Damages to a TOML file: bytes replaced, or words and lines."""

from hypothesis import strategies as st

# What a value or a key may turn into, besides words of the file's own.
WORDS = [
    b"nan", b"-1", b"inf", b"1e400", b"99999999999999999999999", b"0", b"0.5", b'""', b'"x"', b"true", b"[]",
    b"{}", b"[[1]]", b"1979-05-27", b'"\\u0000"', b"\xff", b"\n", b"=",
]  # fmt: skip


@st.composite
def bytes_replaced(draw: st.DrawFn, text: bytes, words: list[bytes]) -> bytes:
    """Draw a file in which up to four places are other bytes, some of them whole words."""
    damaged = bytearray(text)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(damaged) - 1))
        end = min(len(damaged), at + draw(st.integers(0, 12)))
        damaged[at:end] = draw(st.one_of(st.sampled_from([*WORDS, *words]), st.binary(max_size=6)))
    return bytes(damaged)


@st.composite
def lines_replaced(draw: st.DrawFn, text: bytes, words: list[bytes]) -> bytes:
    """Draw a file in which up to three lines have another word, are gone, stand twice or elsewhere."""
    lines = text.split(b"\n")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        parts = lines[at].replace(b"{", b"{ ").split(b" ")
        what = draw(st.sampled_from(["word", "drop", "double", "swap"]))
        if what == "word":
            parts[draw(st.integers(0, len(parts) - 1))] = draw(st.sampled_from([*WORDS, *words]))
            lines[at] = b" ".join(parts)
        elif what == "drop":
            lines[at] = b""
        elif what == "double":
            lines.insert(at, lines[at])
        else:
            other = draw(st.integers(0, len(lines) - 1))
            lines[at], lines[other] = lines[other], lines[at]
    return b"\n".join(lines)
