"""``aftercare send-test``: one message to an address of one's own."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest

from tests.support.command import Shell, add_clinic
from worker.resources import TEMPLATES

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """A shell in an empty folder."""
    return Shell(tmp_path, monkeypatch, capsys)


def test_send_test_writes_a_text_to_the_outbox(shell: Shell, tmp_path: Path) -> None:
    """In trial mode the message lands in a file that one can open, and nobody is texted."""
    add_clinic(shell)
    done = shell.run("send-test", "600 123 456")
    assert done.code == 0
    told = "written to the outbox, sent to nobody: home as text message to +34600123456"
    assert told in done.told
    assert re.search(r"The text has 2 segments \(2\d\d characters, GSM-7\)", done.told)
    outbox = tmp_path / "aftercare-outbox"
    (file,) = outbox.glob("*.txt")
    assert file.read_text(encoding="utf-8").startswith("To: +34600123456\n\nGlow Skin Clinic: ")
    assert "Glow Skin Clinic" in (outbox / "index.html").read_text(encoding="utf-8")


def test_send_test_takes_the_message_one_asks_for(shell: Shell, tmp_path: Path) -> None:
    """Another milestone, another language, by e-mail: as its patient would get it."""
    add_clinic(shell)
    words = ["--milestone", "next-session", "--language", "es"]
    assert shell.run("send-test", "me@example.com", *words).code == 0
    (file,) = (tmp_path / "aftercare-outbox").glob("*.eml")
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    template = TEMPLATES / "microneedling" / "es" / "next-session.email.md"
    heading = template.read_text(encoding="utf-8").splitlines()[0]
    assert (mail["To"], f"# {mail['Subject']}") == ("me@example.com", heading)
    assert mail["Reply-To"] == "desk@glow.example.com"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["12"], "12: this phone number has too few or too many digits for ES"),
        (["me@"], "me@: this is not an e-mail address; write it like name@example.com"),
        (
            ["me@example.com", "--milestone", "tomorrow"],
            (
                "microneedling has no milestone tomorrow; there are: home, first-day, "
                "active-again, exfoliate-again, next-session, course-complete"
            ),
        ),
        (
            ["me@example.com", "--treatment", "peeling"],
            "No usable treatment peeling; there are: chemical-peel, microneedling.",
        ),
        (
            ["me@example.com", "--language", "klingon"],
            '"klingon" is not a language code; write it like "en" or "es"',
        ),
        (["me@example.com", "--clinic", "sol"], "Name a clinic with --clinic; there are: glow"),
    ],
)
def test_send_test_says_what_it_cannot_do(shell: Shell, words: list[str], told: str) -> None:
    """A mistyped address, milestone, treatment, language or clinic: what there is instead."""
    add_clinic(shell)
    done = shell.run("send-test", *words)
    assert (1, told) == (done.code, done.told)


def test_send_test_needs_a_clinic(shell: Shell) -> None:
    """Before the first clinic there is nobody to write as."""
    done = shell.run("send-test", "me@example.com")
    assert (done.code, done.told) == (
        1,
        "Name a clinic with --clinic; there are: none; run: aftercare clinic add",
    )
