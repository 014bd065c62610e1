"""The registration desks: a card on the reader, or a document typed with a reason."""

import time
from collections import deque
from typing import Any

from firmware_stubs.rehearsal import deeds
from firmware_stubs.rehearsal.cast import Player
from firmware_stubs.rehearsal.floor import Floor
from firmware_stubs.rehearsal.hardware import Hardware
from firmware_stubs.rehearsal.ledger import Outcome, Write
from firmware_stubs.rehearsal.roles import Role
from firmware_stubs.rehearsal.visitors import Visitor

LAID_AGAIN_AFTER_S = 1.5  # the same card found within a second is the same laying
LOOK_AT_DESK_S = 0.04
MOST_LAYINGS = 2
MOST_REMEMBERED = 20


class Registrar(Role):
    """Checks people in."""

    def __init__(self, floor: Floor, player: Player, hardware: Hardware) -> None:
        super().__init__(floor, player)
        self._reader = hardware.readers[player.station]
        self._used = ""
        self._laid_here: deque[tuple[str, str]] = deque(maxlen=MOST_REMEMBERED)

    def serve_one(self) -> bool:
        """See Role."""
        visitor = self.floor.next_visitor()
        if visitor is None:
            return False
        write = None
        try:
            self.floor.think(15 + 15 * self.chance.random())
            write = self._check_in(visitor)
        finally:
            self.floor.admit(visitor, write)
        return True

    def _check_in(self, visitor: Visitor) -> Write | None:
        for attempt in range(MOST_LAYINGS if visitor.card else 0):
            if attempt:
                self.floor.wait(LAID_AGAIN_AFTER_S)
            write = self._by_card(visitor)
            if write is not None and write.code != "card_perished":
                return write
        reason = {"typed_reason": "reader_broken"} if visitor.card else {}
        return self.seat.do(deeds.check_in_typed({**visitor.typed, **reason}), visitor.number)

    def _by_card(self, visitor: Visitor) -> Write | None:
        """Lay the card down, wait for the desk to show it, check in; None when the desk never shows it."""
        if visitor.card is None:
            return None
        self._laid_here.append(_who(visitor))
        self._reader.lay(visitor.card)
        try:
            shown = self._shown_at_desk(visitor)
            if shown is None:
                return None
            write = self.seat.do(deeds.check_in_delivered(shown["delivery_id"]), visitor.number)
        finally:
            self._reader.take_off()
        if write.outcome is not Outcome.UNKNOWN:
            self._used = shown["delivery_id"]
        if write.is_accepted:
            self.floor.ledger.count("checked in by a card on the reader")
        return write

    def _shown_at_desk(self, visitor: Visitor) -> dict[str, Any] | None:
        """Wait until the desk shows this visitor's card; until then it may show an earlier one of this desk."""
        deadline = time.monotonic() + self.floor.manner.patience_s
        while time.monotonic() < deadline:
            shown: dict[str, Any] | None = self.seat.ask("/api/v1/station/card")
            if shown is not None and shown["delivery_id"] != self._used and shown["person"] is not None:
                person = (shown["person"]["name"], shown["person"]["born_on"])
                if person == _who(visitor):
                    return shown
                if person not in self._laid_here:
                    self.floor.ledger.fault(f"{self.station} shows a card that was never laid there")
            self.floor.wait(LOOK_AT_DESK_S)
        return None


def _who(visitor: Visitor) -> tuple[str, str]:
    return visitor.name, visitor.typed["born_on"]
