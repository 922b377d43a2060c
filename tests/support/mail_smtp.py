"""The loopback mail server's SMTP: aiosmtpd, with connections that can be counted and cut."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

if TYPE_CHECKING:
    import socket

    from tests.support.mail_server import MailServer, Manner

_OK = "250 OK"
_LONGER_THAN_ANY_TEST = 3600


class Listener(Controller):
    """aiosmtpd's, listening on a socket that is bound already."""

    def __init__(self, server: MailServer, bound: socket.socket) -> None:
        self._server = server
        self._bound = bound
        super().__init__(
            _Handler(server),
            hostname="127.0.0.1",
            port=server.port,
            server_hostname="mail.test",
            ssl_context=server.context() if server.implicit_tls else None,
        )

    def _create_server(self) -> Any:
        return self.loop.create_server(
            self._factory_invoker, sock=self._bound, ssl=self.ssl_context
        )

    def factory(self) -> Connection:
        """A connection that a client makes."""
        server = self._server
        return Connection(
            server,
            self.handler,
            hostname="mail.test",
            enable_SMTPUTF8=server.smtputf8,
            tls_context=server.context() if server.starttls else None,
            require_starttls=server.starttls,
            # Without a user there is nothing to log in as, so AUTH is not offered in the clear.
            auth_require_tls=server.starttls or not server.user,
            authenticator=self._authenticate,
        )

    def _authenticate(self, *args: Any) -> AuthResult:
        login = args[-1]
        # Not handled: aiosmtpd says 535 by itself.
        return AuthResult(success=self._server.admits(login.login, login.password), handled=False)


class Connection(SMTP):
    """aiosmtpd's, counted; and it can be closed from outside."""

    number = 0
    manner: Manner

    def __init__(self, mail_server: MailServer, *args: Any, **kwargs: Any) -> None:
        self._mail_server = mail_server
        self._over = asyncio.Event()
        super().__init__(*args, **kwargs)

    async def close(self, farewell: str = "") -> None:
        """Hang up, perhaps with a last word, and wait until it is done."""
        if farewell:
            await self.push(farewell)
        if isinstance(self.transport, asyncio.WriteTransport):
            # Not close(): over TLS that would wait for the client's own farewell.
            self.transport.abort()
        await self._over.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        if not self.number:  # STARTTLS comes by here once more
            self.number = self._mail_server.opened(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """The client is gone, or we closed."""
        self._over.set()
        self._mail_server.closed(self)
        super().connection_lost(error)


class _Handler:
    """aiosmtpd's hooks."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_MAIL(  # noqa: N802 (aiosmtpd's)
        self, smtp: Connection, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self._server.user and not session.authenticated:
            return "530 5.7.0 Authentication required"
        smtp.manner = self._server.next_manner()
        if smtp.manner.at_mail:
            return smtp.manner.at_mail
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return _OK

    async def handle_RCPT(  # noqa: N802 (aiosmtpd's)
        self, smtp: Connection, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if smtp.manner.at_rcpt:
            return smtp.manner.at_rcpt
        envelope.rcpt_tos.append(address)
        return _OK

    async def handle_DATA(  # noqa: N802 (aiosmtpd's)
        self, smtp: Connection, session: Any, envelope: Any
    ) -> str:
        manner = smtp.manner
        if not manner.at_end and not manner.drops_after_data:
            self._server.take_in(
                envelope,
                connection=smtp.number,
                encrypted=session.ssl is not None or self._server.implicit_tls,
                logged_in=bool(session.authenticated),
            )
        await asyncio.sleep(manner.delay)
        if manner.drops_after_data or manner.accepts_and_drops:
            # The loss of the connection ends this task too, so no reply is tried.
            await smtp.close()
            await asyncio.sleep(_LONGER_THAN_ANY_TEST)
        return manner.at_end or _OK
