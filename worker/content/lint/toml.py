"""Where a key stands in a TOML file, for findings that name the line."""

from __future__ import annotations

import re

_TABLE = re.compile(r"\s*\[+([^\[\]]+)\]+\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w.\"'-]+)\s*=")
#: As the TOML parser tells it, and pydantic does not.
_LINE = re.compile(r"\bline (\d+)")


def line_of_key(text: str, *path: str) -> int:
    """The line on which a key stands, by its whole path: ``restrictions``, ``sun``, ``wait``.

    A key that is missing is looked for where it belongs: at the head of its table, or else at 1.
    """
    table: tuple[str, ...] = ()
    best, depth = 1, 0
    for at, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            table = _parts(header[1])
            if len(table) > depth and table == path[: len(table)]:
                best, depth = at, len(table)
        elif (key := _KEY.match(line)) and (*table, *_parts(key[1])) == path:
            return at
    return best


def line_of_fault(text: str, fault: str) -> int:
    """The line of a fault that names its line (``… at line 3``) or its key (``stop.words: …``)."""
    if found := _LINE.search(fault):
        return int(found[1])
    return line_of_key(text, *_parts(re.split(r"[:\[]", fault)[0]))


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip(" \"'") for part in dotted.split("."))
