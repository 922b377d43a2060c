"""A provider that behaves as told, and remembers what patients got whatever it answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from worker.rules.outcomes import Accepted, ChannelDown, Refused, TryAgain, Underway, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from worker.channels.base import Envelope
    from worker.rules.outcomes import Outcome, Receipt


class Manner(StrEnum):
    """What the provider does with a call."""

    #: Takes it and says so.
    ACCEPTS = "accepts"
    #: Takes it, and the answer is lost.
    ACCEPTS_UNHEARD = "accepts unheard"
    #: Never takes it, and no answer comes either.
    LOSES = "loses"
    #: Asks for patience.
    BUSY = "busy"
    #: Will not have this message.
    REFUSES = "refuses"
    #: Does not accept the account.
    DOWN = "down"


_TAKES = frozenset({Manner.ACCEPTS, Manner.ACCEPTS_UNHEARD})
_NO_ANSWER = Unknown("The connection broke before an answer came")
_ANSWERS: dict[Manner, Outcome] = {
    Manner.ACCEPTS_UNHEARD: _NO_ANSWER,
    Manner.LOSES: _NO_ANSWER,
    Manner.BUSY: TryAgain("The provider asks for patience"),
    Manner.REFUSES: Refused("The provider will not take this text"),
    Manner.DOWN: ChannelDown("The provider does not accept our key"),
}


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A message that the provider took: the patient gets it."""

    provider_id: str
    envelope: Envelope
    at: datetime
    #: From when on the provider's list shows it.
    listed_at: datetime

    @property
    def words(self) -> tuple[str, str]:
        """What makes two messages the same for a patient: the address and the text."""
        return self.envelope.address, self.envelope.words.text


@dataclass(slots=True)
class Provider:
    """See the module; it is a sender and, for what it took, a finder.

    Attributes:
        clock: The present moment.
        manner: What it does with calls from now on.
        lag: How far its list is behind, for what it takes from now on.
        answers_questions: Whether its list can be asked.
        accepted: Everything it took, oldest first.
    """

    clock: Callable[[], datetime]
    manner: Manner = Manner.ACCEPTS
    lag: timedelta = timedelta()
    answers_questions: bool = True
    accepted: list[Acceptance] = field(default_factory=list)

    def send(self, envelope: Envelope) -> Outcome:
        """Behave as told."""
        if self.manner in _TAKES:
            now, number = self.clock(), len(self.accepted) + 1
            taken = Acceptance(f"{envelope.channel}-{number}", envelope, now, now + self.lag)
            self.accepted.append(taken)
            if self.manner is Manner.ACCEPTS:
                return Accepted(taken.provider_id)
        return _ANSWERS[self.manner]

    def find(self, address: str, body: str, since: datetime) -> list[str] | None:
        """Ids of what was sent to an address with this text since then, as far as it is listed."""
        if not self.answers_questions:
            return None
        now = self.clock()
        return [
            each.provider_id
            for each in self.accepted
            if each.words == (address, body) and each.at >= since and each.listed_at <= now
        ]

    def receipt(self, provider_id: str) -> Receipt | None:
        """It has it, and the carrier says nothing; what it says comes as the machine decides."""
        assert any(each.provider_id == provider_id for each in self.accepted)
        return Underway() if self.answers_questions else None

    def close(self) -> None:
        """Nothing to let go of."""
