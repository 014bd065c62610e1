"""Opening the exit reader, and answering whoever shows a card or a slip at it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from clinic_server.kit.errors import ClinicError
from clinic_server.kit.tx import Tx
from clinic_server.observation.actions import let_out
from clinic_server.observation.exit.rules import (
    ExitAnswer,
    ExitSaid,
    ShownBy,
    StationIsNoExit,
    answer_for,
)
from clinic_server.observation.exit.tables import ExitReader, ExitScan
from clinic_server.staff.actions import StationPlace, stations
from clinic_server.staff.rules import LONGEST_SESSION, StationKind
from clinic_server.visits.lookup import standing
from clinic_server.visits.steps import VISITS

EXITS: Final = "exits"  # the topic of the pages that show who was at the exit


@dataclass(frozen=True, slots=True)
class ReaderOpened:
    """An exit reader as recorded, in words that may be stored for a replay: neither address nor code."""

    reader_id: UUID
    station: str
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class AtExit:
    """Who stands at the exit: the visit shown by a card, a slip or a ticket; ``fault`` is why none is known."""

    shown_by: ShownBy
    visit_id: UUID | None = None
    fault: ExitAnswer = ExitAnswer.NOT_FOUND


@dataclass(frozen=True, slots=True)
class Answered:
    """What somebody at the exit was told, in words that may be stored for a replay: nothing of the person."""

    visit_id: UUID | None
    answer: ExitAnswer
    minutes: int


def open_reader(tx: Tx, station: str) -> ReaderOpened:
    """Let a screen at the exit answer for as long as a shift lasts; the one before it at this station ends."""
    if StationPlace(station, StationKind.EXIT) not in stations(tx.connection):
        raise StationIsNoExit
    valid_until = tx.now + LONGEST_SESSION
    reader_id = tx.append(
        ExitReader, station=station, opened_by=tx.actor.staff_id, opened_at=tx.now, valid_until=valid_until
    )
    tx.journal("exit_reader_opened", reader_id, EXITS)
    return ReaderOpened(reader_id, station, valid_until)


def answer_at_exit(tx: Tx, reader_id: UUID, shown: AtExit) -> Answered:
    """Let a person out whose observation is over, or say why not; what was said is recorded either way."""
    said = ExitSaid(shown.fault) if shown.visit_id is None else _let_out(tx, shown.visit_id)
    scan_id = tx.append(
        ExitScan,
        reader_id=reader_id,
        visit_id=shown.visit_id,
        shown_by=shown.shown_by,
        answer=said.answer,
        minutes=said.minutes,
        reason=said.reason,
        scanned_at=tx.now,
    )
    if said.answer is ExitAnswer.MAY_LEAVE:
        tx.journal("person_left", shown.visit_id, VISITS, EXITS)
    else:
        tx.journal("exit_answered", scan_id, EXITS)
    return Answered(shown.visit_id, said.answer, said.minutes)


def _let_out(tx: Tx, visit_id: UUID) -> ExitSaid:
    stage = standing(tx.connection, visit_id).stage
    try:
        let_out(tx, visit_id)
    except ClinicError as refused:
        return answer_for(stage, refused)
    return answer_for(stage, None)
