"""``aftercare forecast``: how much is going to leave, and what it costs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from babel.numbers import format_currency
from rich.table import Table

from worker.commands.output import output
from worker.content.library import Library
from worker.errors import NotFoundError
from worker.jobs.forecast import Line
from worker.jobs.forecast import forecast as work_out
from worker.parts import open_store, utc_now
from worker.settings import load_settings
from worker.store.clinics import all_clinics
from worker.store.engine import reading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from worker.jobs.forecast import Key
    from worker.rules.prices import Prices

Months = Annotated[int, typer.Option(min=1, max=24, help="How many, this one included.")]
OneClinic = Annotated[str, typer.Option("--clinic", help="Only this clinic's.")]
Json = Annotated[bool, typer.Option("--json", help="For machines.")]


def forecast(months: Months = 3, clinic: OneClinic = "", as_json: Json = False) -> None:
    """Show how many messages and SMS segments the plan takes, by month, clinic and language.

    With AFTERCARE_SMS_PRICES also what they cost. Sessions still to come are not in the plan yet.
    """
    settings = load_settings()
    library = Library(settings.aftercare_templates)
    with reading(open_store(settings)).begin() as db:
        if clinic and clinic not in all_clinics(db):
            message = f'There is no clinic "{clinic}"; see: aftercare clinic list'
            raise NotFoundError(message)
        lines = work_out(db, library, utc_now(), months=months, clinic=clinic)
    total = Line()
    for line in lines.values():
        total.add(line)
    prices, currency = settings.aftercare_sms_prices, settings.aftercare_currency
    if as_json:
        found = _plain(lines, total, prices, currency)
        output.print_json(json.dumps(found))
    else:
        _show(lines, total, prices, currency)


def _show(lines: Mapping[Key, Line], total: Line, prices: Prices, currency: str) -> None:
    table = Table(box=None, pad_edge=False, show_footer=True)
    for name, footer in (("Month", "Total"), ("Clinic", ""), ("Language", "")):
        table.add_column(name, footer)
    footers = _cells(total, prices, currency)
    for name, footer in zip(_NAMES, footers, strict=False):
        table.add_column(name, footer, justify="right")
    for key, line in lines.items():
        table.add_row(*key, *_cells(line, prices, currency))
    output.print(table)
    for note in _notes(total, prices):
        output.print(note, markup=False, soft_wrap=True)


_NAMES = ("Texts", "E-mails", "Of these left", "Segments", "Cost")


def _cells(line: Line, prices: Prices, currency: str) -> list[str]:
    counts = [str(each) for each in (line.texts, line.emails, line.left, line.segments)]
    return [*counts, _money(line.cost(prices), currency)] if prices else counts


def _money(amount: Decimal | None, currency: str) -> str:
    return "?" if amount is None else format_currency(amount, currency, locale="en")


def _notes(total: Line, prices: Prices) -> list[str]:
    notes = ["From the sessions that are completed so far; sessions to come add to it."]
    if not prices:
        notes.append(
            "For costs set AFTERCARE_SMS_PRICES, the price per segment by country, "
            "like US=0.0083,ES=0.07,*=0.05 (and AFTERCARE_CURRENCY)."
        )
    elif unpriced := total.unpriced(prices):
        found = ", ".join(f"{country} ({number} segments)" for country, number in unpriced.items())
        notes.append(f"AFTERCARE_SMS_PRICES has no price for {found}; * stands for every other.")
    if total.unmeasured:
        notes.append(
            f"{total.unmeasured} texts could not be measured: see aftercare check for templates."
        )
    return notes


def _plain(lines: Mapping[Key, Line], total: Line, prices: Prices, currency: str) -> dict[str, Any]:
    return {
        "currency": currency,
        "lines": [
            {"month": month, "clinic": clinic, "language": language, **_plain_line(line, prices)}
            for (month, clinic, language), line in lines.items()
        ],
        "total": _plain_line(total, prices),
        "unpriced": dict(total.unpriced(prices)),
    }


def _plain_line(line: Line, prices: Prices) -> dict[str, Any]:
    cost = line.cost(prices)
    return {
        "texts": line.texts,
        "emails": line.emails,
        "left": line.left,
        "segments": line.segments,
        "segments_by_country": dict(line.countries),
        # As text: a sum of money is no binary fraction.
        "cost": None if cost is None or not prices else str(cost),
        "unmeasured": line.unmeasured,
    }
