"""Whatever Apprise speaks to, as an extra that nobody counts as told by: it takes HTTP 200 for success."""

import asyncio
import importlib
import logging
from typing import Any, Final

from devices.errors import AddressRefused, OptionRefused
from devices.options import known_options_only
from devices.pagers.attempts import attempted
from devices.pagers.guard import Guard
from devices.pagers.page import Outcome, Page, PagerSpec, Reached
from devices.pagers.pieces import pieces

TALKATIVE: Final = ("apprise", "urllib3")  # they log the URLs they call, and these are keys
MOST_BYTES: Final = 600  # counted in bytes here, for Apprise counts characters where services count bytes


class AppriseExtra:
    """One Apprise URL; the address is not used."""

    def __init__(self, spec: PagerSpec, guard: Guard | None = None) -> None:
        known_options_only(spec)
        self._guard = guard or Guard(spec.may_reach)
        try:
            apprise = importlib.import_module("apprise")
        except ImportError:
            raise OptionRefused("Apprise is not installed: pip install 'clinic-server[apprise]'") from None
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        self._plugin: Any = apprise.Apprise.instantiate(spec.url, suppress_exceptions=True)
        if self._plugin is None:
            raise AddressRefused("Apprise does not know this URL")

    async def send(self, address: str, page: Page) -> Outcome:  # noqa: ARG002 - the URL names whom it calls
        """See Pager."""
        return await attempted(self._send(page))

    async def _send(self, page: Page) -> Outcome:
        if "host" in self._plugin.template_tokens:  # the URL names a machine, not an account of the service
            await self._guard.addresses(self._plugin.host, self._plugin.port or 443)
        for text in pieces(page, MOST_BYTES):
            if not await asyncio.to_thread(self._plugin.notify, body=text, title=page.title):
                return Outcome(Reached.FAILED, "not_sent")
        return Outcome(Reached.UNCONFIRMED, "http_status_only")
