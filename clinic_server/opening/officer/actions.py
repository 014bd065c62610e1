"""Naming who reports adverse events."""

from uuid import UUID

from clinic_server.kit.tx import Tx
from clinic_server.opening.officer.tables import OfficerNamed
from clinic_server.opening.pausing import OPENING
from clinic_server.staff.actions import require_signed_in, staff_id_of


def name_officer(tx: Tx, number: str) -> UUID:
    """Name somebody of the staff, by number, to report adverse events from now on."""
    named_by = require_signed_in(tx)
    staff_id = staff_id_of(tx.connection, number)
    named_id = tx.append(OfficerNamed, staff_id=staff_id, named_by=named_by, named_at=tx.now)
    tx.journal("officer_named", named_id, OPENING)
    return named_id
