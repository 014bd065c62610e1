"""SMS through whatever gateway the site has a contract with: its request is a template, its success a rule.

In the URL, the body and the header values `{address}`, `{text}`, `{number}` and the channel's secrets by name are
replaced, each escaped for the place it stands in.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

from devices.errors import OptionRefused
from devices.options import known_options_only, one_of, whole_number
from devices.pagers import success
from devices.pagers.attempts import attempted
from devices.pagers.guard import Guard
from devices.pagers.http import Call, HttpDoor, refuse_malformed
from devices.pagers.page import Outcome, Page, PagerSpec, Reached
from devices.pagers.pieces import LEAST_BYTES, pieces, sent_in_order
from devices.pagers.success import SuccessRule

PLACE: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}")
MOBILE: Final = re.compile(r"\+?[0-9]{5,20}")
GIVEN: Final = ("address", "text", "number")
MOST_BYTES: Final = 600  # 200 Chinese characters, three SMS
TYPES: Final[Mapping[str, str]] = {
    "json": "application/json; charset=utf-8",
    "form": "application/x-www-form-urlencoded",
}


def in_url(value: str) -> str:
    """Escape a value for a URL or a form."""
    return quote(value, safe="")


def in_json(value: str) -> str:
    """Escape a value for the inside of a JSON string."""
    return json.dumps(value, ensure_ascii=False)[1:-1]


def filled(template: str, values: Mapping[str, str], escaped: Callable[[str], str]) -> str:
    """Return a template with its places filled in one go: what is filled in is not looked at again."""
    return PLACE.sub(lambda place: escaped(values[place[1]]), template)


class SmsGateway:
    """One gateway; the address is a mobile number."""

    def __init__(self, spec: PagerSpec, door: HttpDoor | None = None) -> None:
        known_options_only(spec, "method", "body", "body_type", "authorization", "most_bytes", *success.OPTIONS)
        self._most_bytes = whole_number(spec, "most_bytes", MOST_BYTES, low=LEAST_BYTES, high=20_000)
        self._method = one_of(spec, "method", "POST", "GET", "POST")
        self._type = one_of(spec, "body_type", "json", *TYPES)
        self._url, self._body = spec.url, spec.options.get("body", "")
        self._authorization = spec.options.get("authorization", "")
        self._secrets = spec.secrets
        self._refuse_unknown_places()
        self._refuse_malformed()
        rule = SuccessRule.of(spec)
        if rule is None:
            raise OptionRefused("success_pointer and success_value are missing: HTTP 200 alone is no success")
        self._rule = rule
        self._door = door or HttpDoor(Guard(spec.may_reach))

    async def send(self, address: str, page: Page) -> Outcome:
        """See Pager."""
        if MOBILE.fullmatch(address) is None:
            return Outcome(Reached.FAILED, "address_malformed")
        texts = pieces(page, self._most_bytes)
        # A number of its own for each: a gateway that knows one already would take the next message for a repetition.
        calls = [
            self._call(self._values(address, page.number if at == 0 else f"{page.number}-{at}", text))
            for at, text in enumerate(texts)
        ]
        return await attempted(sent_in_order(calls, self._send))

    async def _send(self, call: Call) -> Outcome:
        answer = await self._door.ask(call)
        return self._rule.judged(answer.status, answer.body, answer.wait_s)

    def _call(self, values: Mapping[str, str]) -> Call:
        escaped = in_json if self._type == "json" else in_url
        headers = {"content-type": TYPES[self._type]} if self._body else {}
        if self._authorization:
            headers["authorization"] = filled(self._authorization, values, str)
        content = filled(self._body, values, escaped).encode("utf-8")
        return Call(filled(self._url, values, in_url), content, headers, self._method)

    def _values(self, address: str, number: str, text: str) -> Mapping[str, str]:
        return {**self._secrets, "address": address, "text": text, "number": number}

    def _refuse_malformed(self) -> None:
        sample = self._call(self._values("13800001111", "4711", "A1"))
        refuse_malformed(sample.url)
        if not all(value.isascii() and value.isprintable() for value in sample.headers.values()):
            raise OptionRefused("authorization has a sign that no header may hold")
        if self._type == "json" and self._body:
            try:
                json.loads(sample.content)
            except ValueError:
                raise OptionRefused("the body is no JSON once its places are filled") from None

    def _refuse_unknown_places(self) -> None:
        template = self._url + self._body + self._authorization
        if unknown := sorted(set(PLACE.findall(template)) - {*GIVEN, *self._secrets}):
            raise OptionRefused(f"the template has a place nobody fills: {', '.join(unknown)}")
        if set(PLACE.findall(self._authorization)) & set(GIVEN):
            raise OptionRefused("authorization is filled with secrets only")
        if missing := sorted({"address", "text"} - set(PLACE.findall(self._url + self._body))):
            raise OptionRefused(f"the template leaves out {', '.join(missing)}")
