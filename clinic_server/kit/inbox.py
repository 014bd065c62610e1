"""What a device just said to one station: held in memory for moments, never replayed."""

import threading
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from clinic_server.kit.clock import Clock
from clinic_server.kit.ids import Ids

PERISHES_AFTER_S = 30.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing delivered to a station; ``id`` names this delivery, so that a page can take exactly it."""

    id: UUID
    content: Any
    perishes_at: float


class Inbox:
    """The latest delivery of each kind at each station."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._lock = threading.Lock()
        self._latest: dict[tuple[str, str], Delivery] = {}

    def put(self, station: str, kind: str, content: Any) -> Delivery:
        """Replace what the station last received of this kind."""
        delivery = Delivery(self._ids.new(), content, self._clock.monotonic() + PERISHES_AFTER_S)
        with self._lock:
            self._latest[station, kind] = delivery
        return delivery

    def latest(self, station: str, kind: str) -> Delivery | None:
        """Look at what the station last received, unless it has perished."""
        with self._lock:
            delivery = self._latest.get((station, kind))
            if delivery is not None and delivery.perishes_at < self._clock.monotonic():
                del self._latest[station, kind]
                return None
            return delivery

    def clear(self, station: str) -> None:
        """Forget whatever the station last received, of any kind."""
        with self._lock:
            for place in [place for place in self._latest if place[0] == station]:
                del self._latest[place]

    def take(self, station: str, kind: str, delivery_id: UUID) -> Any | None:
        """Remove and return one delivery's content, or None when it perished or was replaced."""
        delivery = self.latest(station, kind)
        if delivery is None or delivery.id != delivery_id:
            return None
        with self._lock:
            self._latest.pop((station, kind), None)
        return delivery.content
