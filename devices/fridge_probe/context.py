"""One message and what a decoder must know beside it; and what a probe says about itself."""

from dataclasses import dataclass, field
from datetime import datetime, tzinfo


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it came. `zone` is the site's, for clocks that name none; `received_at` is aware UTC."""

    topic: str
    payload: bytes = field(repr=False)
    retained: bool
    received_at: datetime
    zone: tzinfo | None


@dataclass(frozen=True, slots=True)
class Presence:
    """A probe's own word, or its last will."""

    probe_id: str
    is_present: bool
