"""django-post_office: every e-mail put into its queue, then its own ``send_queued``."""

from __future__ import annotations

import os
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from benchmarks.peers.work import words
from worker.rules.messages import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def prepared(
    *, database: str, port: int, threads: int, count: int
) -> Iterator[Callable[[], dict[str, float]]]:
    """Django with one app, on this database."""
    import django
    from django.conf import settings
    from django.core.management import call_command

    url = make_url(database)
    postgres = url.get_backend_name() == "postgresql"
    store = {
        "ENGINE": f"django.db.backends.{'postgresql' if postgres else 'sqlite3'}",
        "NAME": url.database,
        "USER": url.username,
        "PASSWORD": url.password,
        "HOST": url.host,
        "PORT": url.port,
    }
    settings.configure(
        DATABASES={"default": store},
        INSTALLED_APPS=["django.contrib.contenttypes", "post_office"],
        EMAIL_BACKEND="post_office.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        POST_OFFICE={"THREADS_PER_PROCESS": threads},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        USE_TZ=True,
    )
    django.setup()
    call_command("migrate", verbosity=0)
    from post_office import mail

    def work() -> dict[str, float]:
        began = time.monotonic()
        for start in range(0, count, 100):
            mail.send_many([_email(each) for each in range(start, min(start + 100, count))])
        enqueued = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            lock = str(Path(folder) / f"lock-{os.getpid()}")
            mail.send_queued_mail_until_done(lockfile=lock, processes=1)
        return {"count": count, "s to enqueue": enqueued - began}

    yield work


def _email(number: int) -> dict[str, object]:
    made = words(number, Channel.EMAIL)
    return {
        "recipients": [f"patient{number}@example.com"],
        "sender": "Glow <care@glow.example.com>",
        "subject": made.subject,
        "message": made.text,
        "html_message": made.html,
    }
