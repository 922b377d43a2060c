"""One patient whose session has just ended, and the ``home`` messages as they have to arrive."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from html.parser import HTMLParser
from typing import Any
from zoneinfo import ZoneInfo

#: The patient's zone has no daylight saving time, so that "three days later" is plain.
ZONE = ZoneInfo("America/Phoenix")
NAME = "Wilhelmina"
PHONE = "+34612345987"
EMAIL = "wilhelmina.secret@example.com"
MAIL_PASSWORD = "the-mail-password"

_SMS = """\
Glow Skin Clinic: thank you for coming, Wilhelmina!
Some redness is usual. Today: hands off, no makeup.
No exercise or sun until {three_days}.
No exfoliating until {fourteen_days}.
Worried? Call 910 12 34 56
Reply STOP to stop texts."""

SUBJECT = "Your notes for the next few days"
_TEXT = """\
Hi Wilhelmina,

Thank you for coming to Glow Skin Clinic today. Here is what to expect, and what to wait with.

What is normal

Most people have some redness, like sunburn, for 24 to 48 hours. Some dryness and slight flaking \
can follow, for up to a week.

Today

- Hands off: please don't touch or rub your skin.
- No makeup.

From tomorrow, wear SPF 30+ whenever you go out.

What to wait with

{today}

- Exercise: not until {three_days}.
- Sun: stay out of it until {three_days}.
- Exfoliating (scrubs or peels): not until {fourteen_days}.

The dates come with this e-mail as a calendar file: open it to have them in your calendar.

When to call us

Call 910 12 34 56 if you notice:

- pain, redness or swelling that gets worse
- pus or oozing
- fever
- blisters or cold sores

If you have trouble breathing, call the emergency services at once.

Warm wishes from the team at Glow Skin Clinic

--\x20
You get this e-mail because you had a session at Glow Skin Clinic and agreed to hear from us by \
e-mail. To stop these e-mails, reply with the word stop to this e-mail, or call us.

If you have trouble breathing, don't write to us: call the emergency services.

Glow Skin Clinic, 910 12 34 56
"""


def just_completed() -> datetime:
    """A session that ended 16 minutes ago, to the minute: its first message is due."""
    moment = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=16)
    # At midnight a text names only the day; no need to have that here by chance.
    midnight = moment.astimezone(ZONE).time() == time.min
    return moment - timedelta(minutes=1) if midnight else moment


def session(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A row of the clinic's view: a session of the patient, or of one much like them."""
    completed = changes.pop("completed_at", None) or just_completed()
    other = {} if number == 1 else {"phone": f"612 345 9{number:02}", "email": f"{number}.{EMAIL}"}
    return {
        "session_id": f"S{number}",
        "treatment": "microneedling",
        "patient_id": f"P{number}",
        "first_name": NAME,
        "phone": "612 345 987",
        "email": EMAIL,
        "time_zone": ZONE.key,
        "completed_at": completed,
        "updated_at": completed,
        **other,
        **changes,
    }


def expected_sms(completed: datetime) -> str:
    """The SMS to the patient, as it has to arrive."""
    return _filled_in(_SMS, completed)


def expected_text(completed: datetime) -> str:
    """The e-mail's text part, as it has to arrive."""
    return _filled_in(_TEXT, completed)


def _filled_in(words: str, completed: datetime) -> str:
    """Dates as English is written in Spain, at the hour where the patient is."""
    days = {"three_days": timedelta(days=3), "fourteen_days": timedelta(days=14)}
    moments = {name: (completed + span).astimezone(ZONE) for name, span in days.items()}
    told = {name: f"{each:%A} {each.day} {each:%B}, {each:%H:%M}" for name, each in moments.items()}
    # It leaves as soon as it is due, which may be after midnight.
    same_day = (completed + timedelta(minutes=16)).astimezone(ZONE).date() == (
        completed.astimezone(ZONE).date()
    )
    today = "Today is day 0, the day of your visit." if same_day else "Today is day 1."
    return words.format(today=today, **told)


def visible_words(html: str) -> str:
    """What a reader sees of a page, with single blanks."""
    page = _Page()
    page.feed(html)
    return " ".join("".join(page.seen).split())


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self._hidden = False

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        """Styles are not read."""
        self._hidden = tag == "style"

    def handle_data(self, data: str) -> None:
        """A piece of text."""
        self.seen += [] if self._hidden else [data]
