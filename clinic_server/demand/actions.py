"""Keeping whose next dose is due."""

from clinic_server.demand.reckoning import Reckoned
from clinic_server.demand.tables import DoseDue, DueReckoning
from clinic_server.kit.tx import Tx


def keep_due(tx: Tx, reckoned: Reckoned) -> None:
    """Append what changed of the doses that are due, and how far the journal was looked at."""
    reckoning_id = tx.append(DueReckoning, upto_seq=reckoned.upto_seq, reckoned_at=tx.now)
    for one in reckoned.changes:
        tx.append(
            DoseDue,
            reckoning_id=reckoning_id,
            person_id=one.person_id,
            vaccine_code=one.vaccine_code,
            earliest_on=one.due.earliest_on if one.due else None,
            recommended_on=one.due.recommended_on if one.due else None,
            past_due_on=one.due.past_due_on if one.due else None,
        )
    tx.journal("doses_due_reckoned", reckoning_id)
