"""What a device just said to one station: held in memory for moments, never replayed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from clinic_server.kit.clock import Clock
from clinic_server.kit.errors import ClinicError
from clinic_server.kit.ids import Ids

PERISHES_AFTER_S = 30.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One thing delivered to a station; ``id`` names this delivery, so that a page can take exactly it.

    ``origin`` is whoever delivered it, in their own words.
    """

    id: UUID
    content: Any
    perishes_at: float
    origin: str = ""


Judge = Callable[[Delivery, bool], None]


class Inbox:
    """The latest delivery of each kind at each station, and what became of it."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids
        self._lock = threading.Lock()
        self._latest: dict[tuple[str, str], Delivery] = {}
        self._refused: dict[tuple[str, str], UUID] = {}
        self._told: list[Judge] = []

    def put(self, station: str, kind: str, content: Any, origin: str = "") -> Delivery:
        """Replace what the station last received of this kind."""
        delivery = Delivery(self._ids.new(), content, self._clock.monotonic() + PERISHES_AFTER_S, origin)
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

    def dismiss(self, station: str, delivery_id: UUID, *, accepted: bool) -> None:
        """Say what became of a delivery and forget it either way: it was answered, and nobody asks again."""
        self.judge(station, delivery_id, accepted=accepted)
        with self._lock:
            for place in [at for at, one in self._latest.items() if at[0] == station and one.id == delivery_id]:
                del self._latest[place]

    def judge(self, station: str, delivery_id: UUID, *, accepted: bool) -> None:
        """Say what became of a delivery: accepted it is used up, refused it may be tried again.

        Whoever listens is told once of a refusal, however often it is repeated, and nothing of what is gone already.
        """
        with self._lock:
            place = next((at for at, one in self._latest.items() if at[0] == station and one.id == delivery_id), None)
            if place is None:
                return
            delivery, is_news = self._latest[place], self._refused.get(place) != delivery_id
            if accepted:
                del self._latest[place]
            else:
                self._refused[place] = delivery_id
        if accepted or is_news:
            for tell in tuple(self._told):
                tell(delivery, accepted)

    @contextmanager
    def judging(self, station: str, delivery_id: UUID | None) -> Iterator[None]:
        """Judge a delivery, if the act in this block comes from one, by whether the act is refused."""
        try:
            yield
        except ClinicError:
            if delivery_id is not None:
                self.judge(station, delivery_id, accepted=False)
            raise
        if delivery_id is not None:
            self.judge(station, delivery_id, accepted=True)

    @contextmanager
    def judged_to(self, tell: Judge) -> Iterator[None]:
        """Tell this listener of every verdict; it must return at once."""
        self._told.append(tell)
        try:
            yield
        finally:
            self._told.remove(tell)
