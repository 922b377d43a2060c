"""What a worker carries in memory for months: nothing that it does not use."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_TOLD = "\nimport json, sys; print(json.dumps(sorted(sys.modules)))"
_EMAIL_ONLY = """
from worker.channels import caller
from worker.channels.accounts import MailServer, Providers
from worker.channels.live import open_providers
open_providers(Providers(None, MailServer.parse("smtp://localhost"), "care@example.com", 1), None)
"""


def _carried(program: str) -> set[str]:
    """The modules that a fresh Python has loaded after this program."""
    done = subprocess.run(
        [sys.executable, "-c", program + _TOLD], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "unused",
    [
        "worker.commands.init",
        "worker.content.lint",
        "fastapi",
        "uvicorn",
        "alembic",
        "sqlalchemy.orm",
        "icalendar",
        "twilio",
        "smtplib",
        "imaplib",
    ],
)
def test_aftercare_run_carries_only_what_it_needs(unused: str) -> None:
    """Other commands, the web, migrations, an ORM, providers' libraries: 30 MB together."""
    carried = _carried("import worker.cli, worker.commands.run")
    assert "worker.jobs.send" in carried
    assert unused not in carried


def test_without_texts_the_process_that_calls_carries_no_twilio() -> None:
    """A clinic that only writes e-mails is spared 9 MB."""
    carried = _carried(_EMAIL_ONLY)
    assert "worker.channels.smtp" in carried
    assert "twilio" not in carried
    assert "sqlalchemy" not in carried
