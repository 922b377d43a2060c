"""A message that crashes the worker: it is set aside with its reason, and the rest go on."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

import worker
from tests.crash.harness import harness
from tests.crash.ledger import email, phone
from tests.support.worker_process import wait_for
from worker.rules.messages import Status

if TYPE_CHECKING:
    from tests.crash.harness import Harness

SEED = 8
#: Python runs this before the worker; no part of the worker knows of it.
_POISON = """
    import os
    import worker.{module} as module

    really = module.{name}

    def poisoned(*arguments, **options):
        if {poison!r} in repr(arguments):
            os._exit(9)
        return really(*arguments, **options)

    module.{name} = poisoned
"""
#: Three crashes each for its SMS and its e-mail, and some more for good measure.
MOST_STARTS = 8


@pytest.mark.parametrize(
    ("module", "name"),
    [
        pytest.param("content.draft", "message_context", id="while its words are made"),
        pytest.param("channels.smtp", "build_email", id="while it is sent"),
    ],
)
def test_a_message_that_crashes_the_worker(
    tmp_path: Path, database_url: str, module: str, name: str
) -> None:
    """The worker dies of it a few times at most; then a person is asked, and all others arrive."""
    source = dedent(_POISON).format(module=module, name=name, poison=email(2))
    (tmp_path / "sitecustomize.py").write_text(source, "utf-8")
    path = f"{tmp_path}:{Path(worker.__file__).parents[1]}"
    with harness(tmp_path, database_url, SEED) as clinic:
        clinic.add_sessions(3)
        starts = 0
        while starts < MOST_STARTS and unsettled(clinic):
            clinic.start(PYTHONPATH=path)
            starts += 1
            wait_for(lambda: not clinic.alive or not unsettled(clinic), "the worker's end")
        # Providers have a process of their own: what takes that one down leaves the worker alive.
        assert (starts == 1) == (module == "channels.smtp"), clinic.story
        assert clinic.statuses()[Status.HELD] > 0, clinic.story
        assert all(row.reason for row in clinic.rows(Status.HELD))
        assert {each.to for each in clinic.twilio.received} >= {phone(1), phone(3)}, clinic.story
        assert clinic.emails().keys() == {email(1), email(3)}, clinic.story
        clinic.assert_none_twice()


def unsettled(clinic: Harness) -> bool:
    """Whether some message is neither sent nor held, or none is planned yet."""
    return clinic.unsettled() > 0
