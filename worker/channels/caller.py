"""The process that talks to providers: ``python -m worker.channels.caller``, started by the worker.

It lives exactly as long as its worker: when the pipe from there ends, it ends at once, whatever is
under way, as a worker that is killed always did. Signals are the worker's business; it passes on
what they mean.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from queue import SimpleQueue
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, BinaryIO

from worker.channels.calls import Calls, Pace
from worker.channels.crew import Crew
from worker.channels.live import open_providers
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
from worker.errors import describe, without_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from worker.channels.base import Envelope
    from worker.rules.messages import Channel

Answer = Done | Told | Noted

#: Answers go back together that come within this many seconds: the worker's thread that writes
#: them down would otherwise be woken for each.
_GROUP = 0.004
#: Questions are few: look-ups and the inbox.
_ASKERS = 4


@dataclass(slots=True)
class _Caller:
    calls: Mapping[Channel, Calls]
    stop: Event
    answers: SimpleQueue[Answer | None]
    askers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_ASKERS, "ask"))

    def obey(self, message: Any) -> None:  # noqa: ANN401 (any message)
        """Do what the worker wants."""
        match message:
            case Begin(channel, envelopes):
                self.calls[channel].begin(envelopes, self._tell)
            case Rest(channel, rests):
                self.calls[channel].rest(rests=rests)
            case Ask():
                self.askers.submit(self._answer, message)
            case Stop():
                self.stop.set()

    def close(self) -> None:
        """Finish what is under way."""
        self.stop.set()
        self.askers.shutdown()
        for each in self.calls.values():
            each.close()
        self.answers.put(None)

    def _tell(self, attempt_id: str, outcome: Any) -> None:  # noqa: ANN401
        self.answers.put(Done(attempt_id, outcome))

    def _answer(self, question: Ask) -> None:
        sender = self.calls[question.channel].sender
        try:
            value = getattr(sender, question.method)(*question.arguments)
        except Exception as error:  # noqa: BLE001 (told there)
            self.answers.put(Noted("channel.bug", without_text(error)))
            self.answers.put(Told(question.number, problem=describe(error)))
        else:
            self.answers.put(Told(question.number, value))


def main() -> None:
    """Do what the worker says until it says no more."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    requests, pipe = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library might print must not get between the answers
    _stay_on_one_processor()
    try:
        caller = _open(read(requests))
        write(pipe, [Ready()])
        writer = Thread(target=_write_answers, args=(caller.answers, pipe))
        writer.start()
        while not isinstance(message := read(requests), Close):
            caller.obey(message)
    except EOFError:
        os._exit(1)
    caller.close()
    writer.join()


def _stay_on_one_processor() -> None:
    """Keep all threads on one processor, where the system can.

    Only one of them runs at a time. Spread over several, each wakes the next on another processor
    at every word to the network: that took 0.96 ms of a text's 1.4, and takes 0.45 on one.
    """
    if hasattr(os, "sched_setaffinity"):
        ours = sorted(os.sched_getaffinity(0))
        with suppress(OSError):  # not everybody may choose
            os.sched_setaffinity(0, {ours[os.getpid() % len(ours)]})


def _open(setup: Setup) -> _Caller:
    stop, answers = Event(), SimpleQueue[Answer | None]()
    logging.getLogger().addHandler(_Handler(answers))

    def report(envelope: Envelope, error: Exception) -> None:
        whose = {"channel": envelope.channel, "attempt_id": envelope.attempt_id}
        answers.put(Noted("channel.bug", {**whose, **without_text(error)}))

    senders = open_providers(setup.providers, lambda: datetime.now(UTC))
    calls = {}
    for channel, sender in senders.items():
        width = setup.widths[channel]
        crew = Crew(width.threads, channel)
        calls[channel] = Calls(sender, Pace(width.per_second), crew, stop, report)
    return _Caller(calls, stop, answers)


class _Handler(logging.Handler):
    """What libraries log, by name and place: their texts may hold anything."""

    def __init__(self, answers: SimpleQueue[Answer | None]) -> None:
        super().__init__(logging.WARNING)
        self._answers = answers

    def emit(self, record: logging.LogRecord) -> None:
        """Pass it on to the worker's log."""
        place = f"{record.filename}:{record.lineno}"
        self._answers.put(Noted("library.message", {"library": record.name, "place": place}))


def _write_answers(answers: SimpleQueue[Answer | None], pipe: BinaryIO) -> None:
    while (first := answers.get()) is not None:
        group = [first]
        if isinstance(first, Done):
            time.sleep(_GROUP)
        while not answers.empty():
            if (more := answers.get()) is None:
                answers.put(None)
                break
            group.append(more)
        try:
            write(pipe, group)
        except OSError:
            os._exit(1)  # the worker is gone


if __name__ == "__main__":
    main()
