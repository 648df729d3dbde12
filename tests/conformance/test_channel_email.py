"""The e-mail channel against a real SMTP server: STARTTLS, TLS, login, refusals, and mails that can't be forged by alert texts."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

from neural.monitoring.alerts.channels.email import EmailChannel, build_message
from neural.monitoring.alerts.notification import notification

NOW = 1_700_000_000.0
PASSWORD = "pass w0rd"


def entry(**fields):
    base = {
        "alert_id": "a1", "fingerprint": "f1", "status": "firing", "repeat": False, "rule": "High Error Rate", "severity": "critical",
        "title": "High Error Rate", "message": "Error rate is 8 % <b>", "source": "error_rate", "model": "flights", "version": "3", "labels": {},
        "annotations": {}, "runbook": "", "started_at": NOW, "fired_at": NOW, "resolved_at": None, "evidence": {"reason": "because"},
    }  # fmt: skip
    return {**base, **fields}


def message(*entries):
    return notification("m1", "flights", NOW, entries or [entry()])


class Mailbox:
    def __init__(self):
        self.mails, self.answer = [], "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content, session.ssl is not None))
        return self.answer

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 no such person"
        if address.startswith("busy"):
            return "451 try later"
        envelope.rcpt_tos.append(address)
        return "250 OK"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"me" and data.password == PASSWORD.encode(), handled=False)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def trusting(authority):
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


class Server(Controller):
    """aiosmtpd on a free port; ``mode`` is plain, starttls or tls."""

    def __init__(self, mailbox, authority, mode):
        self._mode = mode
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(self._context)
        super().__init__(mailbox, hostname="localhost", port=0, ssl_context=self._context if mode == "tls" else None)

    def factory(self):
        starttls = (
            {"tls_context": self._context, "auth_require_tls": True} if self._mode == "starttls" else {"auth_require_tls": False}
        )
        return SMTP(self.handler, hostname="localhost", authenticator=authenticate, **starttls)

    def _trigger_server(self):  # port 0: learn the real one before the base class connects to it
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def serve(authority):
    servers = []

    def start(mode):
        mailbox = Mailbox()
        server = Server(mailbox, authority, mode)
        server.start()
        servers.append(server)
        return server.port, mailbox

    yield start
    for server in servers:
        server.stop()


def channel(port, context, **more):
    options = {"username": "me", "password": PASSWORD, "timeout": 5, **more}
    return EmailChannel(
        "localhost", port, "neural@example.com", options.pop("to", ["a@example.com", "b@example.com"]), context=context, **options
    )


def test_it_logs_in_after_starttls_and_sends_text_and_html(serve, trusting):
    port, mailbox = serve("starttls")
    result = channel(port, trusting).send(message())
    assert result.ok, result.detail
    [(sender, recipients, content, is_encrypted)] = mailbox.mails
    assert (sender, recipients, is_encrypted) == ("neural@example.com", ["a@example.com", "b@example.com"], True)
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert mail["Subject"] == "[CRITICAL] High Error Rate · flights"
    assert "Error rate is 8 %" in mail.get_body(("plain",)).get_content()
    assert "&lt;b&gt;" in mail.get_body(("html",)).get_content()


def test_it_sends_over_tls_from_the_start(serve, trusting):
    port, mailbox = serve("tls")
    assert channel(port, trusting, security="tls").send(message()).ok
    assert len(mailbox.mails) == 1


def test_a_server_without_starttls_gets_neither_password_nor_mail(serve, trusting):
    port, mailbox = serve("plain")
    result = channel(port, trusting).send(message())
    assert (result.ok, result.retryable) == (False, False)
    assert "STARTTLS" in result.detail
    assert mailbox.mails == []


def test_a_login_without_tls_is_refused_by_us(serve, trusting):
    port, _ = serve("plain")
    result = channel(port, trusting, security="none").send(message())
    assert not result.ok
    assert "needs TLS" in result.detail
    assert channel(port, trusting, security="none", username="").send(message()).ok


def test_an_untrusted_certificate_is_not_accepted(serve):
    port, mailbox = serve("starttls")
    result = channel(port, ssl.create_default_context()).send(message())
    assert (result.ok, result.retryable) == (False, False)
    assert "certificate" in result.detail
    assert mailbox.mails == []


def test_a_wrong_password_is_permanent_and_not_shown(serve, trusting):
    port, _ = serve("starttls")
    result = channel(port, trusting, password="wrong-secret").send(message())
    assert (result.ok, result.retryable) == (False, False), result.detail
    assert "535" in result.detail
    assert "wrong-secret" not in result.detail


@pytest.mark.parametrize(("answer", "retryable"), [("451 greylisted", True), ("552 too big", False)], ids=["4yz", "5yz"])
def test_the_servers_answer_decides_about_another_try(serve, trusting, answer, retryable):
    port, mailbox = serve("starttls")
    mailbox.answer = answer
    result = channel(port, trusting).send(message())
    assert (result.ok, result.retryable, result.ambiguous) == (False, retryable, False)


@pytest.mark.parametrize(
    ("who", "retryable"), [("nobody@example.com", False), ("busy@example.com", True)], ids=["unknown", "busy"]
)
def test_refused_recipients_decide_too(serve, trusting, who, retryable):
    port, _ = serve("starttls")
    result = channel(port, trusting, to=[who]).send(message())
    assert (result.ok, result.retryable) == (False, retryable)


def test_one_refused_recipient_of_two_does_not_hold_up_the_other(serve, trusting):
    port, mailbox = serve("starttls")
    result = channel(port, trusting, to=["nobody@example.com", "a@example.com"]).send(message())
    assert result.ok
    assert "nobody@example.com" in result.detail
    assert mailbox.mails[0][1] == ["a@example.com"]


def test_nobody_listening_is_worth_another_try(trusting):
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    result = channel(port, trusting).send(message())
    assert (result.ok, result.retryable, result.ambiguous) == (False, True, False)


def test_a_server_that_says_nothing_is_given_up_in_time(trusting):
    with socket.create_server(("localhost", 0)) as silent:
        result = channel(silent.getsockname()[1], trusting, timeout=0.3).send(message())
    assert (result.ok, result.retryable) == (False, True)


def test_no_alert_text_can_add_a_header():
    evil = "Boom\r\nBcc: everyone@example.com\r\n\r\nbody"
    mail = build_message(
        message(entry(title=evil, message=evil)), "neural@example.com\r\nBcc: x@example.com", ["a@example.com\nCc: y@example.com"]
    )
    parsed = email.message_from_bytes(mail.as_bytes(), policy=email.policy.default)
    assert parsed["Bcc"] is None
    assert parsed["Cc"] is None
    assert "\n" not in parsed["Subject"]


def test_every_attempt_has_the_same_message_id():
    assert build_message(message(), "a@x", ["b@x"])["Message-ID"] == build_message(message(), "a@x", ["b@x"])["Message-ID"]
