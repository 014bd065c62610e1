"""What the group robots of WeCom, DingTalk and Feishu are sent and what they answer. Pure; the time is passed in.

All three answer HTTP 200 to what they refuse: only the code in the body counts.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus

from devices.errors import BadFrame
from devices.pagers.page import Outcome, Reached
from devices.strict_json import decode_object

A_MINUTE_S: Final = 60.0
MOBILE: Final = re.compile(r"\+?[0-9]{5,20}|")
MEMBER: Final = re.compile(r"[A-Za-z0-9_-]{1,64}|")
HTTP_OK: Final = 200
TOO_MANY: Final = 429
REDIRECTS: Final = range(300, 400)
REFUSALS: Final = range(400, 500)


@dataclass(frozen=True, slots=True)
class Signed:
    """What a signature adds to the URL and to the body; without a secret nothing."""

    query: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Make:
    """One kind of robot: how it is spoken to, and by which field and codes it answers."""

    body_of: Callable[[str, str], dict[str, Any]]
    address: re.Pattern[str]
    code_field: str
    most_bytes: int
    waits_s: Mapping[int, float]
    sign: Callable[[str, int], Signed] | None = None


def wecom_body(text: str, mobile: str) -> dict[str, Any]:
    """Return the message, which calls one member of the group by mobile number where one is given."""
    called = {"mentioned_mobile_list": [mobile]} if mobile else {}
    return {"msgtype": "text", "text": {"content": text, **called}}


def dingtalk_body(text: str, mobile: str) -> dict[str, Any]:
    """As for WeCom; the number has to stand in the text as well."""
    if not mobile:
        return {"msgtype": "text", "text": {"content": text}}
    return {"msgtype": "text", "text": {"content": f"@{mobile} {text}"}, "at": {"atMobiles": [mobile]}}


def feishu_body(text: str, member: str) -> dict[str, Any]:
    """As for WeCom; a member is called by open_id, with a tag in the text."""
    called = f'<at user_id="{member}"></at> ' if member else ""
    return {"msg_type": "text", "content": {"text": called + text.replace("<at ", "< at ")}}


def dingtalk_signature(secret: str, now_ms: int) -> Signed:
    """Return the query that proves the secret: keyed by it, over time and secret."""
    signature = _hmac(secret, f"{now_ms}\n{secret}")
    return Signed(query=f"timestamp={now_ms}&sign={quote_plus(signature)}")


def feishu_signature(secret: str, now_ms: int) -> Signed:
    """Return the fields that prove the secret: keyed by time and secret, over nothing."""
    now_s = now_ms // 1000
    return Signed(fields={"timestamp": str(now_s), "sign": _hmac(f"{now_s}\n{secret}", "")})


def _hmac(key: str, message: str) -> str:
    return base64.b64encode(hmac.digest(key.encode(), message.encode(), hashlib.sha256)).decode("ascii")


# Feishu and DingTalk bound the whole body, by 20 KB: half of it is left to JSON's escapes and the other fields.
MAKES: Final[Mapping[str, Make]] = {
    "wecom": Make(wecom_body, MOBILE, "errcode", 2048, {45009: A_MINUTE_S}),
    "dingtalk": Make(dingtalk_body, MOBILE, "errcode", 9_000, {130101: 10 * A_MINUTE_S}, dingtalk_signature),
    "feishu": Make(feishu_body, MEMBER, "code", 9_000, {11232: A_MINUTE_S}, feishu_signature),
}


def encoded(body: Mapping[str, Any]) -> bytes:
    """Return a body as it is sent: characters as themselves, not as six bytes each."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def refused_by_status(status: int, wait_s: float | None) -> Outcome | None:
    """Return what an HTTP status other than success means, or None for success."""
    if HTTP_OK <= status < REDIRECTS.start:
        return None
    if status == TOO_MANY:
        return Outcome(Reached.FAILED, f"http_{status}", wait_s=A_MINUTE_S if wait_s is None else wait_s)
    is_refused = status in REFUSALS or status in REDIRECTS
    return Outcome(Reached.FAILED if is_refused else Reached.UNCONFIRMED, f"http_{status}", wait_s=wait_s)


def judged(make: Make, status: int, body: bytes, wait_s: float | None = None) -> Outcome:
    """Return how far a message got, by the robot's own code."""
    if refusal := refused_by_status(status, wait_s):
        return refusal
    try:
        code = decode_object(body).get(make.code_field)
    except BadFrame as bad:
        return Outcome(Reached.UNCONFIRMED, bad.reason)
    if not isinstance(code, int) or isinstance(code, bool):
        return Outcome(Reached.UNCONFIRMED, "code_missing")
    if code == 0:
        return Outcome(Reached.ACCEPTED)
    return Outcome(Reached.FAILED, f"{make.code_field}_{code}", wait_s=make.waits_s.get(code))
