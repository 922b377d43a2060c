"""Providers in a process of their own: as good as beside the database, and no loss when it dies."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

import worker
from tests.support.mail_server import MailServer
from tests.support.twilio_behaviour import NORMAL, TIMES_OUT
from tests.support.twilio_server import TOKEN, TwilioServer
from tests.support.worker_process import PATIENCE, wait_for
from tests.test_channels import EMAIL, SMS, TEXTS
from worker.channels.accounts import MailServer as Address
from worker.channels.accounts import Providers
from worker.channels.apart import CallsApart, ProvidersApart, TextsApart
from worker.channels.wire import Setup, Width
from worker.providers import twilio_account
from worker.rules.messages import Channel
from worker.rules.outcomes import Accepted, ChannelDown, Delivered, NotTried, Unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from worker.channels.base import Envelope
    from worker.rules.outcomes import Outcome

PROC = Path("/proc")
needs_proc = pytest.mark.skipif(not PROC.is_dir(), reason="looks at processes in /proc (Linux)")


class Bench:
    """The process, its two providers and what it told."""

    def __init__(self, twilio: TwilioServer, mail: MailServer, *, threads: int = 4) -> None:
        self.twilio, self.mail = twilio, mail
        account = twilio_account(twilio.settings())
        providers = Providers(account, Address.parse(mail.url), "care@glow.example.com", threads)
        widths = dict.fromkeys(Channel, Width(threads, 1e9))
        self.apart = ProvidersApart(Setup(providers, widths))
        self.calls = {each: CallsApart(self.apart, each) for each in Channel}
        self.told: SimpleQueue[tuple[str, Outcome]] = SimpleQueue()

    def begin(self, *envelopes: Envelope) -> None:
        """Have calls made, of one channel."""
        calls = self.calls[envelopes[0].channel]
        calls.begin(envelopes, lambda attempt, outcome: self.told.put((attempt, outcome)))

    def outcomes(self, count: int) -> dict[str, Outcome]:
        """What came of so many attempts, and of no other."""
        found = dict(self.told.get(timeout=PATIENCE) for _ in range(count))
        with pytest.raises(Empty):
            self.told.get_nowait()
        return found

    @property
    def pid(self) -> int:
        """The process."""
        return self.apart.running().pid


@contextmanager
def bench(*, threads: int = 4) -> Iterator[Bench]:
    with TwilioServer() as twilio, MailServer() as mail:
        it = Bench(twilio, mail, threads=threads)
        try:
            yield it
        finally:
            it.apart.close()


@pytest.fixture(scope="module")
def shared() -> Iterator[Bench]:
    """One process for those that leave it as it was."""
    with bench() as it:
        yield it


def text(body: str = "Hi Ana") -> Envelope:
    return replace(SMS, words=replace(SMS.words, text=body), attempt_id=uuid4().hex)


def test_what_arrives_is_what_was_given(shared: Bench) -> None:
    """Every letter of texts and e-mails, and each attempt hears of its own outcome."""
    texts = {each.attempt_id: each for each in map(text, TEXTS.values())}
    mails = [replace(EMAIL, attempt_id=uuid4().hex, address=f"p{n}@example.com") for n in range(3)]
    shared.begin(*texts.values())
    shared.begin(*mails)

    found = shared.outcomes(len(texts) + len(mails))

    assert found.keys() == texts.keys() | {each.attempt_id for each in mails}
    by_id = {each.sid: each.body for each in shared.twilio.received}
    for attempt_id, envelope in texts.items():
        outcome = found[attempt_id]
        assert isinstance(outcome, Accepted)
        assert by_id[str(outcome.provider_id)] == envelope.words.text
    assert {each.rcpt_to[0] for each in shared.mail.received} == {each.address for each in mails}


def test_the_provider_can_be_asked(shared: Bench) -> None:
    """What has left, what became of it, and what came in."""
    texts = shared.calls[Channel.SMS].sender
    assert isinstance(texts, TextsApart)
    envelope = text(f"Asked {uuid4()}")
    sent = texts.send(envelope)
    assert isinstance(sent, Accepted)
    shared.twilio.outcomes[str(sent.provider_id)] = ("delivered", None)
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert texts.find(envelope.address, envelope.words.text, since) == [sent.provider_id]
    assert isinstance(texts.receipt(str(sent.provider_id)), Delivered)
    assert texts.inbound(since) == []


def test_a_channel_that_rests_begins_nothing(shared: Bench) -> None:
    """What is next in line comes back untried, until the channel goes on."""
    shared.calls[Channel.SMS].rest(rests=True)
    resting = text()
    shared.begin(resting)
    assert isinstance(shared.outcomes(1)[resting.attempt_id], NotTried)
    shared.calls[Channel.SMS].rest(rests=False)
    working = text()
    shared.begin(working)
    assert isinstance(shared.outcomes(1)[working.attempt_id], Accepted)


def test_a_bug_in_a_call_is_an_unknown_outcome(shared: Bench) -> None:
    """Its message may have left; the others of the batch go on."""
    broken, fine = replace(text(), words=None), text()  # type: ignore[arg-type]
    shared.begin(broken, fine)
    found = shared.outcomes(2)
    assert isinstance(found[broken.attempt_id], Unknown)
    assert isinstance(found[fine.attempt_id], Accepted)


def test_a_bug_in_a_question_is_an_error_here(shared: Bench) -> None:
    """As it would be beside the database; the next question is answered."""
    texts = shared.calls[Channel.SMS].sender
    with pytest.raises(RuntimeError, match="AttributeError"):
        texts.send(replace(text(), words=None))  # type: ignore[arg-type]
    assert isinstance(texts.send(text()), Accepted)


@needs_proc
def test_no_secret_is_on_its_command_line_or_in_its_environment(shared: Bench) -> None:
    """They go through the pipe, where no list of processes shows them."""
    for name in ("cmdline", "environ"):
        assert TOKEN.encode() not in (PROC / str(shared.pid) / name).read_bytes()


def test_what_the_process_had_when_it_died_is_unknown() -> None:
    """One text was at Twilio, one next in line: both may have left. The next has a new process."""
    with bench(threads=1) as it:
        it.twilio.script = [TIMES_OUT]
        cut_off = [text(), text()]
        it.begin(*cut_off)
        wait_for(lambda: it.twilio.posts, "the call")
        before = it.pid
        os.kill(before, signal.SIGKILL)
        found = it.outcomes(2)
        assert [type(found[each.attempt_id]) for each in cut_off] == [Unknown, Unknown]
        after = text()
        it.begin(after)
        assert isinstance(it.outcomes(1)[after.attempt_id], Accepted)
        assert it.pid != before
        assert len(it.twilio.to(SMS.address)) == 2


def test_a_question_that_it_died_over_has_no_answer() -> None:
    """Look-ups try again later; an answer to a patient may have left."""
    with bench() as it:
        texts = it.calls[Channel.SMS].sender
        assert isinstance(texts, TextsApart)
        pid = it.pid
        it.twilio.decide = lambda _: os.kill(pid, signal.SIGKILL) or NORMAL  # type: ignore[func-returns-value]
        assert isinstance(texts.send(text()), Unknown)
        it.twilio.decide = None
        assert isinstance(texts.send(text()), Accepted)


def test_signals_are_the_workers_business() -> None:
    """Ctrl-C reaches the whole terminal: what is under way is finished all the same."""
    with bench() as it:
        it.twilio.script = [replace(NORMAL, delay=0.5)]
        slow = text()
        it.begin(slow)
        wait_for(lambda: it.twilio.posts, "the call")
        for number in (signal.SIGINT, signal.SIGTERM):
            os.kill(it.pid, number)
        assert isinstance(it.outcomes(1)[slow.attempt_id], Accepted)


def test_told_to_stop_it_finishes_what_is_under_way() -> None:
    """What is next in line comes back untried."""
    with bench(threads=1) as it:
        it.twilio.script = [replace(NORMAL, delay=0.5)]
        under_way, next_in_line = text(), text()
        it.begin(under_way, next_in_line)
        wait_for(lambda: it.twilio.posts, "the call")
        it.apart.stop()
        found = it.outcomes(2)
        assert isinstance(found[under_way.attempt_id], Accepted)
        assert isinstance(found[next_in_line.attempt_id], NotTried)


@pytest.mark.parametrize("fault", ["no such program", "it ends at once"])
def test_where_it_cannot_be_started_the_channel_is_down(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: str
) -> None:
    """Nothing leaves, nothing counts as having left, and staff are told."""
    if fault == "no such program":
        monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    else:
        (tmp_path / "sitecustomize.py").write_text("raise SystemExit(3)", "utf-8")
        root = Path(worker.__file__).parents[1]
        monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{root}")
    with bench() as it:
        envelope = text()
        it.begin(envelope)
        outcome = it.outcomes(1)[envelope.attempt_id]
        assert isinstance(outcome, ChannelDown)
        assert "does not run" in outcome.why
        assert isinstance(it.calls[Channel.SMS].sender.send(text()), ChannelDown)
        assert it.twilio.posts == []
