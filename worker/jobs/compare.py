"""Compare: what an edited protocol or template would do to the messages that wait.

For every session that something can still happen to, the plan is worked out twice, with what is in
effect and with what was edited, and the words are made for the real patient. Nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from worker.content.draft import draft
from worker.content.edits import shown
from worker.errors import TemplateError
from worker.rules.outlook import Effect, outlook
from worker.rules.planning import plan, restriction_ends
from worker.store import coming, messages
from worker.store.cases import cases
from worker.store.clinics import all_clinics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from worker.content.draft import Draft
    from worker.jobs.edition import Edition
    from worker.rules.facts import Clinic
    from worker.rules.messages import Channel, Words
    from worker.rules.outlook import Coming, Key
    from worker.rules.planning import ExistingMessage, PlannedMessage
    from worker.store.cases import Case

_BATCH = 200


@dataclass(frozen=True, slots=True)
class Side:
    """A message as it comes with one of the two editions."""

    due_at: datetime
    expires_at: datetime
    #: All that the patient reads; empty when it cannot be made.
    words: str


@dataclass(frozen=True, slots=True)
class Change:
    """What an edit does to one message."""

    case: Case
    milestone: str
    channel: Channel
    language: str
    effects: tuple[Effect, ...]
    #: None where it does not come.
    old: Side | None
    new: Side | None
    #: Why it vanishes or breaks, or what else is to be said.
    note: str = ""


def compare(
    db: Connection, old: Edition, new: Edition, now: datetime, *, clinic: str = "", only: str = ""
) -> Iterator[Change]:
    """Every message that would come otherwise, session by session.

    Args:
        db: One consistent view of the store.
        old: What is in effect.
        new: What was edited.
        now: The present moment.
        clinic: Only this clinic's.
        only: Only of the patient or session with this id.
    """
    clinics = all_clinics(db)
    for session_ids in coming.open_sessions(db, now, _BATCH, clinic=clinic, only=only):
        existing = messages.existing(db, session_ids)
        for session_id, case in sorted(cases(db, session_ids).items()):
            views = [
                _View.of(edition, case, clinics[case.patient.clinic], existing[session_id], now)
                for edition in (old, new)
            ]
            yield from _changes(*views)


@dataclass(frozen=True, slots=True)
class _Read:
    """A message's words, or why it has none."""

    language: str
    words: Words | None
    problem: str
    side: Side


@dataclass(frozen=True, slots=True)
class _View:
    """One session through one edition."""

    edition: Edition
    case: Case
    clinic: Clinic
    wanted: Mapping[Key, PlannedMessage]
    coming: Mapping[Key, Coming]
    ends: Mapping[str, datetime]

    @classmethod
    def of(
        cls,
        edition: Edition,
        case: Case,
        clinic: Clinic,
        existing: Sequence[ExistingMessage],
        now: datetime,
    ) -> _View:
        protocols = edition.protocols
        planned = case.session.treatment in protocols
        wanted = plan(case.session, case.patient, case.others, protocols) if planned else []
        return cls(
            edition,
            case,
            clinic,
            {(each.milestone, each.channel): each for each in wanted},
            outlook(wanted, existing, now) if planned else {},
            restriction_ends(case.sessions, protocols, case.patient.zone),
        )

    def draft(self, key: Key) -> Draft:
        """The message's draft.

        Raises:
            TemplateError: When it has no words.
        """
        treatment = self.case.session.treatment
        return draft(
            self.edition.libraries[treatment],
            self.clinic,
            self.case.patient,
            self.case.session,
            milestone=key[0],
            channel=key[1],
            ends=self.ends,
            due_at=self.coming[key].due_at,
        )

    def read(self, key: Key) -> _Read:
        """What the patient would read."""
        message = self.coming[key]
        try:
            drafted = self.draft(key)
            words, problem, language = drafted.render(), "", drafted.template.language
        except TemplateError as error:
            words, problem, language = None, str(error), self.case.patient.language
        side = Side(message.due_at, message.expires_at, shown(words) if words else "")
        return _Read(language, words, problem, side)

    def why_not(self, key: Key) -> str:
        """Why a message does not come."""
        treatment = self.case.session.treatment
        if treatment not in self.edition.protocols:
            return f"The protocol of {treatment} is missing or cannot be used, so this would wait"
        want = self.wanted.get(key)
        if want is None:
            return "The protocol no longer has this message"
        return want.skip.text if want.skip else "By then its time is over"


def _changes(old: _View, new: _View) -> Iterator[Change]:
    for key in sorted(old.coming.keys() | new.coming.keys()):
        if key in old.coming and key in new.coming:
            yield from _both(old, new, key)
        elif key in old.coming:
            before = old.read(key)
            lost = new.edition.protocols.get(new.case.session.treatment) is None
            effect = Effect.BREAKS if lost else Effect.VANISHES
            yield Change(
                old.case, *key, before.language, (effect,), before.side, None, new.why_not(key)
            )
        else:
            after = new.read(key)
            effects = (Effect.APPEARS, *([Effect.BREAKS] if after.problem else []))
            yield Change(new.case, *key, after.language, effects, None, after.side, after.problem)


def _both(old: _View, new: _View, key: Key) -> Iterator[Change]:
    """A message that comes with either edition: another time, other words?"""
    before, after = old.coming[key], new.coming[key]
    same_times = (before.due_at, before.expires_at) == (after.due_at, after.expires_at)
    if same_times and _surely_reads_alike(old, new, key):
        return
    was, will_be = old.read(key), new.read(key)
    effects, note = [] if same_times else [Effect.MOVES], ""
    if will_be.problem and not was.problem:
        effects, note = [*effects, Effect.BREAKS], will_be.problem
    elif not will_be.problem and was.words != will_be.words:
        effects.append(Effect.READS_DIFFERENTLY)
        if was.side.words == will_be.side.words:
            note = "Only the look of the e-mail changes, not its words"
    if effects:
        language = will_be.language
        yield Change(new.case, *key, language, tuple(effects), was.side, will_be.side, note)


def _surely_reads_alike(old: _View, new: _View, key: Key) -> bool:
    """Told from what goes in, which costs less than making the words."""
    try:
        return new.draft(key).reads_like(old.draft(key))
    except TemplateError:
        return False
