"""E-mail over a real server: what it takes, what it refuses, and what is left open."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from devices.pagers.email import EmailPager
from devices.pagers.guard import Guard
from devices.pagers.page import Outcome, PagerSpec, Reached
from devices.pagers.registry import pager_for
from tests.devices.pager_parts import HERE, PAGE, guard_of, tls_of

CANARY = "canarysecret"
MAILBOX = "keeper@example.org"


class Post:
    """A mail server's rules: whom it takes, and what it says to a text."""

    def __init__(self, *, rcpt: str = "250 OK", data: str = "250 OK", drops: bool = False) -> None:
        self.rcpt, self.data, self.drops = rcpt, data, drops
        self.envelopes: list[Envelope] = []
        self.logins: list[LoginPassword] = []
        self.was_tls: list[bool] = []

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        self.envelopes.append(envelope)
        self.was_tls.append(session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None)
        if self.drops:
            server.transport.abort()
        return self.data

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, told: Any) -> AuthResult:
        self.logins.append(told)
        return AuthResult(success=told.password == CANARY.encode(), handled=False)


def read(envelope: Envelope) -> EmailMessage:
    """Return a message as its reader's program sees it."""
    assert isinstance(envelope.content, bytes)
    message = message_from_bytes(envelope.content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


@asynccontextmanager
async def serving(post: Post, *, first: ssl.SSLContext | None = None, **more: Any) -> AsyncIterator[int]:
    """Yield the port of a real mail server; `first` is TLS from the first byte."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(post, loop=loop, hostname="mail.example", **more), "127.0.0.1", 0, ssl=first
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def spec_of(port: int, scheme: str = "smtp", **options: str) -> PagerSpec:
    told = {"sender": "clinic@example.org", **options}
    return PagerSpec("mail", "email", f"{scheme}://mail.example:{port}", told, {}, HERE)


def plain_at(port: int) -> EmailPager:
    return EmailPager(spec_of(port, tls="none"), guard_of("127.0.0.1"))


async def test_a_page_arrives_as_it_was_written() -> None:
    post = Post()
    async with serving(post) as port:
        assert await plain_at(port).send(MAILBOX, PAGE) == Outcome(Reached.ACCEPTED)
    message = read(post.envelopes[0])
    assert post.envelopes[0].rcpt_tos == [MAILBOX]
    assert message.get_content().strip() == PAGE.text
    assert (message["Subject"], message["To"], message["From"]) == (PAGE.title, MAILBOX, "clinic@example.org")
    assert (message["X-Priority"], message["Auto-Submitted"]) == ("1", "auto-generated")


async def test_a_repetition_has_the_same_message_id() -> None:
    post = Post()
    async with serving(post) as port:
        for _ in range(2):
            await plain_at(port).send(MAILBOX, PAGE)
    ids = [read(one)["Message-ID"] for one in post.envelopes]
    assert ids == ["<4711@example.org>"] * 2


async def test_starttls_is_asked_for_and_the_server_must_be_the_one_named(tmp_path: Path) -> None:
    shown, trusted = tls_of("mail.example", tmp_path)
    post = Post()
    async with serving(post, tls_context=shown, require_starttls=True) as port:
        right = EmailPager(spec_of(port), guard_of("127.0.0.1"), trusted)
        assert await right.send(MAILBOX, PAGE) == Outcome(Reached.ACCEPTED)
        strange = EmailPager(spec_of(port), guard_of("127.0.0.1"))
        assert await strange.send(MAILBOX, PAGE) == Outcome(Reached.FAILED, "certificate_refused")
    assert post.was_tls == [True]


async def test_a_server_without_starttls_gets_nothing() -> None:
    """Whoever sits between may take the offer out of the server's greeting."""
    post = Post()
    async with serving(post) as port:
        outcome = await EmailPager(spec_of(port), guard_of("127.0.0.1")).send(MAILBOX, PAGE)
    assert outcome == Outcome(Reached.FAILED, "not_offered_by_server")
    assert post.envelopes == []


async def test_tls_from_the_first_byte(tmp_path: Path) -> None:
    shown, trusted = tls_of("mail.example", tmp_path)
    post = Post()
    async with serving(post, first=shown) as port:
        pager = EmailPager(spec_of(port, "smtps"), guard_of("127.0.0.1"), trusted)
        assert await pager.send(MAILBOX, PAGE) == Outcome(Reached.ACCEPTED)
    assert post.was_tls == [True]


@pytest.mark.parametrize(
    ("password", "outcome"), [(CANARY, Outcome(Reached.ACCEPTED)), ("canarywrong", Outcome(Reached.FAILED, "smtp_535"))]
)
async def test_the_site_signs_in_and_its_password_is_nowhere(
    password: str, outcome: Outcome, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shown, trusted = tls_of("mail.example", tmp_path)
    post = Post()
    rules: dict[str, Any] = {"tls_context": shown, "require_starttls": True, "auth_required": True}
    with caplog.at_level(logging.DEBUG):
        async with serving(post, authenticator=post.authenticate, **rules) as port:
            spec = spec_of(port)
            signed_in = PagerSpec("mail", "email", spec.url, spec.options, {"user": "site", "password": password}, HERE)
            pager = EmailPager(signed_in, guard_of("127.0.0.1"), trusted)
            assert await pager.send(MAILBOX, PAGE) == outcome
    assert {one.login for one in post.logins} == {b"site"}
    told = repr((pager, signed_in)) + "".join(
        record.getMessage() for record in caplog.records if not record.name.startswith("mail.log")
    )
    assert "canary" not in told


@pytest.mark.parametrize(
    ("rules", "outcome"),
    [
        ({"rcpt": "550 No such user keeper@example.org"}, Outcome(Reached.FAILED, "smtp_550")),
        ({"rcpt": "451 Greylisted"}, Outcome(Reached.FAILED, "smtp_451")),
        ({"data": "554 Spam"}, Outcome(Reached.FAILED, "smtp_554")),
        ({"data": "452 Disk full"}, Outcome(Reached.FAILED, "smtp_452")),
        ({"data": "421 Closing"}, Outcome(Reached.FAILED, "smtp_421", wait_s=60)),
        ({"drops": True}, Outcome(Reached.UNCONFIRMED, "line_broken")),
    ],
)
async def test_what_a_server_says_is_told_by_its_number(rules: dict[str, Any], outcome: Outcome) -> None:
    async with serving(Post(**rules)) as port:
        assert await plain_at(port).send(MAILBOX, PAGE) == outcome


async def test_a_server_that_hangs_up_at_once_has_taken_nothing() -> None:
    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await plain_at(port).send(MAILBOX, PAGE) == Outcome(Reached.FAILED, "not_reached")


async def test_where_no_server_listens_the_page_has_failed() -> None:
    async with serving(Post()) as port:
        pager = plain_at(port)
    assert await pager.send(MAILBOX, PAGE) == Outcome(Reached.FAILED, "not_reached")


async def test_a_server_of_the_site_is_not_reached_unless_the_settings_say_so() -> None:
    post = Post()
    async with serving(post) as port:
        spec = PagerSpec("mail", "email", f"smtp://127.0.0.1:{port}", {"sender": "clinic@example.org", "tls": "none"})
        assert await pager_for(spec).send(MAILBOX, PAGE) == Outcome(Reached.FAILED, "address_not_permitted")
        public = EmailPager(spec_of(port, tls="none"), Guard(resolve=guard_of("203.119.205.70")._resolve))
        assert await public.send(MAILBOX, PAGE) == Outcome(Reached.FAILED, "tls_missing")
    assert post.envelopes == []


@pytest.mark.parametrize("address", ["", "keeper", "a@b.cn\r\nRCPT TO:<c@d.cn>", "a@b.cn, c@d.cn", "<a@b.cn>"])
async def test_a_mailbox_that_is_none_is_not_written_to(address: str) -> None:
    assert await plain_at(9).send(address, PAGE) == Outcome(Reached.FAILED, "address_malformed")
