"""The group robots of WeCom, DingTalk and Feishu: one driver, three makes."""

import re
import time
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from devices.errors import OptionRefused
from devices.options import known_options_only
from devices.pagers.attempts import attempted
from devices.pagers.guard import Guard
from devices.pagers.http import Call, HttpDoor, refuse_malformed
from devices.pagers.page import Outcome, Page, PagerSpec, Reached
from devices.pagers.pieces import pieces, sent_in_order
from devices.pagers.robot_wire import MAKES, Signed, encoded, judged

JSON = {"content-type": "application/json; charset=utf-8"}


def now_ms() -> int:
    """Return the time as DingTalk counts it."""
    return time.time_ns() // 1_000_000


class RobotPager:
    """Speaks to one group. The address is the member to be called by name, or empty."""

    def __init__(self, spec: PagerSpec, door: HttpDoor | None = None, now_ms: Callable[[], int] = now_ms) -> None:
        self._make = MAKES[spec.kind]
        known_options_only(spec)
        refuse_malformed(spec.url)
        self._url = spec.url
        self._secret = spec.secrets.get("secret", "")
        if self._secret and self._make.sign is None:
            raise OptionRefused(f"a {spec.kind} robot has no signature: its key is the secret")
        self._door = door or HttpDoor(Guard(spec.may_reach))
        self._now_ms = now_ms

    async def send(self, address: str, page: Page) -> Outcome:
        """See Pager."""
        if re.fullmatch(self._make.address, address) is None:
            return Outcome(Reached.FAILED, "address_malformed")
        texts = pieces(page, self._make.most_bytes)
        return await attempted(sent_in_order(texts, partial(self._send, address)))

    async def _send(self, address: str, text: str) -> Outcome:
        signed = self._signed()
        body = {**signed.fields, **self._make.body_of(text, address)}
        answer = await self._door.ask(Call(self._url_with(signed.query), encoded(body), JSON))
        return judged(self._make, answer.status, answer.body, answer.wait_s)

    def _signed(self) -> Signed:
        if not self._secret or self._make.sign is None:
            return Signed()
        return self._make.sign(self._secret, self._now_ms())

    def _url_with(self, query: str) -> str:
        if not query:
            return self._url
        return f"{self._url}{'&' if urlsplit(self._url).query else '?'}{query}"
