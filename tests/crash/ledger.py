"""The ledger: what patients received, beside what the worker's database says of it."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from tests.support.world import CLINIC
from worker.rules.messages import WAITING, Channel, Status
from worker.store.engine import reading
from worker.store.tables import MESSAGES

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from tests.crash.watched import WatchedMail, WatchedTwilio

#: The one milestone that is due sixteen minutes after a session.
MILESTONE = "home"
_IS_DUE = MESSAGES.c.milestone == MILESTONE


def phone(number: int) -> str:
    """The mobile phone of a patient by number."""
    return f"+346{number:08d}"


def email(number: int) -> str:
    """The e-mail address of a patient by number."""
    return f"p{number}@example.com"


@dataclass
class Ledger:
    """See the module. Patients are numbered from 1; each had one session.

    Attributes:
        sessions: How many there are; an SMS and an e-mail are due for each.
        unmarked: Messages that reached a provider before they were marked as leaving.
    """

    engine: Engine
    twilio: WatchedTwilio
    mail: WatchedMail
    sessions: int = field(default=0, kw_only=True)
    unmarked: list[str] = field(default_factory=list, kw_only=True)

    def rows(self, *statuses_or_channels: Status | Channel) -> list[Any]:
        """The due messages' rows; all of them, or of one status and channel."""
        wanted = select(MESSAGES).where(_IS_DUE)
        for each in statuses_or_channels:
            column = MESSAGES.c.status if isinstance(each, Status) else MESSAGES.c.channel
            wanted = wanted.where(column == each)
        with reading(self.engine).begin() as db:
            return list(db.execute(wanted))

    def statuses(self) -> Counter[Status]:
        """How many due messages stand where."""
        count = select(MESSAGES.c.status, func.count()).group_by(MESSAGES.c.status)
        with reading(self.engine).begin() as db:
            return Counter(dict(db.execute(count.where(_IS_DUE)).all()))

    def unsettled(self) -> int:
        """How many messages are neither sent nor held for a person."""
        found = self.statuses()
        return 2 * self.sessions - found[Status.SENT] - found[Status.HELD]

    def check_mark(self, address: str) -> None:
        """Called as a message arrives: by now it has to be on record that it may be leaving."""
        wanted = select(MESSAGES.c.status).where(_IS_DUE, MESSAGES.c.address == address)
        found: list[Status] = []
        # Some tests take the database away; then nobody can tell.
        with suppress(OperationalError), reading(self.engine).begin() as db:
            found += db.execute(wanted).scalars()
        # A copy of an e-mail may come when the message is recorded as sent.
        if WAITING.intersection(found):
            self.unmarked.append(address)

    def assert_each_once(self) -> None:
        """Every session's patient got one SMS and one e-mail, and every message says it is sent."""
        self.assert_none_twice()
        numbers = range(1, self.sessions + 1)
        assert {each.to for each in self.twilio.received} == {phone(n) for n in numbers}, self.story
        assert self.emails().keys() == {email(n) for n in numbers}, self.story
        assert self.statuses() == {Status.SENT: 2 * self.sessions}, self.story

    def assert_none_twice(self) -> None:
        """No patient got an SMS twice, or two different e-mails; nothing left unmarked."""
        assert self.unmarked == [], f"left unmarked: {self.unmarked}; {self.story}"
        texts = Counter((each.to, each.body) for each in self.twilio.received)
        assert [each for each, count in texts.items() if count > 1] == [], self.story
        assert [each for each, ids in self.emails().items() if len(ids) > 1] == [], self.story

    def emails(self) -> dict[str, Counter[str]]:
        """By patient's address: the Message-IDs that arrived, and how often."""
        found: dict[str, Counter[str]] = {}
        for each in self.mail.received:
            for address in each.rcpt_to:
                if address != CLINIC.email:
                    found.setdefault(address, Counter())[str(each.mail["Message-ID"])] += 1
        return found

    @property
    def story(self) -> str:
        """Where things stand."""
        copies = sum(count - 1 for ids in self.emails().values() for count in ids.values())
        unsent = Counter(
            (row.channel.value, row.status.value, row.reason)
            for row in self.rows()
            if row.status is not Status.SENT
        )
        return f"unsent: {dict(unsent)}; {copies} e-mails came again under their Message-ID"
