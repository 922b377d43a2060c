"""The composition root: settings become a database, channels, stages and a scheduler.

Everything that knows the wall clock, the operating system's signals or a real provider is put
together here; the stages themselves get what they need as arguments.
"""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING

import structlog
from sqlalchemy.exc import OperationalError

from worker.channels.base import Texts
from worker.clock import Steadiness
from worker.content.library import Library
from worker.content.links import Links
from worker.errors import describe
from worker.jobs.alert import Alerter
from worker.jobs.answers import Answerer
from worker.jobs.approvals import protocols_in_effect, release, unapproved
from worker.jobs.bounces import LOOK_EVERY, BounceReader
from worker.jobs.caution import Caution
from worker.jobs.claim import Claimer
from worker.jobs.collect import collect
from worker.jobs.inbox import EVERY, EVERY_BESIDE_WEBHOOKS, Inbox
from worker.jobs.plan import plan_sessions
from worker.jobs.purge import purge
from worker.jobs.report import SENDING, health
from worker.jobs.send import Dispatch
from worker.jobs.tell import Teller
from worker.jobs.track import Tracker
from worker.parts import open_mailbox, open_source, open_store, settle_in, utc_now
from worker.providers import TRIAL_SENDER, open_lanes, open_lanes_apart
from worker.rules.messages import Cause, Channel
from worker.stages import Stage, Stages
from worker.store import channels, leases, messages
from worker.store.engine import reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Engine

    from worker.channels.apart import ProvidersApart
    from worker.channels.base import Sender
    from worker.jobs.lanes import Lane
    from worker.jobs.track import Finder
    from worker.settings import Settings

log = structlog.get_logger()

#: No list at a mail server lags: e-mail that may have left goes again after this.
_MAIL_AGAIN = timedelta(seconds=30)
#: At most this long may what is under way take to finish after SIGTERM, in seconds.
_GRACE = 28


@dataclass(slots=True)
class App:
    """The worker, put together."""

    settings: Settings
    engine: Engine
    library: Library
    stages: Stages
    stop: Event
    lanes: Mapping[Channel, Lane]
    steadiness: Steadiness
    #: The process that talks to the providers, if there is one.
    apart: ProvidersApart | None = None

    def run_once(self) -> bool:
        """One pass of every stage, in the order the data takes; returns whether all went well."""
        results = [self.stages.run(name) for name in self.stages.names]
        return all(results)

    def close(self) -> None:
        """Let go of threads and connections."""
        for lane in self.lanes.values():
            lane.calls.close()
        self.engine.dispose()


def build_app(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = utc_now,
    senders: Mapping[Channel, Sender] | None = None,
    stop: Event | None = None,
    apart: ProvidersApart | None = None,
) -> App:
    """Put the worker together.

    Args:
        settings: What the operator set.
        clock: Tells the present moment; the demo passes one that it moves.
        senders: Channels to use instead of those that the settings name.
        stop: When set, nothing new begins.
        apart: The process that talks to the providers; by default threads of this one do.

    Raises:
        ConfigurationError: When the database is not ready.
    """
    engine = open_store(settings)
    stop = stop or Event()
    library = Library(settings.aftercare_templates)
    _tell_template_problems(library)
    with engine.begin() as db:
        # The settings may be mended: one message may try each channel at once.
        channels.try_now(db, clock())
        for cause in (Cause.CHANNEL_DOWN, Cause.TEMPLATE):
            messages.wake(db, cause, clock())
    lanes = (
        open_lanes_apart(settings, apart, stop)
        if apart
        else open_lanes(settings, clock, stop, senders=senders)
    )
    name = f"{socket.gethostname()}-{os.getpid()}"
    steadiness = Steadiness(clock)
    stages = _stages(settings, engine, library, lanes, name, clock, steadiness, stop)
    return App(settings, engine, library, stages, stop, lanes, steadiness, apart)


def _stages(  # noqa: PLR0917 (the composition root wires everything once)
    settings: Settings,
    engine: Engine,
    library: Library,
    lanes: Mapping[Channel, Lane],
    name: str,
    clock: Callable[[], datetime],
    steadiness: Steadiness,
    stop: Event,
) -> Stages:
    source = open_source(settings)
    lookups = [timedelta(seconds=each) for each in settings.aftercare_lookup_seconds]
    required = settings.aftercare_require_approval
    sent_by = settings.mail_from or TRIAL_SENDER
    links = Links(settings.public_url, settings.secret_key)
    claimer = Claimer(
        library, name, settings.lease, sent_by, require_approval=required, links=links
    )
    look_after = {Channel.SMS: lookups[0], Channel.EMAIL: min(lookups[0], _MAIL_AGAIN)}
    with reading(engine).begin() as db:
        dead = leases.abandoned(db, SENDING)
    caution = Caution(dead, sum(each.capacity for each in lanes.values())) if dead else None
    dispatch = Dispatch(engine, claimer, lanes, clock, stop, look_after, caution)
    finders: dict[Channel, Finder] = {
        channel: lane.calls.sender
        for channel, lane in lanes.items()
        if isinstance(lane.calls.sender, Texts)
    }
    tracker = Tracker(engine, finders, lookups, settings.lease, clock, steadiness.steady_for)
    bounces = BounceReader(engine, open_mailbox(settings), clock)

    def run_collect() -> None:
        if source is not None:
            go_live = settings.aftercare_go_live
            collect(engine, source, treatments=library.treatments, go_live=go_live, clock=clock)

    def run_plan() -> None:
        if library.refresh():
            _tell_template_problems(library)
            with engine.begin() as db:
                messages.wake(db, Cause.TEMPLATE, clock())
        with reading(engine).begin() as db:
            protocols = protocols_in_effect(db, library, required=required)
        plan_sessions(engine, protocols, clock=clock)
        again, late = release(engine, library.versions, clock(), required=required)
        if again or late:
            log.info("approvals.released", again=again, too_late=late)

    alerter = Alerter(engine, lanes[Channel.EMAIL].calls.sender, sent_by, clock)
    seen: list[tuple[str, ...]] = [()]

    def run_report() -> None:
        with reading(engine).begin() as db:
            faults = library.faults()
            faults += unapproved(db, library.versions).values() if required else []
            found = health(db, clock(), poll=settings.poll, template_faults=faults)
        if found.problems != seen[0]:
            seen[0] = found.problems
            # A reason may quote the clinic's row, so the log only says that there is news.
            log.warning("health.changed", problems=len(found.problems), see="aftercare status")
        alerter.send_pressing()

    def run_purge() -> None:
        purge(engine, retention=timedelta(days=settings.aftercare_retention_days), now=clock())

    return Stages(
        engine,
        name,
        settings.lease,
        clock,
        [
            Stage("collect", run_collect),
            Stage("plan", run_plan),
            Stage("send", dispatch.send_due, lease=f"{SENDING}{name}"),
            Stage("track", _tracking(settings, engine, lanes, tracker, clock)),
            Stage("bounces", bounces.read, every=LOOK_EVERY),
            Stage("report", run_report),
            Stage("purge", run_purge, every=timedelta(hours=6)),
        ],
    )


def _tracking(
    settings: Settings,
    engine: Engine,
    lanes: Mapping[Channel, Lane],
    tracker: Tracker,
    clock: Callable[[], datetime],
) -> Callable[[], None]:
    """What the stage ``track`` does: what may have left, then what patients replied."""
    texts, mail = lanes[Channel.SMS].calls.sender, lanes[Channel.EMAIL].calls.sender
    templates = settings.aftercare_templates
    every = EVERY_BESIDE_WEBHOOKS if settings.public_url else EVERY
    # Only Twilio itself has replies; a trial's outbox has none.
    inbox = Inbox(engine, texts, templates, every, clock) if isinstance(texts, Texts) else None
    answerer = Answerer(engine, texts, templates, clock)
    teller = Teller(engine, mail, settings.mail_from or TRIAL_SENDER, clock)

    def run_track() -> None:
        tracker.track()
        try:
            if inbox is not None:
                inbox.poll()
        finally:
            # A text that cannot be taken in keeps no other patient waiting.
            answerer.answer_waiting()
            teller.tell_staff()

    return run_track


def _tell_template_problems(library: Library) -> None:
    if library.problems:
        log.error("templates.problem", problems=sorted(library.problems.values()))


def stop_on_signals() -> Event:
    """An event that SIGTERM and SIGINT set."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def wait_for_app(settings: Settings, stop: Event, apart: ProvidersApart | None) -> App | None:
    """Put the worker together as soon as its database answers; None when stopped before."""
    told = False
    while not stop.is_set():
        try:
            return build_app(settings, stop=stop, apart=apart)
        except OperationalError as error:
            if not told:
                log.error("database.unreachable", setting="DATABASE_URL", error=describe(error))  # noqa: TRY400 (its text may hold the URL)
            told = True
            stop.wait(settings.poll.total_seconds())
    return None


def run_forever(app: App) -> None:
    """Run the stages at their intervals until told to stop, then finish what is under way."""
    scheduler = app.stages.schedule(app.settings.poll)
    settle_in()
    scheduler.start()
    log.info("worker.started", mode=app.settings.aftercare_mode, poll=app.settings.poll.seconds)
    while not app.stop.wait(1):
        # APScheduler waits by the wall clock: set back an hour, it would sleep for that hour.
        if moved := app.steadiness.jumped():
            log.warning("clock.jumped", seconds=round(moved.total_seconds()))
            app.stages.wake(scheduler)
        app.stages.keep_leases()
    log.info("worker.stopping")
    if app.apart:
        app.apart.stop()
    finished = app.stages.finish(scheduler, timeout=_GRACE)
    log.info("worker.stopped", finished=finished)
    if not finished:
        # A call that hangs must not keep the process alive: its lease will run out.
        os._exit(0)
