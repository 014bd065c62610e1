"""Asking for a slip once more: a line of the journal, which the printing follows like every other."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from clinic_server.device_hub.slips.lookup import asked_for
from clinic_server.device_hub.slips.rules import ASKED_AGAIN, NothingToPrint, SlipKind
from clinic_server.kit.tx import Tx

SLIPS: Final = "slips"  # the topic, with a visit's id, of what became of its slips


@dataclass(frozen=True, slots=True)
class AskedAgain:
    """A copy is on its way; whether it comes out is not the journal's to say."""

    visit_id: UUID
    kind: SlipKind


def ask_again(tx: Tx, visit_id: UUID, kind: SlipKind) -> AskedAgain:
    """Ask for a copy at the actor's station, or raise VisitUnknown, NothingToPrint."""
    if kind not in asked_for(tx.connection, visit_id).lines:
        raise NothingToPrint
    tx.journal(ASKED_AGAIN[kind], visit_id)
    return AskedAgain(visit_id, kind)
