"""The house: which room may know of which, read from the imports themselves."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import worker

if TYPE_CHECKING:
    from collections.abc import Iterator

HOUSE = Path(worker.__file__).parent

#: The middle of the house; these rooms know of the rules and not of one another.
SIBLINGS = frozenset({"sources", "content", "channels", "store"})
#: A line of the journal, an exception, a folder's path: every room but the rules may use them.
COMMON = frozenset({"errors", "resources", "logs"})
#: What each room may import; a room that is not named here is at the edge and may import all.
MAY_IMPORT = {
    "rules": frozenset({"rules"}),
    "jobs": frozenset({"jobs", "rules"}) | SIBLINGS | COMMON,
    **{room: frozenset({room, "rules"}) | COMMON for room in SIBLINGS},
    **dict.fromkeys(COMMON, COMMON),
}
_WORLD = """
    sqlalchemy alembic sqlite3 psycopg twilio smtplib requests urllib http socket ssl email
    apscheduler structlog logging typer rich os sys io pathlib shutil subprocess threading
    concurrent asyncio time random secrets uuid
"""
#: Databases, providers, files, the network, the clock, chance: nothing of it is a rule.
NOT_PURE = frozenset(_WORLD.split())
#: What reads the clock of ``datetime`` and ``date``; the module ``time`` is not to be imported.
CLOCKS = frozenset({"now", "utcnow", "today"})

MODULES = sorted(HOUSE.rglob("*.py"))
RULES = [each for each in MODULES if each.parent == HOUSE / "rules"]


def name(module: Path) -> str:
    """``rules/gate`` for the file ``worker/rules/gate.py``."""
    return module.relative_to(HOUSE).with_suffix("").as_posix()


def room(module: Path) -> str:
    """``rules`` for ``worker/rules/gate.py``, ``settings`` for ``worker/settings.py``."""
    return name(module).partition("/")[0]


def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text(encoding="utf-8"))


def imports(module: Path) -> Iterator[str]:
    """Every module that a file imports, anywhere in it: what is only for types counts too."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(module)} imports relatively"
            # "from worker import rules" names the room after the import.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_imported(module: Path) -> set[str]:
    """The rooms of this house that a file knows of."""
    dotted = [each.split(".") for each in imports(module)]
    return {parts[1] for parts in dotted if parts[0] == "worker" and len(parts) > 1}


@pytest.mark.parametrize("module", RULES, ids=name)
def test_the_rules_know_nothing_of_the_world(module: Path) -> None:
    """No database, no provider, no file, no network, no clock and no chance."""
    outside = {each.partition(".")[0] for each in imports(module)}
    assert outside & NOT_PURE == set()


@pytest.mark.parametrize("module", RULES, ids=name)
def test_the_rules_never_look_at_a_clock(module: Path) -> None:
    """The present moment is an argument, so that a test can be at any."""
    looks = [
        ast.unparse(node)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS
    ]
    assert looks == []


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_imports_lead_inwards(module: Path) -> None:
    """From the edge to the jobs, from there to the middle, from there to the rules."""
    may = MAY_IMPORT.get(room(module))
    if may is not None:
        assert rooms_imported(module) - may == set()


def test_every_room_of_the_design_is_there() -> None:
    """A room that was renamed would be at the edge by mistake, where everything is allowed."""
    assert {room(each) for each in MODULES} >= set(MAY_IMPORT)
