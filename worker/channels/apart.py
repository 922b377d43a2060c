"""The providers in a process of their own, as the worker sees it.

Python runs one thread at a time. A call costs as much of that time as deciding and recording its
message does, and while dozens of threads wait for their turn, handing it round costs half as much
again. Two processes need not share: together they send nearly twice as much.

Should the process die, what it had is as unknown as if the worker had died, and goes through the
same look-ups; the next call starts another.
"""

from __future__ import annotations

import itertools
import subprocess
import sys
from concurrent.futures import Future
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import structlog

from worker.channels.wire import (
    Ask,
    Begin,
    Close,
    Done,
    Noted,
    Ready,
    Rest,
    Setup,
    Stop,
    Told,
    read,
    write,
)
from worker.errors import describe
from worker.rules.messages import Channel
from worker.rules.outcomes import ChannelDown, Unknown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from worker.channels.base import Envelope, Inbound, Sender
    from worker.channels.calls import Tell
    from worker.rules.outcomes import Outcome, Receipt

log = structlog.get_logger()

#: Seconds for it to end by itself.
_PATIENCE = 5
_GONE = ChannelDown(
    "The process that talks to the providers does not run; it is started again with the next "
    "message. The worker's log tells why it ended"
)
_CUT_OFF = Unknown("The process that talks to the providers ended before an answer came")


class _GoneError(Exception):
    """The process is gone; ``outcome`` is what that means for a message."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class _Process:
    """One life of the process."""

    def __init__(self, setup: Setup) -> None:
        #: Guards what is under way; another keeps messages on the pipe from mixing.
        self._lock, self._one_at_a_time = Lock(), Lock()
        self._calls: dict[str, Tell] = {}
        self._questions: dict[int, Future[Any]] = {}
        self._numbers = itertools.count()
        self._rests: set[Channel] = set()
        self.ready = Event()
        self.alive = True
        self._process = _start()
        if self._process is None:
            self.alive = False
            self.ready.set()
            return
        self._reader = Thread(target=self._listen, name="answers", daemon=True)
        self._reader.start()
        self._write(setup)

    @property
    def pid(self) -> int:
        """Its process id; 0 when it could not be started."""
        return self._process.pid if self._process else 0

    def begin(self, channel: Channel, envelopes: Sequence[Envelope], tell: Tell) -> None:
        """Have these calls made."""
        with self._lock:
            self._calls.update((each.attempt_id, tell) for each in envelopes)
        if self.alive and self._write(Begin(channel, envelopes)):
            return
        # Half a message is none: of these, nothing left.
        with self._lock:
            left = [each for each in envelopes if self._calls.pop(each.attempt_id, None)]
        for each in left:
            tell(each.attempt_id, _GONE)

    def ask(self, channel: Channel, method: str, *arguments: object) -> Any:  # noqa: ANN401
        """Call a sender's method there.

        Raises:
            _GoneError: When there will be no answer.
        """
        answer: Future[Any] = Future()
        with self._lock:
            number = next(self._numbers)
            self._questions[number] = answer
        if not self.alive or not self._write(Ask(number, channel, method, arguments)):
            raise _GoneError(_GONE)
        return answer.result()

    def rest(self, channel: Channel, *, rests: bool) -> None:
        """Tell it that a channel rests, or goes on."""
        if rests != (channel in self._rests):
            self._rests ^= {channel}
            self._write(Rest(channel, rests))

    def stop(self) -> None:
        """Begin nothing more."""
        self._write(Stop())

    def close(self) -> None:
        """End it, kindly at first."""
        if self._process is None:
            return
        self._write(Close())
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._reader.join()

    def _write(self, message: object) -> bool:
        """Whether it went through the pipe."""
        if self._process is None:
            return False
        try:
            with self._one_at_a_time:
                write(cast("BinaryIO", self._process.stdin), message)
        except OSError:
            return False
        return True

    def _listen(self) -> None:
        process = cast("subprocess.Popen[bytes]", self._process)
        pipe = cast("BinaryIO", process.stdout)
        try:
            while True:
                for each in read(pipe):
                    self._hear(each)
        except (EOFError, OSError):
            pass  # it ended
        except Exception:
            log.exception("providers.not_understood")  # another version of this program, perhaps
            process.kill()
        self._end(process.wait())

    def _hear(self, answer: Ready | Done | Told | Noted) -> None:
        match answer:
            case Ready():
                self.ready.set()
            case Done(attempt_id, outcome):
                with self._lock:
                    tell = self._calls.pop(attempt_id)
                tell(attempt_id, outcome)
            case Noted(event, fields):
                log.error(event, **fields)
            case Told(number, value, problem):
                with self._lock:
                    question = self._questions.pop(number)
                if problem:
                    question.set_exception(RuntimeError(problem))
                else:
                    question.set_result(value)

    def _end(self, code: int) -> None:
        """It is gone: whatever it had is unknown."""
        with self._lock:
            self.alive = False
            calls, self._calls = self._calls, {}
            questions, self._questions = self._questions, {}
        if code:
            log.error("providers.process_ended", code=code, under_way=len(calls))
        self.ready.set()  # as ready as it will ever be
        for question in questions.values():
            question.set_exception(_GoneError(_CUT_OFF))
        for attempt_id, tell in calls.items():
            tell(attempt_id, _CUT_OFF)


def _start() -> subprocess.Popen[bytes] | None:
    command = [sys.executable, "-m", "worker.channels.caller"]
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 (this very program)
    except OSError as error:
        log.error("providers.not_started", error=describe(error))  # noqa: TRY400 (in one line)
        return None


class ProvidersApart:
    """The process, started again when it has ended."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._lock = Lock()
        self._process = _Process(setup)

    def running(self) -> _Process:
        """The process, able to work unless it cannot be started."""
        with self._lock:
            if not self._process.alive:
                self._process = _Process(self._setup)
            process = self._process
        process.ready.wait()
        return process

    def stop(self) -> None:
        """Begin nothing more."""
        self._process.stop()

    def close(self) -> None:
        """End the process."""
        self._process.close()


class SenderApart:
    """A channel of that process."""

    def __init__(self, apart: ProvidersApart, channel: Channel) -> None:
        self._apart = apart
        self._channel = channel

    def send(self, envelope: Envelope) -> Outcome:
        """Send one message at once, whatever the pace."""
        try:
            return cast("Outcome", self._ask("send", envelope))
        except _GoneError as gone:
            return gone.outcome

    def close(self) -> None:
        """Nothing to let go of: connections are the process's."""

    def _ask(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 (the method's)
        return self._apart.running().ask(self._channel, method, *arguments)


class TextsApart(SenderApart):
    """Texts by that process, which can be asked as :class:`~worker.channels.base.Texts` says."""

    def find(self, address: str, body: str, since: datetime) -> list[str] | None:
        """The ids of messages to a number with this text, made since a moment."""
        return cast("list[str] | None", self._ask_if_there("find", address, body, since))

    def receipt(self, provider_id: str) -> Receipt | None:
        """What became of a message."""
        return cast("Receipt | None", self._ask_if_there("receipt", provider_id))

    def inbound(self, since: datetime) -> list[Inbound] | None:
        """Texts that came in since a moment, oldest first."""
        return cast("list[Inbound] | None", self._ask_if_there("inbound", since))

    def _ask_if_there(self, method: str, *arguments: object) -> object:
        try:
            return self._ask(method, *arguments)
        except _GoneError:
            return None


class CallsApart:
    """A channel's calls, made by that process; see :class:`~worker.channels.calls.Calls`."""

    def __init__(self, apart: ProvidersApart, channel: Channel) -> None:
        self._apart = apart
        self._channel = channel
        kind = TextsApart if channel is Channel.SMS else SenderApart
        self.sender: Sender = kind(apart, channel)

    def begin(self, envelopes: Sequence[Envelope], tell: Tell) -> None:
        """Hand these to the provider, each as its turn comes; ``tell`` hears of each once."""
        self._apart.running().begin(self._channel, envelopes, tell)

    def rest(self, *, rests: bool) -> None:
        """While the channel rests, what is next in line does not begin."""
        self._apart.running().rest(self._channel, rests=rests)

    def close(self) -> None:
        """Let what is under way finish, and let go of connections."""
        self._apart.close()
