"""Where commands write: results to standard output, complaints to standard error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console

from worker.rules.messages import Status

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

output = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

#: How a status looks, and its colour.
MARKS = {
    Status.PLANNED: ("·", "cyan"),
    Status.HELD: ("!", "yellow"),
    Status.SENDING: ("→", "cyan"),
    Status.UNKNOWN: ("?", "yellow"),
    Status.SENT: ("✓", "green"),
    Status.DELIVERED: ("✓", "green"),
    Status.FAILED: ("✗", "red"),
    Status.SKIPPED: ("-", "bright_black"),
}


def local(moment: datetime, zone: ZoneInfo) -> str:
    """A moment as the patient's clock shows it: ``Thu 26 Nov 10:00``."""
    return f"{moment.astimezone(zone):%a %d %b %H:%M}"
