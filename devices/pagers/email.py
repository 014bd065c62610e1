"""E-mail over the site's own server: smtp:// asks for STARTTLS, smtps:// speaks TLS from the first byte.

The standard library's client blocks, so it has a thread; its steps are taken one by one, for what fails before the
text is sent has failed, and what breaks while it is sent may have arrived.
"""

import asyncio
import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any, Final

from devices.errors import AddressRefused, LinkLost, LinkUnavailable, NoAnswer, OptionRefused
from devices.links.address import LinkAddress
from devices.options import known_options_only, one_of
from devices.pagers.attempts import attempted
from devices.pagers.guard import Guard
from devices.pagers.page import Outcome, Page, PagerSpec, Reached

STEP_S: Final = 5.0
CLOSING: Final = 421  # the only number by which a server speaks of itself and not of one mailbox
TAKEN: Final = 250
AGREED: Final = (250, 251)
BUSY_S: Final = 60.0
PORTS: Final = {"smtp": 587, "smtps": 465}
MAILBOX: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}")


class EmailPager:
    """One mail server; the address is a mailbox."""

    def __init__(self, spec: PagerSpec, guard: Guard | None = None, trust: ssl.SSLContext | None = None) -> None:
        known_options_only(spec, "sender", "tls")
        address = LinkAddress.parse(spec.url)
        address.refuse_other_queries()
        if address.scheme not in PORTS or not address.host or address.username is not None:
            raise AddressRefused(
                "a mail server's URL is smtp://host:587 or smtps://host:465; user and password are secrets"
            )
        self._is_tls_from_the_first = address.scheme == "smtps"
        self._is_plain = one_of(spec, "tls", "required", "required", "none") == "none"
        self._host, self._port = address.host, address.port or PORTS[address.scheme]
        self._sender = spec.options.get("sender", "")
        if MAILBOX.fullmatch(self._sender) is None:
            raise OptionRefused("option sender must be a mailbox: clinic@example.org")
        self._secrets = spec.secrets
        self._guard = guard or Guard(spec.may_reach)
        self._trust = trust or ssl.create_default_context()

    async def send(self, address: str, page: Page) -> Outcome:
        """See Pager."""
        if MAILBOX.fullmatch(address) is None:
            return Outcome(Reached.FAILED, "address_malformed")
        return await attempted(self._send(address, page))

    async def _send(self, address: str, page: Page) -> Outcome:
        is_plain = self._is_plain and not self._is_tls_from_the_first
        addresses = await self._guard.addresses(self._host, self._port, is_plain=is_plain)
        return await asyncio.to_thread(self._deliver, addresses, address, self._message(address, page))

    def _message(self, address: str, page: Page) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"] = self._sender, address
        message["Subject"] = page.title
        message["Date"] = formatdate()
        # The same in every repetition: mail programs show a doubled one once.
        message["Message-ID"] = f"<{re.sub(r'[^A-Za-z0-9.-]', '-', page.number)}@{self._sender.partition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        if page.is_urgent:
            message["X-Priority"], message["Importance"] = "1", "high"
        message.set_content(page.text, cte="base64")
        return message

    def _deliver(self, addresses: Sequence[str], recipient: str, message: EmailMessage) -> Outcome:
        try:
            with contextlib.closing(self._connected(addresses)) as client:
                self._prepare(client, recipient)
                return _handed_over(client, message)
        except smtplib.SMTPResponseException as refusal:
            return _outcome_of(refusal.smtp_code)
        except smtplib.SMTPNotSupportedError:
            return Outcome(Reached.FAILED, "not_offered_by_server")
        except ssl.SSLError:
            raise LinkUnavailable("certificate_refused") from None
        except (OSError, smtplib.SMTPException):  # nothing was sent yet
            raise LinkUnavailable("not_reached") from None

    def _connected(self, addresses: Sequence[str]) -> smtplib.SMTP:
        for address in addresses:
            with contextlib.suppress(OSError):
                connection = socket.create_connection((address, self._port), STEP_S)
                break
        else:
            raise LinkUnavailable("not_reached")
        try:
            if self._is_tls_from_the_first:
                connection = self._trust.wrap_socket(connection, server_hostname=self._host)
            return _Conversation(connection, self._host)
        except BaseException:
            connection.close()
            raise

    def _prepare(self, client: smtplib.SMTP, recipient: str) -> None:
        """Go as far as the server's agreement to take a text for the recipient. Raises what smtplib raises."""
        if not self._is_tls_from_the_first and not self._is_plain:
            client.starttls(context=self._trust)
        client.ehlo_or_helo_if_needed()
        if "password" in self._secrets:
            client.login(self._secrets.get("user", self._sender), self._secrets["password"])
        for ask, mailbox in ((client.mail, self._sender), (client.rcpt, recipient)):
            code, _ = ask(mailbox)
            if code not in AGREED:
                raise smtplib.SMTPResponseException(code, b"")


class _Conversation(smtplib.SMTP):
    """Speaks over a connection that is there already; TLS goes on asking for the server's name."""

    def __init__(self, connection: socket.socket, host: str) -> None:
        self._connection = connection
        name = connection.getsockname()[0]
        super().__init__(host, local_hostname=f"[IPv6:{name}]" if ":" in name else f"[{name}]", timeout=STEP_S)

    def _get_socket(self, *_given: Any) -> socket.socket:
        return self._connection


def _handed_over(client: smtplib.SMTP, message: EmailMessage) -> Outcome:
    try:
        code, _ = client.data(message.as_bytes(policy=message.policy.clone(linesep="\r\n")))
    except TimeoutError:
        raise NoAnswer from None
    except (OSError, smtplib.SMTPServerDisconnected):
        raise LinkLost("line_broken") from None
    with contextlib.suppress(OSError, smtplib.SMTPException):
        client.quit()
    return Outcome(Reached.ACCEPTED) if code == TAKEN else _outcome_of(code)


def _outcome_of(code: int) -> Outcome:
    return Outcome(Reached.FAILED, f"smtp_{code}", wait_s=BUSY_S if code == CLOSING else None)
