"""How long a stage takes, told from the day's own pace."""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

LOOKED_BACK: Final = timedelta(hours=1)
LEAST_SERVED: Final = 5  # fewer tell nothing
MOST_SERVED: Final = 20  # the pace is that of now, not of the morning
_STEP_MINUTES: Final = 5


def pace(served_at: Sequence[datetime], now: datetime) -> timedelta | None:
    """Return the time between two people served, None while too few were served in the last hour to tell.

    It is counted up to now, so that a stage that stands still is seen to stand still.
    """
    latest = sorted(at for at in served_at if now - LOOKED_BACK <= at <= now)[-MOST_SERVED:]
    return (now - latest[0]) / len(latest) if len(latest) >= LEAST_SERVED else None


def wait_minutes(ahead: int, per_person: timedelta | None) -> int | None:
    """Return the minutes somebody with so many people ahead will wait, in steps of five upwards; None: not known."""
    if per_person is None:
        return None
    minutes = (ahead + 1) * per_person / timedelta(minutes=1)
    return max(1, math.ceil(minutes / _STEP_MINUTES)) * _STEP_MINUTES
