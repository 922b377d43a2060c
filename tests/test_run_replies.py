"""Replies in the real thing: ``aftercare run`` in live mode, a Twilio and a mail server."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from tests.support.home_message import PHONE
from tests.support.installation import installation
from worker.store.engine import open_engine
from worker.store.tables import REPLIES, SOURCE_STATE

if TYPE_CHECKING:
    from pathlib import Path


def test_a_worry_is_polled_answered_and_told(tmp_path: Path) -> None:
    """One pass: Twilio's list is read, the patient answered, staff told; the log knows nothing."""
    with installation(tmp_path) as made:
        source = made.make_source()
        ended = datetime.now(UTC) - timedelta(minutes=20)
        source.add(completed_at=ended.isoformat(), phone=PHONE, updated_at=ended.isoformat())
        made.one_pass()
        body = "it is bleeding, call me at 612 345 999"
        made.twilio.text_in(PHONE, body)
        engine = open_engine(made.environment["DATABASE_URL"])
        with engine.begin() as db:
            # As if a minute had passed since Twilio was asked.
            past = datetime.now(UTC) - timedelta(minutes=1)
            state = update(SOURCE_STATE).where(SOURCE_STATE.c.name == "replies")
            db.execute(state.values(read_at=past))
        log = made.one_pass()
        with engine.begin() as db:
            kept = db.execute(select(REPLIES)).one()
        engine.dispose()
        source.engine.dispose()
    assert (kept.meaning, kept.patient_id, kept.answer_state) == ("red_flag", "P1", "sent")
    assert "thank you for telling us" in made.twilio.to(PHONE)[-1].body
    (told,) = [
        each
        for each in made.mail.to("desk@glow.example.com")
        if "needs you now" in each.mail["Subject"]
    ]
    assert "bleeding" in told.text
    assert "bleeding" not in log
    assert "reply.taken" in log
