"""The e-mail channel: SMTP with STARTTLS or TLS, certificates verified, plain text and HTML.

Login happens only over TLS. Answers 4yz are worth another try, 5yz are not. Headers are built by ``email.message``, which refuses
line breaks; we also strip them, so that no alert text can add a header.
"""

from __future__ import annotations

import email.utils
import html
import re
import smtplib
import socket
import ssl
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any, Literal

from neural.monitoring.alerts.channels.protocol import DELIVERED, DeliveryResult, Policy
from neural.monitoring.alerts.notification import headline, lines_of, one_line

Security = Literal["starttls", "tls", "none"]
_SUBJECT_CHARACTERS = 200


class EmailChannel:
    """Sends to every recipient in one message. ``security``: "starttls" (587), "tls" (465), or "none" (no login then)."""

    kind = "email"

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        recipients: Sequence[str],
        *,
        name: str = "email",
        username: str = "",
        password: str = "",
        security: Security = "starttls",
        policy: Policy | None = None,
        timeout: float = 20.0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.name = name
        self.policy = policy or Policy()
        self._address = (host, port)
        self._sender, self._recipients = sender, list(recipients)
        self._username, self._password, self._security = username, password, security
        self._timeout = timeout
        self._context = context or ssl.create_default_context()

    def send(self, notification: Mapping[str, Any]) -> DeliveryResult:
        handed_over = False
        try:
            with self._connect() as server:
                message = build_message(notification, self._sender, self._recipients)
                handed_over = True
                refused = server.send_message(message, self._sender, self._recipients)
                handed_over = False
        except smtplib.SMTPResponseException as error:
            return DeliveryResult(
                ok=False, detail=_answer(error.smtp_code, error.smtp_error), retryable=400 <= error.smtp_code < 500
            )
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            return DeliveryResult(
                ok=False, detail=f"every recipient was refused: {codes}", retryable=all(400 <= code < 500 for code in codes)
            )
        except smtplib.SMTPNotSupportedError as error:
            return DeliveryResult(ok=False, detail=str(error))
        except ssl.SSLCertVerificationError as error:
            return DeliveryResult(ok=False, detail=f"the server's certificate is not trusted: {error.verify_message}")
        except (smtplib.SMTPException, OSError) as error:
            return DeliveryResult(
                ok=False, detail=f"{type(error).__name__}: {error}"[:200], retryable=True, ambiguous=handed_over
            )
        return DELIVERED if not refused else DeliveryResult(ok=True, detail=f"refused for {', '.join(sorted(refused))}")

    def close(self) -> None:
        """Nothing stays open between messages."""

    def _connect(self) -> smtplib.SMTP:
        host, port = self._address
        if self._security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=self._timeout, context=self._context)
        else:
            server = smtplib.SMTP(host, port, timeout=self._timeout, local_hostname=socket.gethostname() or None)
        try:
            if self._security == "starttls":
                server.starttls(context=self._context)
            if self._username:
                if self._security == "none":
                    raise smtplib.SMTPNotSupportedError("a login needs TLS: set security to starttls or tls")
                server.login(self._username, self._password)
        except BaseException:
            server.close()
            raise
        return server


def build_message(notification: Mapping[str, Any], sender: str, recipients: Sequence[str]) -> EmailMessage:
    """The mail. Its Message-ID is the notification's id, the same on every attempt, so that mail programs show a duplicate once."""
    message = EmailMessage()
    message["Subject"] = one_line(headline(notification))[:_SUBJECT_CHARACTERS]
    message["From"] = one_line(sender)
    message["To"] = ", ".join(one_line(one) for one in recipients)
    message["Date"] = email.utils.formatdate(notification["created_at"])
    message["Message-ID"] = f"<{re.sub('[^A-Za-z0-9]', '', str(notification['id']))}@neural-monitoring>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n\n".join(_plain(entry) for entry in notification["alerts"]) + "\n")
    message.add_alternative(_page(notification), subtype="html")
    return message


def _plain(entry: Mapping[str, Any]) -> str:
    head = f"{entry['title']} ({'resolved' if entry['status'] == 'resolved' else entry['severity']})"
    return "\n".join([head, entry["message"], *(f"  {heading}: {text}" for heading, text in lines_of(entry))])


def _page(notification: Mapping[str, Any]) -> str:
    parts = [f"<h2>{html.escape(headline(notification))}</h2>"]
    for entry in notification["alerts"]:
        rows = "".join(
            f"<tr><th align=left>{html.escape(heading)}</th><td>{html.escape(text)}</td></tr>"
            for heading, text in lines_of(entry)
        )
        parts.append(f"<h3>{html.escape(entry['title'])}</h3><p>{html.escape(entry['message'])}</p><table>{rows}</table>")
    return f"<!doctype html><html><body>{''.join(parts)}</body></html>"


def _answer(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"SMTP {code} {one_line(words)}"[:200]
