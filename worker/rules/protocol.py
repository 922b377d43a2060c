"""A treatment's aftercare protocol, as the clinic writes it in ``protocol.toml``.

Parsing checks everything and reports every fault at once, each with its file and key, because a
protocol that is half right sends messages that are half right.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, field
from datetime import time, timedelta
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Self

from jinja2 import TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from worker.rules.messages import Channel, Kind
from worker.rules.timing import SendingHours, Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: What a milestone's ``when`` may ask about.
CONDITION_NAMES = frozenset(
    {"session_number", "sessions_planned", "sessions_left", "next_session_booked", "came_back"}
)
_NAME = r"^[a-z][a-z0-9-]{0,39}$"
_expressions = ImmutableSandboxedEnvironment()
# Jinja's own helpers (range, lipsum) would count as known names, and always be true.
_expressions.globals.clear()


@lru_cache(maxsize=256)
def _names_in(expression: str) -> frozenset[str]:
    return frozenset(meta.find_undeclared_variables(_expressions.parse("{{ " + expression + " }}")))


@lru_cache(maxsize=256)
def _condition(expression: str) -> Callable[..., object]:
    """A ``when`` ready to be asked; a thousand messages share the same few."""
    return _expressions.compile_expression(expression, undefined_to_none=False)


@lru_cache(maxsize=1024)
def _holds(expression: str, facts: tuple[tuple[str, Any], ...]) -> bool:
    """The answer for these facts: asking costs 15 µs, and most sessions' facts are alike."""
    return bool(_condition(expression)(**dict(facts)))


#: The facts of a first, a middle and a last session, and of one that the clinic does not count.
_SAMPLES = tuple(
    {
        "session_number": number,
        "sessions_planned": planned,
        "sessions_left": planned - number,
        "next_session_booked": booked,
        "came_back": number == 1,
    }
    for number, planned, booked in ((1, 3, False), (2, 3, True), (3, 3, False), (0, 0, False))
)


class ProtocolError(Exception):
    """A protocol that cannot be used; ``problems`` has a line for each fault."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _read_span(value: object) -> Span:
    if isinstance(value, Span):
        return value
    if not isinstance(value, str):
        message = 'must be a text like "3 days"'
        raise ValueError(message)  # noqa: TRY004 (pydantic reports ValueError, not TypeError)
    return Span.parse(value)


def _read_wall_time(value: object) -> object:
    if isinstance(value, time):
        return value
    try:
        read = time.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        read = None
    if read is None or read.tzinfo is not None:
        message = f'"{value}" is not a time of day; write it like "10:00"'
        raise ValueError(message)
    return read


def _read_switch(value: object) -> object:
    if isinstance(value, bool):
        return value
    message = "write true or false, without quotes"
    raise ValueError(message)


def _read_fallback(value: object) -> object:
    if value in {Channel.EMAIL, None}:
        return value
    message = 'only "email" can take the place of a text message'
    raise ValueError(message)


SpanField = Annotated[Span, BeforeValidator(_read_span)]
WallTime = Annotated[time, BeforeValidator(_read_wall_time)]
Switch = Annotated[bool, BeforeValidator(_read_switch)]
Fallback = Annotated[Channel | None, BeforeValidator(_read_fallback)]


def _that_can_be_answered(expression: str) -> str:
    """The expression, if it has an answer for every kind of session."""
    try:
        for facts in _SAMPLES:
            _condition(expression)(**facts)
    except Exception as error:  # noqa: BLE001 (it is the clinic's code: it may raise anything)
        message = f"cannot be answered for every session: {error}"
        raise ValueError(message) from None
    return expression


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class Milestone(_Strict):
    """One moment of the aftercare at which the patient hears something."""

    name: Annotated[str, Field(pattern=_NAME)]
    kind: Kind
    #: The restrictions that a permission lifts.
    lifts: tuple[str, ...] = ()
    after: SpanField
    #: The first such time of day, patient-local, at or after ``after``.
    at: WallTime | None = None
    #: The truth window: later than this after its due time it is not sent.
    useful_for: SpanField
    channels: tuple[Channel, ...] = (Channel.SMS, Channel.EMAIL)
    #: A sandboxed Jinja expression over :data:`CONDITION_NAMES`; false means no message.
    when: str | None = None
    #: For this long after its due time it may go out in quiet hours: the patient is just leaving.
    any_hour_for: SpanField | None = None
    #: Whether the e-mail carries a calendar with the dates.
    calendar: Switch = False
    #: One message speaks for all sessions of a day whose milestone of this name joins too.
    joins: Switch = False
    #: What goes out instead of a text message that failed for good.
    fallback: Fallback = None

    @field_validator("when")
    @classmethod
    def _when_can_be_read(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            unknown = set(_names_in(value))
            _expressions.compile_expression(value)
        except (TemplateError, RecursionError) as error:
            message = f"cannot be read as an expression: {error}"
            raise ValueError(message) from None
        if unknown - CONDITION_NAMES:
            names = ", ".join(sorted(unknown - CONDITION_NAMES))
            message = f"unknown name {names}; known: {', '.join(sorted(CONDITION_NAMES))}"
            raise ValueError(message)
        return _that_can_be_answered(value)

    @field_validator("channels")
    @classmethod
    def _channels_are_a_set(cls, value: tuple[Channel, ...]) -> tuple[Channel, ...]:
        if not value or len(set(value)) != len(value):
            message = 'name "sms", "email" or both, each once'
            raise ValueError(message)
        return value

    @model_validator(mode="after")
    def _only_permissions_lift(self) -> Self:
        if (self.kind is Kind.PERMISSION) != bool(self.lifts):
            message = (
                "a permission names the restrictions it lifts in `lifts`"
                if self.kind is Kind.PERMISSION
                else "only a permission has `lifts`"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _only_e_mails_carry_calendars(self) -> Self:
        if self.calendar and Channel.EMAIL not in self.every_channel:
            message = '`calendar` needs the channel "email"; a text cannot carry one'
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _only_texts_fall_back(self) -> Self:
        if self.fallback and Channel.SMS not in self.channels:
            message = '`fallback` is for a text message that failed: put "sms" into `channels`'
            raise ValueError(message)
        return self

    # These two are asked for every message that is planned, so once is enough.

    @cached_property
    def stands_in(self) -> Channel | None:
        """The channel that goes only in place of a text message; None when it goes anyway."""
        return self.fallback if self.fallback not in self.channels else None

    @cached_property
    def every_channel(self) -> tuple[Channel, ...]:
        """The channels it goes out on, the one that may stand in included."""
        return (*self.channels, self.stands_in) if self.stands_in else self.channels

    @property
    def asks_about(self) -> frozenset[str]:
        """The names that ``when`` uses."""
        if self.when is None:
            return frozenset()
        return _names_in(self.when)

    def applies(self, facts: Mapping[str, Any]) -> bool:
        """Whether ``when`` holds for a session with these facts (:data:`CONDITION_NAMES`)."""
        if self.when is None:
            return True
        # A template's whole context may come in: only the names that a condition may use count.
        known = tuple((name, facts[name]) for name in CONDITION_NAMES if name in facts)
        return _holds(self.when, known)


class _Document(_Strict):
    title: Annotated[str, Field(min_length=1)]
    sample: bool = False
    private_words: tuple[str, ...] = ()
    restrictions: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")], SpanField] = {}
    milestones: Annotated[tuple[Milestone, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Protocol:
    """A treatment's restrictions and milestones, checked."""

    treatment: str
    title: str
    restrictions: Mapping[str, Span]
    milestones: tuple[Milestone, ...]
    #: Words that must not show on a lock screen.
    private_words: tuple[str, ...]
    #: Changes whenever the file's text does.
    version: str
    #: A starting point that no clinician has reviewed yet.
    sample: bool = False
    _waits: Mapping[str, tuple[Span, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        waits = {
            # Mostly a permission is due as soon as what it lifts has ended: then it is one span.
            each.name: tuple({each.after, *(self.restrictions[name] for name in each.lifts)})
            for each in self.milestones
        }
        object.__setattr__(self, "_waits", waits)

    def waits(self, milestone: Milestone) -> tuple[Span, ...]:
        """What must have passed since the session before a milestone may be due: all of these."""
        return self._waits[milestone.name]

    def milestone(self, name: str) -> Milestone | None:
        """The milestone of this name, if the protocol still has it."""
        return next((each for each in self.milestones if each.name == name), None)


def parse_protocol(
    text: str, *, treatment: str, file: str, hours: SendingHours | None = None
) -> Protocol:
    """Read a ``protocol.toml``.

    Args:
        text: The file's content.
        treatment: The folder's name, which is the treatment's key.
        file: How to name the file in messages.
        hours: The strictest sending hours in use; a truth window must outlast their night.

    Raises:
        ProtocolError: With every fault, each as ``file: key: what is wrong and what to do``.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProtocolError([f"{file}: not valid TOML: {error}"]) from None
    try:
        document = _Document.model_validate(data)
    except ValidationError as error:
        raise ProtocolError([f"{file}: {line}" for line in _faults(error, data)]) from None
    problems = list(_contradictions(document, hours or SendingHours()))
    if problems:
        raise ProtocolError([f"{file}: {line}" for line in problems])
    return Protocol(
        treatment=treatment,
        title=document.title,
        restrictions=document.restrictions,
        milestones=document.milestones,
        private_words=document.private_words,
        version=hashlib.sha256(text.encode()).hexdigest()[:12],
        sample=document.sample,
    )


def _faults(error: ValidationError, data: Mapping[str, Any]) -> Iterator[str]:
    """Pydantic's findings as ``key: message`` lines, milestones by their name."""
    for fault in error.errors(include_url=False, include_input=False):
        if fault["type"] == "too_short" and data.get("milestones"):
            continue  # a faulty milestone is reported as itself, not as "none left" too
        yield f"{_key(fault['loc'], data)}: {_message(fault['type'], fault['msg'])}"


def _message(kind: str, message: str) -> str:
    match kind:
        case "extra_forbidden":
            return "unknown key; check the spelling or remove it"
        case "missing":
            return "is missing"
        case _:
            return message.removeprefix("Value error, ")


def _key(loc: tuple[int | str, ...], data: Mapping[str, Any]) -> str:
    words: list[str] = []
    for part in loc:
        if isinstance(part, int) and words == ["milestones"]:
            words = [_label(part, data)]
        elif isinstance(part, int):
            words.append(f"[{part}]")
        else:
            words.append(part)
    return ".".join(words) or "protocol"


def _label(index: int, data: Mapping[str, Any]) -> str:
    entry = data["milestones"][index]
    name = entry.get("name") if isinstance(entry, dict) else None
    return f"milestones.{name}" if isinstance(name, str) else f"milestones[{index}]"


def _contradictions(document: _Document, hours: SendingHours) -> Iterator[str]:
    """Faults that only show when the parts are held against each other."""
    names = [each.name for each in document.milestones]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"milestones.{name}: the name is used {names.count(name)} times; make it unique"
    for milestone in document.milestones:
        yield from _window_faults(milestone, hours)
        for lifted in milestone.lifts:
            yield from _permission_faults(milestone, lifted, document.restrictions)


def _window_faults(milestone: Milestone, hours: SendingHours) -> Iterator[str]:
    # An hour more than the night, because once a year clocks go back in it.
    if milestone.any_hour_for is None and milestone.useful_for.shortest <= hours.quiet_night:
        night = int(hours.quiet_night / timedelta(hours=1))
        yield (
            f'milestones.{milestone.name}.useful_for: "{milestone.useful_for}" is shorter than the '
            f"quiet night of {night} hours, so a message that waits for the morning would be "
            f'dropped; make it at least "{night + 2} hours"'
        )


def _permission_faults(
    milestone: Milestone, lifted: str, restrictions: Mapping[str, Span]
) -> Iterator[str]:
    where = f"milestones.{milestone.name}"
    restriction = restrictions.get(lifted)
    if restriction is None:
        known = ", ".join(restrictions) or "none"
        yield f'{where}.lifts: no restriction "{lifted}"; [restrictions] has: {known}'
    elif not milestone.after.never_before(restriction):
        yield (
            f'{where}.after: "{milestone.after}" allows {lifted} before its restriction of '
            f'"{restriction}" has ended; make it at least "{restriction}"'
        )
