"""The contract of a channel, and the envelope it gets.

A channel takes an envelope and answers with an outcome (:mod:`worker.rules.outcomes`); it raises
for nothing expected. Adding a provider is one module with a ``send`` and a table that maps the
provider's words to outcomes; ``tests/test_channels.py`` runs the same promises over every channel.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from worker.rules.outcomes import ChannelDown, NotTried
from worker.rules.values import value

if TYPE_CHECKING:
    from datetime import datetime

    from worker.rules.messages import Channel, Words
    from worker.rules.outcomes import Outcome, Receipt


#: The answer for an envelope whose time to leave is over.
HELD_UP = NotTried("The worker was held up before it could send")


@value
class Envelope:
    """One message, ready to leave."""

    channel: Channel
    #: E.164 or an e-mail address.
    address: str
    words: Words
    #: Of this attempt; travels with the message where the provider carries such a thing.
    attempt_id: str
    #: The clinic's own sender on this channel; empty for the one in the settings.
    sender: str = ""
    #: What patients see as the sender of an e-mail.
    from_name: str = ""
    reply_to: str = ""
    #: An e-mail's Message-ID, the same at every attempt.
    message_ref: str = ""
    #: Where its reader can unsubscribe with one click; empty when there is no such place.
    unsubscribe_url: str = ""
    #: On the monotonic clock: later than this it must not leave, since by then it may be another
    #: worker's. A sender looks as late as it can.
    begin_before: float = math.inf

    @property
    def too_late(self) -> bool:
        """Whether its time to leave is over: this process slept, or the machine did."""
        return time.monotonic() >= self.begin_before


@dataclass(frozen=True, slots=True)
class Inbound:
    """One text that came in."""

    #: The provider's id of it: the same text may come by webhook and by polling.
    provider_id: str
    #: Whose phone it came from, E.164.
    address: str
    #: Our number, which it came to.
    to: str
    #: Empty when it is only a picture.
    body: str
    received_at: datetime
    #: ``STOP``, ``START`` or ``HELP`` when the provider says that it acted and answered itself.
    keyword: str = ""


class Sender(Protocol):
    """A way for words to leave. Called from several threads at once."""

    def send(self, envelope: Envelope) -> Outcome:
        """Hand the envelope to the provider and say what came of it."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class Texts(Sender, Protocol):
    """A provider of texts that can be asked for what it has."""

    def find(self, address: str, body: str, since: datetime) -> list[str] | None:
        """Ids of messages to an address with this text since a moment; None when not to be had."""
        ...

    def receipt(self, provider_id: str) -> Receipt | None:
        """What became of a message; None when the provider cannot be asked."""
        ...

    def inbound(self, since: datetime) -> list[Inbound] | None:
        """Texts that came in since a moment, oldest first; None when it cannot be asked."""
        ...


class NotSetUp:
    """Stands for a channel that the settings leave out: its messages wait, and staff see why."""

    def __init__(self, why: str) -> None:
        self._why = why

    def send(self, envelope: Envelope) -> Outcome:  # noqa: ARG002 (the contract)
        """Nothing can leave."""
        return ChannelDown(self._why)

    def close(self) -> None:
        """Nothing to let go of."""
