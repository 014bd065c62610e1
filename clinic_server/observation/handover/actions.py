"""Writing for the next shift, and taking it over."""

from uuid import UUID

import msgspec

from clinic_server.kit.tx import Tx
from clinic_server.observation.handover.lookup import as_handed_over, list_context, words_context
from clinic_server.observation.handover.rules import HANDOVER, MOST_WORDS, NoteEmpty, TakenOver
from clinic_server.observation.handover.tables import HandoverNote, ShiftTakenOver
from clinic_server.staff.actions import require_signed_in
from clinic_server.visits.lookup import standing


def write_note(tx: Tx, visit_id: UUID | None, words: str) -> UUID:
    """Write something for the next shift, about one person or about the area."""
    written_by, note_id = require_signed_in(tx), tx.new_id()
    if not words.strip() or len(words) > MOST_WORDS:
        raise NoteEmpty
    if visit_id is not None:
        standing(tx.connection, visit_id)
    sealed = tx.keyring.seal(words.strip(), words_context(note_id))
    told = {"visit_id": visit_id, "words_sealed": sealed, "written_by": written_by, "written_at": tx.now}
    tx.append(HandoverNote, id=note_id, **told)
    tx.journal("handover_note_written", note_id, HANDOVER)
    return note_id


def take_over(tx: Tx) -> TakenOver:
    """Take over everybody on the list; how each of them stood then is kept."""
    taken_by, row_id = require_signed_in(tx), tx.new_id()
    listed = as_handed_over(tx.connection, tx.keyring)
    sealed = tx.keyring.seal(msgspec.json.encode(listed).decode(), list_context(row_id))
    tx.append(ShiftTakenOver, id=row_id, people=len(listed), list_sealed=sealed, taken_by=taken_by, taken_at=tx.now)
    tx.journal("shift_taken_over", row_id, HANDOVER)
    return TakenOver(taken_by, tx.now, len(listed))
