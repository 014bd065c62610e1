"""The hand-over list as it is now, the notes, and who took over last."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, select

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.turns import moment_of
from clinic_server.observation.area import Seated, area
from clinic_server.observation.handover.rules import HandedOver, Note, TakenOver
from clinic_server.observation.handover.tables import handover_note, shift_taken_over
from clinic_server.observation.unseen.lookup import not_reached
from clinic_server.observation.unseen.rules import Unseen
from clinic_server.people.lookup import people, phones
from clinic_server.people.rules import PersonFacts
from clinic_server.staff.actions import members
from clinic_server.visits.chain import stay_of, stays

NOTES_SHOWN: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Gone:
    """Somebody who left unseen and was not reached, with the telephone number they told, if they told one."""

    unseen: Unseen
    person: PersonFacts
    phone: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HandoverList:
    """Everybody the next shift takes over, and what the one before wrote."""

    watched: Sequence[Seated]
    gone: Sequence[Gone]
    notes: Sequence[Note]
    taken_over: TakenOver | None
    names: Mapping[UUID, str]

    def notes_of(self, visit_id: UUID | None) -> Sequence[Note]:
        """Return the notes of one person, or of the area."""
        return [note for note in self.notes if note.visit_id == visit_id]


def handover_list(connection: Connection, keyring: Keyring) -> HandoverList:
    """Return the list as it is now."""
    watched, gone = area(connection, keyring).people, not_reached(connection, keyring)
    person_ids = [one.person_id for one in gone]
    known, told = people(connection, keyring, person_ids), phones(connection, keyring, person_ids)
    stays_listed = stays(connection, [one.watched.visit_id for one in watched] + [one.visit_id for one in gone])
    listed = {one: visit_id for visit_id, stay in stays_listed.items() for one in stay}
    is_recent = handover_note.c.written_at >= moment_of(connection).at - NOTES_SHOWN
    of_area = handover_note.c.visit_id.is_(None) & is_recent
    return HandoverList(
        watched=watched,
        gone=[Gone(one, known[one.person_id], told.get(one.person_id, "")) for one in gone],
        notes=[
            replace(note, visit_id=note.visit_id and listed[note.visit_id])
            for note in _notes(connection, keyring, of_area | handover_note.c.visit_id.in_(listed))
        ],
        taken_over=_taken_over(connection),
        names={one.staff_id: one.name for one in members(connection, keyring)},
    )


def notes_of(connection: Connection, keyring: Keyring, visit_id: UUID) -> Sequence[Note]:
    """Return the notes about one person, the earliest first."""
    return _notes(connection, keyring, handover_note.c.visit_id.in_(stay_of(connection, visit_id)))


def as_handed_over(connection: Connection, keyring: Keyring) -> Sequence[HandedOver]:
    """Return how everybody on the list stands, as a take-over keeps it."""
    seated = [
        HandedOver(
            visit_id=one.watched.visit_id,
            ticket_number=one.watched.ticket_number,
            seat_code=one.place.seat_code if one.place else None,
            minutes_left=one.watched.minutes_left,
            wanted_check=one.checks.wanted.minute if one.checks.wanted else None,
            is_cared_for=one.called is not None,
            has_come_back=one.came_back is not None,
        )
        for one in area(connection, keyring).people
    ]
    gone = [
        HandedOver(one.visit_id, one.ticket_number, None, one.minutes_short, None, False, True)  # its fields
        for one in not_reached(connection, keyring)
    ]
    return [*seated, *gone]


def words_context(note_id: UUID) -> str:
    """Return under what a note is sealed."""
    return f"handover_note:words:{note_id}"


def list_context(row_id: UUID) -> str:
    """Return under what the list of a take-over is sealed."""
    return f"shift_taken_over:list:{row_id}"


def _notes(connection: Connection, keyring: Keyring, condition: ColumnElement[bool]) -> Sequence[Note]:
    rows = connection.execute(select(handover_note).where(condition).order_by(handover_note.c.journal_seq))
    return [
        Note(row.visit_id, row.written_by, row.written_at, keyring.open(row.words_sealed, words_context(row.id)))
        for row in rows
    ]


def _taken_over(connection: Connection) -> TakenOver | None:
    columns = (shift_taken_over.c.taken_by, shift_taken_over.c.taken_at, shift_taken_over.c.people)
    latest = select(*columns).order_by(shift_taken_over.c.journal_seq.desc()).limit(1)
    row = connection.execute(latest).first()
    return None if row is None else TakenOver(*row)
