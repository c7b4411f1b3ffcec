"""Tables of results in Markdown, and the pages that hold them between two marks."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from eventsim.atomic_write import write_atomically
from eventsim.errors import DataError


def number(value: float, digits: int = 3) -> str:
    """Return a number with so many digits that count, thousands set off.

    >>> number(0.012345), number(15.2), number(123456.0), number(0.0)
    ('0.0123', '15.2', '123,456', '0')
    """
    if value == 0.0:
        return "0"
    if abs(value) < 1.0:
        return f"{value:#.{digits}g}"
    before_point = len(str(int(abs(value))))
    return f"{value:,.{max(0, digits - before_point)}f}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown.

    >>> print(table(("a", "b"), [("1", "2")]))
    | a | b |
    |---|---|
    | 1 | 2 |
    """
    lines = [_line(heads), "|" + "---|" * len(heads), *(_line(row) for row in rows)]
    return "\n".join(lines)


def marks(name: str) -> tuple[str, str]:
    """Return the two marks between which a page holds the tables of that name."""
    return f"<!-- {name}: begin -->", f"<!-- {name}: end -->"


def with_tables(text: str, name: str, tables: str) -> str:
    """Return the text of a page with what lies between its marks renewed.

    Raises DataError where it lacks one of them.
    """
    begin, end = marks(name)
    head, found, rest = text.partition(begin)
    _, also, tail = rest.partition(end)
    if not (found and also):
        raise DataError(f"the page lacks {begin} or {end}")
    return f"{head}{begin}\n{tables}\n{end}{tail}"


def renew(page: Path, name: str, tables: str) -> None:
    """Write the tables into the page.

    Raises DataError where the page cannot be read or lacks its marks.
    """
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"{page.name}: {error.strerror or error}") from None
    write_atomically(page, with_tables(text, name, tables).encode())


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"
