"""``aftercare init``: from an empty folder to a worker that can start, in one conversation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from worker.commands import dotenv
from worker.commands.ask import confirm
from worker.commands.init_clinic import Given, ask_clinic, choose, differences, take_clinic
from worker.commands.init_source import Judge, ask_source, look, reach, save_proposal
from worker.commands.output import output
from worker.content.library import Library
from worker.errors import ConfigurationError, SourceError
from worker.parts import open_store, utc_now
from worker.settings import load_settings
from worker.sources.connect import source_url
from worker.store import clinics as store
from worker.store.engine import reading

if TYPE_CHECKING:
    from collections.abc import Collection

    from worker.commands.init_source import Looked
    from worker.rules.facts import Clinic
    from worker.settings import Settings

_ENV = Path(".env")
_SQL = Path("completed_sessions.sql")

Yes = Annotated[
    bool, typer.Option("--yes", "-y", help="Ask nothing: take the options and the defaults.")
]
Replace = Annotated[bool, typer.Option("--replace", help="With --yes: replace settings in .env.")]
Text = Annotated[str, typer.Option()]
Url = Annotated[
    str, typer.Option("--source-url", help="The clinic's database. Better typed when asked.")
]


def init(  # noqa: PLR0917 (Typer's options)
    key: Text = "",
    name: Text = "",
    country: Text = "",
    time_zone: Text = "",
    language: Text = "",
    phone: Text = "",
    email: Text = "",
    opens: Text = "",
    closes: Text = "",
    url: Url = "",
    yes: Yes = False,
    replace: Replace = False,
) -> None:
    """Set up Aftercare in this folder: the clinic, its database, and the file .env.

    Running it again offers what is there and changes what you answer otherwise.
    """
    settings = load_settings()
    with reading(open_store(settings)).begin() as db:
        clinics = store.all_clinics(db)
    given = Given(key, name, country, time_zone, language, phone, email, opens, closes)
    stored = choose(given, clinics)
    clinic = take_clinic(given, stored) if yes else ask_clinic(given, stored)
    stored = clinics.get(clinic.key)
    before = _whole_url(url) if url else settings.source_url or ""
    source = _whole_url(before if yes else ask_source(before))
    if source:
        reach(source)
    judge = Judge({**clinics, clinic.key: clinic}, _treatments(settings), utc_now())
    looked = _look(source, settings, judge) if source else None
    _write_settings(source, replace=replace, yes=yes)
    _save_clinic(clinic, stored)
    _tell_what_is_next(source, looked, yes=yes)


def _whole_url(text: str) -> str:
    """The source's URL with the driver that is used; empty when it is for later.

    Raises:
        ConfigurationError: When it is none; never quotes it, for it may hold a password.
    """
    try:
        return text and source_url(text).render_as_string(hide_password=False)
    except ValueError as error:
        raise ConfigurationError([f"SOURCE_URL {error}"]) from None


def _treatments(settings: Settings) -> Collection[str]:
    return Library(settings.aftercare_templates).treatments


def _look(source: str, settings: Settings, judge: Judge) -> Looked | None:
    query = settings.source_query.read_text(encoding="utf-8") if settings.source_query else None
    try:
        return look(source, query, judge)
    except SourceError as error:
        # The database answers, and the view can be mended later.
        output.print(f"\n{error}", markup=False, soft_wrap=True, style="red")
        return None


def _write_settings(source: str, *, replace: bool, yes: bool) -> None:
    """Put settings into ``.env``; a value that stands there goes only when that is wanted."""
    there = dotenv.read(_ENV)
    wanted = {"SOURCE_URL": source} if source else {}
    wanted |= {"AFTERCARE_MODE": "trial"} if not there.get("AFTERCARE_MODE") else {}
    news = {name: value for name, value in wanted.items() if there.get(name) != value}
    for name in [each for each in news if there.get(each)]:
        same = name == "SOURCE_URL" and _means_the_same(there[name], source)
        asked = f"{_ENV} has another {name}; replace it?"
        if same or not (replace if yes else confirm(asked, default=False)):
            del news[name]
            if not same:
                output.print(f"{name} in {_ENV} stays as it is (--replace changes it).")
    if news:
        dotenv.write(_ENV, news)
        output.print(f"\n{', '.join(news)} written to {_ENV}; only you can read the file.")


def _means_the_same(before: str, after: str) -> bool:
    try:
        return source_url(before).render_as_string(hide_password=False) == after
    except ValueError:
        return False


def _save_clinic(clinic: Clinic, stored: Clinic | None) -> None:
    with open_store(load_settings()).begin() as db:
        if stored is None:
            store.add_clinic(db, clinic, utc_now())
            told = f"{clinic.name} is set up as {clinic.key}."
        elif changes := differences(stored, clinic):
            store.edit_clinic(db, clinic, utc_now())
            told = f"{clinic.key} is changed: {', '.join(changes)}."
        else:
            told = f"{clinic.key} stays as it was."
    output.print(told, markup=False, soft_wrap=True)


def _tell_what_is_next(source: str, looked: Looked | None, *, yes: bool) -> None:
    steps = []
    if not source:
        steps.append("aftercare init      once more, when you know the clinic's database")
    elif looked and looked.proposal:
        steps += _proposal_steps(looked.proposal, yes=yes)
    elif not (looked and looked.complete):
        steps.append("mend the view as said above, and look again: aftercare init")
    steps += [
        "aftercare check     everything that is still wrong, at once",
        "aftercare source    what the first pass would do, without doing it",
        "aftercare run       the worker; in trial mode nobody is contacted, and every message",
        "                    lands in aftercare-outbox/. AFTERCARE_MODE in .env changes that",
    ]
    output.print("\n[bold]What comes next[/]")
    for step in steps:
        output.print(f"  {step}", markup=False, soft_wrap=True)


def _proposal_steps(proposal: str, *, yes: bool) -> list[str]:
    if not save_proposal(_SQL, proposal):
        if yes or not confirm(f"{_SQL} is there and differs; replace it?", default=False):
            return [f"{_SQL} stays as it was: finish it, run it in the clinic's database"]
        _SQL.write_text(proposal, encoding="utf-8")
    return [
        f"{_SQL}: decide the lines marked DECIDE, and let the clinic's administrator",
        "                    run it. If no view can be made: delete the line CREATE VIEW and set",
        f"                    SOURCE_QUERY={_SQL} in .env",
    ]
