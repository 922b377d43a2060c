"""Forecast: what the plan will take, in messages, segments and money.

Every text that waits is made for its real patient and measured as the networks bill it; what has
left this month is counted from its stored words, so that the month adds up.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from worker.content.draft import draft
from worker.errors import TemplateError
from worker.rules.messages import WAITING, Channel
from worker.rules.planning import restriction_ends
from worker.rules.prices import country_of
from worker.rules.sms import measure
from worker.store import coming
from worker.store.cases import cases
from worker.store.clinics import all_clinics

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, RowMapping

    from worker.content.library import Library
    from worker.rules.facts import Clinic
    from worker.rules.prices import Prices
    from worker.store.cases import Case

_BATCH = 500
#: Clinics live in different zones, so a month's edge is a day wide in the store.
_EDGE = timedelta(days=1)


@dataclass(slots=True)
class Line:
    """A month of a clinic in one language."""

    texts: int = 0
    emails: int = 0
    #: Of both, those that have left already.
    left: int = 0
    segments: int = 0
    #: Segments by the country of the phone.
    countries: Counter[str] = field(default_factory=Counter)
    #: Texts that cannot be made, because their template has a fault.
    unmeasured: int = 0

    def cost(self, prices: Prices) -> Decimal | None:
        """What the segments cost; None when a price is missing for one of them."""
        costs = [prices.cost(country, number) for country, number in self.countries.items()]
        known = [each for each in costs if each is not None]
        return sum(known, Decimal()) if len(known) == len(costs) else None

    def unpriced(self, prices: Prices) -> Counter[str]:
        """Segments by country that have no price."""
        return Counter(
            {
                country: number
                for country, number in self.countries.items()
                if prices.cost(country, number) is None
            }
        )

    def add(self, other: Line) -> None:
        """Add another line to this one."""
        self.texts += other.texts
        self.emails += other.emails
        self.left += other.left
        self.segments += other.segments
        self.countries += other.countries
        self.unmeasured += other.unmeasured


#: Month (``2026-11``), clinic and language.
Key = tuple[str, str, str]


def forecast(
    db: Connection, library: Library, now: datetime, *, months: int, clinic: str = ""
) -> dict[Key, Line]:
    """What leaves in the present month and those after it, by month, clinic and language.

    Args:
        db: One consistent view of the store.
        library: The templates that texts are made from.
        now: The present moment.
        months: How many, the present one included.
        clinic: Only this clinic's.
    """
    clinics = all_clinics(db)
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    last = (first + timedelta(days=31 * months)).replace(day=1)
    lines: dict[Key, Line] = defaultdict(Line)
    batches = coming.to_price(db, first - _EDGE, last + _EDGE, _BATCH, clinic=clinic)
    for rows in batches:
        counted = _Batch(db, rows, library, clinics, now)
        for row in rows:
            counted.count(row, lines)
    names = {f"{_plus(now, each):%Y-%m}" for each in range(months)}
    return {key: lines[key] for key in sorted(lines) if key[0] in names}


def _plus(now: datetime, months: int) -> datetime:
    years, month = divmod(now.month - 1 + months, 12)
    return now.replace(year=now.year + years, month=month + 1, day=1)


class _Batch:
    """Some messages with what is needed to make their words."""

    def __init__(
        self,
        db: Connection,
        rows: Sequence[RowMapping],
        library: Library,
        clinics: Mapping[str, Clinic],
        now: datetime,
    ) -> None:
        waiting = {row["session_id"] for row in rows if row["status"] in WAITING}
        self._cases = cases(db, waiting) if waiting else {}
        self._library, self._clinics, self._now = library, clinics, now
        self._ends: dict[str, Mapping[str, datetime]] = {}

    def count(self, row: RowMapping, lines: Mapping[Key, Line]) -> None:
        """Add a message to its line."""
        if row["status"] not in WAITING:
            sent_at, address = row["claimed_at"], row["address"]
            language = row["language"]
            self._add(
                lines, row, moment=sent_at, language=language, text=row["body"], phone=address
            )
        elif row["expires_at"] > self._now:
            case = self._cases[row["session_id"]]
            language, text = self._text(row, case)
            moment, phone = max(row["due_at"], self._now), case.patient.phone
            self._add(lines, row, moment=moment, language=language, text=text, phone=phone)

    def _add(
        self,
        lines: Mapping[Key, Line],
        row: RowMapping,
        *,
        moment: datetime,
        language: str,
        text: str | None,
        phone: str | None,
    ) -> None:
        zone = self._clinics[row["clinic"]].zone
        line = lines[f"{moment.astimezone(zone):%Y-%m}", row["clinic"], language]
        line.left += row["status"] not in WAITING
        if row["channel"] is Channel.EMAIL:
            line.emails += 1
            return
        line.texts += 1
        if text is None or phone is None:
            line.unmeasured += 1
            return
        segments = measure(text).segments
        line.segments += segments
        line.countries[country_of(phone)] += segments

    def _text(self, row: RowMapping, case: Case) -> tuple[str, str | None]:
        """The language and, for a text message, the words; None when it has none."""
        clinic, patient, session = self._clinics[row["clinic"]], case.patient, case.session
        try:
            if row["channel"] is Channel.EMAIL:
                found = self._library.find(
                    session.treatment,
                    row["milestone"],
                    Channel.EMAIL,
                    wanted=patient.language,
                    fallback=clinic.language,
                )
                return found.language, None
            drafted = draft(
                self._library,
                clinic,
                patient,
                session,
                milestone=row["milestone"],
                channel=row["channel"],
                ends=self._ends_of(case),
                due_at=row["due_at"],
            )
            return drafted.template.language, drafted.render().text
        except TemplateError:
            return patient.language, None

    def _ends_of(self, case: Case) -> Mapping[str, datetime]:
        found = self._ends.get(case.session.session_id)
        if found is None:
            zone = case.patient.zone
            found = restriction_ends(case.sessions, self._library.protocols, zone)
            self._ends[case.session.session_id] = found
        return found
