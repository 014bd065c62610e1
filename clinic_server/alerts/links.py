"""Links that answer one alert as one contact without signing in: signed, short-lived, good for nothing else."""

import base64
import binascii
import hmac
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from clinic_server.alerts.rules import AlertLinkUnknown, TooManyAnswers
from clinic_server.kit.clock import Clock
from clinic_server.kit.crypto import Keyring

LINK_LIVES = timedelta(hours=24)
MOST_TRIES = 20
TRIES_COUNT_S = 60.0
_IDS, _SIGNED = 32, 36  # two UUIDs, then four bytes of seconds, then the signature


@dataclass(frozen=True, slots=True)
class LinkTarget:
    """What a link answers, and as whom."""

    alert_id: UUID
    contact_id: UUID


def link_path(keyring: Keyring, target: LinkTarget, now: datetime) -> str:
    """Return the path under which a contact answers an alert, for a day."""
    ends_at = int((now + LINK_LIVES).timestamp())
    signed = target.alert_id.bytes + target.contact_id.bytes + ends_at.to_bytes(4)
    return f"/alerts/answer/{_written(signed + _signature(keyring, signed))}"


def _written(token: bytes) -> str:
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def read_link(keyring: Keyring, token: str, now: datetime) -> LinkTarget:
    """Return what a link answers, or raise AlertLinkUnknown."""
    try:
        read = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise AlertLinkUnknown from None
    signed, signature = read[:_SIGNED], read[_SIGNED:]
    if not hmac.compare_digest(signature, _signature(keyring, signed)) or _written(read) != token:
        raise AlertLinkUnknown  # the last letter has bits that say nothing: one link is written in one way only
    if now >= datetime.fromtimestamp(int.from_bytes(signed[_IDS:]), UTC):
        raise AlertLinkUnknown
    return LinkTarget(UUID(bytes=signed[:16]), UUID(bytes=signed[16:_IDS]))


class Tries:
    """How often links were tried from where in the last minute; lives on the event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tried: dict[str, deque[float]] = {}

    def count(self, origin: str) -> None:
        """Count a try, or raise TooManyAnswers."""
        since_s = self._clock.monotonic() - TRIES_COUNT_S
        self._tried = {where: times for where, times in self._tried.items() if times[-1] > since_s}
        times = self._tried.setdefault(origin, deque(maxlen=MOST_TRIES))
        if len(times) == MOST_TRIES and times[0] > since_s:
            raise TooManyAnswers
        times.append(self._clock.monotonic())


def _signature(keyring: Keyring, signed: bytes) -> bytes:
    return keyring.blind_index("alert link", signed.hex())
