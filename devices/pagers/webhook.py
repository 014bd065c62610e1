"""A program of the site's own choice: the page as JSON, signed, so that it can tell it from anybody else's.

The signature is `x-clinic-signature: sha256=` and the HMAC-SHA256, in hexadecimal, of `x-clinic-timestamp`, a dot and
the body. A receiver that knows `number` already has a repetition before it.
"""

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from typing import Final

from devices.options import known_options_only
from devices.pagers import success
from devices.pagers.attempts import attempted
from devices.pagers.guard import Guard
from devices.pagers.http import Answer, Call, HttpDoor, refuse_malformed
from devices.pagers.page import Outcome, Page, PagerSpec, Reached
from devices.pagers.robot_wire import encoded, refused_by_status
from devices.pagers.success import SuccessRule

ADDRESS: Final = re.compile(r"[^\x00-\x1f\x7f]{0,200}")


def now_s() -> int:
    """Return the time as receivers count it."""
    return int(time.time())


def signature_headers(secret: str, now_s: int, body: bytes) -> Mapping[str, str]:
    """Return what proves sender, time and body."""
    signature = hmac.digest(secret.encode(), f"{now_s}.".encode() + body, hashlib.sha256).hex()
    return {"x-clinic-timestamp": str(now_s), "x-clinic-signature": f"sha256={signature}"}


class Webhook:
    """One receiver; the address is passed on for it to understand."""

    def __init__(self, spec: PagerSpec, door: HttpDoor | None = None, now_s: Callable[[], int] = now_s) -> None:
        known_options_only(spec, *success.OPTIONS)
        refuse_malformed(spec.url)
        self._url = spec.url
        self._secret = spec.secrets.get("secret", "")
        self._rule = SuccessRule.of(spec)
        self._door = door or HttpDoor(Guard(spec.may_reach))
        self._now_s = now_s

    async def send(self, address: str, page: Page) -> Outcome:
        """See Pager."""
        if ADDRESS.fullmatch(address) is None:
            return Outcome(Reached.FAILED, "address_malformed")
        return await attempted(self._send(address, page))

    async def _send(self, address: str, page: Page) -> Outcome:
        body = encoded(
            {
                "number": page.number,
                "address": address,
                "short": page.short,
                "text": page.text,
                "is_urgent": page.is_urgent,
                "reply_code": page.reply_code,
            }
        )
        signed = signature_headers(self._secret, self._now_s(), body) if self._secret else {}
        answer = await self._door.ask(Call(self._url, body, {"content-type": "application/json", **signed}))
        return self._judged(answer)

    def _judged(self, answer: Answer) -> Outcome:
        if self._rule is not None:
            return self._rule.judged(answer.status, answer.body, answer.wait_s)
        return refused_by_status(answer.status, answer.wait_s) or Outcome(Reached.ACCEPTED)
