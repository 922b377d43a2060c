"""What the loopback Twilio does with a request to create a message."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_HTML = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One way to serve a request.

    ``dataclasses.replace(HTML_500, accepts=True)`` makes a variant.
    """

    #: Whether the message is taken in, whatever the client is told.
    accepts: bool = True
    status: int = 201
    #: The answer's body; None answers with the message's resource. ``{to}`` stands for the number.
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Seconds before the answer.
    delay: float = 0
    #: No answer comes, and the connection stays open.
    hangs: bool = False
    #: No answer comes, because the connection is closed.
    drops: bool = False

    def body_for(self, posted: Mapping[str, str]) -> str | None:
        """The body for one request."""
        return self.body and self.body.replace("{to}", posted.get("To", ""))


NORMAL = Behaviour()
#: The message is taken in, but no answer comes until the client gives up.
TIMES_OUT = Behaviour(hangs=True)
DROPS_BEFORE = Behaviour(accepts=False, drops=True)
DROPS_AFTER = Behaviour(drops=True)
HTML_201 = Behaviour(body=_HTML.format("Welcome"))
EMPTY_201 = Behaviour(body="")
HTML_500 = Behaviour(accepts=False, status=500, body=_HTML.format("Internal Server Error"))
HTML_429 = Behaviour(accepts=False, status=429, body=_HTML.format("Too Many Requests"))


def error(code: int, status: int = 400, *, retry_after: int | None = None) -> Behaviour:
    """Twilio's own refusal, whose message repeats the number as the real ones do.

    Args:
        code: https://www.twilio.com/docs/api/errors
        status: HTTP's.
        retry_after: Seconds, for the header of that name.
    """
    body = {
        "code": code,
        "message": "Message to {to} cannot be sent.",
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    headers = {"Content-Type": "application/json"}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return Behaviour(accepts=False, status=status, body=json.dumps(body), headers=headers)
