"""What the worker and the process that talks to providers say to each other, over two pipes.

Both are the same program on the same machine, so pickle carries it: nobody else can write to the
pipes, and a batch of 32 envelopes takes a tenth of a millisecond each way.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from worker.channels.accounts import Providers
    from worker.channels.base import Envelope
    from worker.rules.messages import Channel
    from worker.rules.outcomes import Outcome


class Width(NamedTuple):
    """How many calls to a channel's provider may be made at once, and how fast."""

    threads: int
    per_second: float


@dataclass(frozen=True, slots=True)
class Setup:
    """The first thing the process hears."""

    providers: Providers
    widths: Mapping[Channel, Width]


class Begin(NamedTuple):
    """Make these calls."""

    channel: Channel
    envelopes: Sequence[Envelope]


class Rest(NamedTuple):
    """The channel rests, or goes on."""

    channel: Channel
    rests: bool


class Ask(NamedTuple):
    """Call a sender's method; the answer carries the number."""

    number: int
    channel: Channel
    method: str
    arguments: tuple[Any, ...]


class Stop(NamedTuple):
    """Begin nothing more."""


class Close(NamedTuple):
    """Finish what is under way, and end."""


class Ready(NamedTuple):
    """The process has what it needs."""


class Done(NamedTuple):
    """What came of a call."""

    attempt_id: str
    outcome: Outcome


class Told(NamedTuple):
    """What an asked method returned, or how it failed."""

    number: int
    value: Any = None
    problem: str = ""


class Noted(NamedTuple):
    """Something for the worker's log: the process carries no logger of its own, for 9 MB."""

    event: str
    fields: Mapping[str, Any]


def write(pipe: BinaryIO, message: object) -> None:
    """Write one message.

    Raises:
        OSError: When nobody reads any more.
    """
    pipe.write(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))
    pipe.flush()


def read(pipe: BinaryIO) -> Any:  # noqa: ANN401 (any of the above)
    """Read one message.

    Raises:
        EOFError: When nobody writes any more.
    """
    try:
        return pickle.load(pipe)  # noqa: S301 (our own pipe, see the module)
    except pickle.UnpicklingError as error:  # the last one was cut off
        raise EOFError from error
