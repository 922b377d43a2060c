"""Reports about undeliverable e-mails, in the shapes that mail servers in the wild give them."""

from __future__ import annotations

#: Postfix: https://www.postfix.org; the returned part is the whole message.
POSTFIX = """\
Return-Path: <>
From: MAILER-DAEMON@mx.glow.example.com (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: notes@glow.example.com
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="4F1A.1795/mx.glow.example.com"
Content-Transfer-Encoding: 8bit
Message-Id: <20261123141512.0A1B2C@mx.glow.example.com>

This is a MIME-encapsulated message.

--4F1A.1795/mx.glow.example.com
Content-Description: Notification
Content-Type: text/plain; charset=utf-8

This is the mail system at host mx.glow.example.com.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients.

<{recipient}>: host mx.example.com[192.0.2.7] said: {diagnostic}
    (in reply to RCPT TO command)

--4F1A.1795/mx.glow.example.com
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.glow.example.com
X-Postfix-Queue-ID: 0A1B2C
X-Postfix-Sender: rfc822; notes@glow.example.com
Arrival-Date: Mon, 23 Nov 2026 15:15:10 +0100 (CET)

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.com
Diagnostic-Code: smtp; {diagnostic}

--4F1A.1795/mx.glow.example.com
Content-Description: Undelivered Message
Content-Type: message/rfc822
Content-Transfer-Encoding: 8bit

Return-Path: <notes@glow.example.com>
From: Glow Skin Clinic <notes@glow.example.com>
To: {recipient}
Subject: Your notes for the next few days
Message-ID: {message_id}
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

Hi Ana
--4F1A.1795/mx.glow.example.com--
"""

#: Exchange Online: a long HTML part, folded fields, only the headers come back.
EXCHANGE = """\
From: <postmaster@contoso.onmicrosoft.com>
To: <notes@glow.example.com>
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="f0c1-DB9PR04MB"
MIME-Version: 1.0
Message-ID: <a1b2@DB9PR04MB.eurprd04.prod.outlook.com>
Subject: Undeliverable: Your notes for the next few days
Auto-Submitted: auto-replied

--f0c1-DB9PR04MB
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary="c0ffee-inner"

--c0ffee-inner
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

Your message to {recipient} couldn't be delivered.

--c0ffee-inner
Content-Type: text/html; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable

<html><body><p>Your message couldn't be delivered.</p></body></html>

--c0ffee-inner--

--f0c1-DB9PR04MB
Content-Type: message/delivery-status

Reporting-MTA: dns;DB9PR04MB.eurprd04.prod.outlook.com
Received-From-MTA: dns;mx.glow.example.com
Arrival-Date: Mon, 23 Nov 2026 14:15:11 +0000

Final-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp;{diagnostic}
 ; Recipient not found by SMTP address lookup; Message rejected

--f0c1-DB9PR04MB
Content-Type: text/rfc822-headers

From: Glow Skin Clinic <notes@glow.example.com>
To: {recipient}
Subject: Your notes for the next few days
Date: Mon, 23 Nov 2026 15:15:05 +0100
Message-ID:
 {message_id}
MIME-Version: 1.0

--f0c1-DB9PR04MB--
"""

#: Gmail: a related part with a picture, an X-Failed-Recipients header, LDAP-like diagnosis.
GMAIL = """\
Delivered-To: notes@glow.example.com
Return-Path: <>
From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>
To: notes@glow.example.com
Auto-Submitted: auto-replied
Subject: Delivery Status Notification (Failure)
References: {message_id}
In-Reply-To: {message_id}
X-Failed-Recipients: {recipient}
Message-ID: <6561.mr@mx.google.com>
Content-Type: multipart/report; boundary="000000000000aa06"; report-type=delivery-status

--000000000000aa06
Content-Type: multipart/related; boundary="000000000000bb06"

--000000000000bb06
Content-Type: multipart/alternative; boundary="000000000000cc06"

--000000000000cc06
Content-Type: text/plain; charset="UTF-8"

** Address not found **

Your message wasn't delivered to {recipient}.

--000000000000cc06
Content-Type: text/html; charset="UTF-8"

<html><body><h2>Address not found</h2></body></html>

--000000000000cc06--
--000000000000bb06
Content-Type: image/png; name="icon.png"
Content-Disposition: attachment; filename="icon.png"
Content-Transfer-Encoding: base64
Content-ID: <icon.png>

iVBORw0KGgo=
--000000000000bb06--
--000000000000aa06
Content-Type: message/delivery-status

Reporting-MTA: dns; googlemail.com
Received-From-MTA: dns; notes@glow.example.com
Arrival-Date: Mon, 23 Nov 2026 06:15:11 -0800 (PST)
X-Original-Message-ID: {message_id}

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Remote-MTA: dns; gmail-smtp-in.l.google.com. (192.0.2.9, the server for the domain.)
Diagnostic-Code: smtp; {diagnostic}
Last-Attempt-Date: Mon, 23 Nov 2026 06:15:12 -0800 (PST)

--000000000000aa06
Content-Type: message/rfc822

Received: from glow.example.com by 2002:a05:6000 with SMTP id 5
From: Glow Skin Clinic <notes@glow.example.com>
To: {recipient}
Message-ID: {message_id}
Subject: =?utf-8?q?Tus_indicaciones_para_los_pr=C3=B3ximos_d=C3=ADas?=

----- Message truncated -----

--000000000000aa06--
"""

SHAPES = {"postfix": POSTFIX, "exchange": EXCHANGE, "gmail": GMAIL}


def report(
    shape: str = "postfix",
    *,
    recipient: str = "ana@example.com",
    message_id: str = "<1@glow.example.com>",
    action: str = "failed",
    status: str = "5.1.1",
    diagnostic: str = "550 5.1.1 no such user",
) -> bytes:
    """A report, with line ends as they come over IMAP."""
    text = SHAPES[shape].format(
        recipient=recipient,
        message_id=message_id,
        action=action,
        status=status,
        diagnostic=diagnostic,
    )
    return text.replace("\n", "\r\n").encode()


#: What else lies in such a mailbox.
LETTER = b"From: bea@example.com\r\nContent-Type: text/plain\r\nSubject: Hello\r\n\r\nStop\r\n"
BARE = b"From: bea@example.com\r\nSubject: no content type\r\n\r\nHello\r\n"
READ_RECEIPT = (
    POSTFIX.replace("report-type=delivery-status", "report-type=disposition-notification")
    .replace("message/delivery-status", "message/disposition-notification")
    .replace("\n", "\r\n")
    .encode()
)
