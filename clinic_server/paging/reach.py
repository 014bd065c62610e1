"""Where a channel may lead: judged when it is set up, and by the driver again whenever it sends."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from clinic_server.paging.rules import ChannelRefused
from devices.errors import LinkUnavailable
from devices.pagers.guard import Guard

REFUSED: Final = frozenset({"address_not_permitted", "tls_missing"})
_ANY_PORT: Final = 443


async def refuse_forbidden(url: str, may_reach: Sequence[str]) -> None:
    """Raise ChannelRefused for an address no channel of this site may have; one that has no address yet may stand."""
    host, is_plain = None, False
    with suppress(ValueError):
        parts = urlsplit(url)
        host, is_plain = parts.hostname, parts.scheme == "http"
    if not host:
        return
    try:
        await Guard(may_reach).addresses(host, _ANY_PORT, is_plain=is_plain)
    except LinkUnavailable as refused:
        if refused.reason in REFUSED:
            raise ChannelRefused(findings=["url"], reason=refused.reason) from None
