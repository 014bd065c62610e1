"""A vendor's time to whole unix seconds: ISO 8601 down to nanoseconds, unix seconds or milliseconds. Pure."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any, Final

from devices.errors import BadFrame

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
LAST_UNIX_MS: Final = 253_402_300_799_999  # 9999-12-31
LONGEST_ISO: Final = 40
WRITTEN_SECONDS: Final = re.compile(r"[0-9]{1,12}")


def unix_s_at(moment: datetime) -> int:
    """Return the whole unix second of an aware moment."""
    return (moment - EPOCH) // timedelta(seconds=1)


def unix_s_of_iso(text: Any, zone: tzinfo | None) -> int:
    """Return the unix second of an ISO 8601 time; `zone` is for one that names none. Raises BadFrame."""
    if not isinstance(text, str) or len(text) > LONGEST_ISO:
        raise BadFrame("time_malformed")
    try:
        written = datetime.fromisoformat(text)
    except ValueError:
        raise BadFrame("time_malformed") from None
    if written.tzinfo is None and zone is None:
        raise BadFrame("zone_unknown")
    try:
        return unix_s_at((written if written.tzinfo else written.replace(tzinfo=zone)).astimezone(UTC))
    except (OverflowError, ValueError):
        raise BadFrame("time_malformed") from None


def unix_s_of_number(given: Any, *, per_second: int = 1) -> int:
    """Return the whole unix second of a JSON number that counts seconds, or `per_second` to one. Raises BadFrame."""
    if isinstance(given, bool) or not isinstance(given, int | Decimal):
        raise BadFrame("time_malformed")
    if not (Decimal(given).is_finite() and 0 <= given <= LAST_UNIX_MS // 1000 * per_second):
        raise BadFrame("time_malformed")
    return int(given) // per_second


def unix_s_of_text(given: Any) -> int:
    """Return the unix second of a decimal string, or of a JSON number. Raises BadFrame."""
    if isinstance(given, str):
        if not WRITTEN_SECONDS.fullmatch(given):
            raise BadFrame("time_malformed")
        return unix_s_of_number(int(given))
    return unix_s_of_number(given)
