"""Links that a patient can follow without logging in: signed, and silent about who they are for.

A token holds the number of a message and a digest of the address that it went to. The number says
which clinic, patient and kind of message it is about; the digest keeps an old link from meaning
somebody else, should the database be made anew and its numbers begin again. It never ends: a
patient may unsubscribe with a letter of years ago, as long as ``SECRET_KEY`` is the same.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import SecretStr

#: Keeps one kind of token from passing as another.
_SALT = "aftercare.unsubscribe"
#: Enough to tell two addresses apart; the signature is what cannot be guessed.
_DIGEST_BYTES = 9


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a token says, once its signature is known to be ours."""

    message_id: int
    digest: str


@dataclass(frozen=True, slots=True)
class Links:
    """Makes and reads links.

    Args:
        public_url: ``PUBLIC_URL``; without it no link is made, since nobody could follow it.
        key: ``SECRET_KEY``.
    """

    public_url: str
    key: SecretStr

    def unsubscribe(self, message_id: int, address: str) -> str:
        """Where to unsubscribe from what one e-mail is about; empty without a public address."""
        if not (self.public_url and self.key.get_secret_value()):
            return ""
        token = self._serializer().dumps([message_id, self._digest(address)])
        return f"{self.public_url.rstrip('/')}/unsubscribe/{token}"

    def read(self, token: str) -> Ticket | None:
        """What a token says; None when it is not one of ours."""
        if not self.key.get_secret_value():
            return None
        try:
            said = self._serializer().loads(token)
        except BadSignature:
            return None
        match said:
            case [int(message_id), str(digest)]:
                return Ticket(message_id, digest)
            case _:
                return None

    def is_for(self, ticket: Ticket, address: str) -> bool:
        """Whether a ticket was made for a message to this address."""
        return hmac.compare_digest(ticket.digest, self._digest(address))

    def _serializer(self) -> URLSafeSerializer:
        # The library's default digest is SHA-1.
        arguments = {"digest_method": hashlib.sha256}
        key = self.key.get_secret_value()
        return URLSafeSerializer(key, salt=_SALT, signer_kwargs=arguments)

    def _digest(self, address: str) -> str:
        """Keyed, so that nobody can try addresses until one fits."""
        key = self.key.get_secret_value().encode()
        words = f"{_SALT}|{address.lower()}".encode()
        found = hmac.new(key, words, hashlib.sha256).digest()[:_DIGEST_BYTES]
        return base64.urlsafe_b64encode(found).decode()


#: Where the settings name no public address.
NO_LINKS = Links("", SecretStr(""))
