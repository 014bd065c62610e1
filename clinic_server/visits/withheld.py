"""Doses that were not given because a physician decided so, kept for the visits after."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, bindparam, select

from clinic_server.kit.tx import Tx
from clinic_server.visits.doses import doses_given
from clinic_server.visits.rules import WithheldDose, deferral_to_tell
from clinic_server.visits.tables import DoseWithheld, dose_withheld

_withheld = (
    select(
        dose_withheld.c.decision_id,
        dose_withheld.c.visit_id,
        dose_withheld.c.decided_on,
        dose_withheld.c.not_before,
        dose_withheld.c.programme,
        dose_withheld.c.vaccine_code,
    )
    .where(dose_withheld.c.person_id == bindparam("person_id"))
    .order_by(dose_withheld.c.journal_seq.desc())
)


@dataclass(frozen=True, slots=True)
class Withholding:
    """What a decision withholds, and whom from."""

    decision_id: UUID
    person_id: UUID
    programme: str
    not_before: date | None = None
    vaccine_code: str | None = None


def withhold(tx: Tx, visit_id: UUID, new: Withholding) -> UUID:
    """Append what a decision withholds, in the action and under the journal line of its step."""
    return tx.append(
        DoseWithheld,
        visit_id=visit_id,
        person_id=new.person_id,
        decision_id=new.decision_id,
        programme=new.programme,
        not_before=new.not_before,
        vaccine_code=new.vaccine_code,
        decided_on=tx.local_date,
    )


def withheld_from(connection: Connection, person_id: UUID) -> Sequence[WithheldDose]:
    """Return every such decision about a person, the latest first."""
    return [WithheldDose(*row) for row in connection.execute(_withheld, {"person_id": person_id})]


def deferral_of(connection: Connection, person_id: UUID, zone: ZoneInfo) -> WithheldDose | None:
    """Return the deferral that a person's next check-in tells of, standing or past; none once a dose was given."""
    doses = doses_given(connection, person_id)
    last_dose_on = doses[-1].given_at.astimezone(zone).date() if doses else None
    return deferral_to_tell(withheld_from(connection, person_id), last_dose_on)
