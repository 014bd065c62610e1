"""Checking in somebody found on record: by the document held of them, once they told its birth date."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from clinic_server.check_in.actions import Arrival, CheckedIn, check_in
from clinic_server.check_in.admission import AdmissionOn
from clinic_server.check_in.rules import How, TypedReason
from clinic_server.kit.tx import Tx
from clinic_server.people.lookup import identity_held
from clinic_server.seeking.rules import refuse_another
from clinic_server.settings import SiteSettings


@dataclass(frozen=True, slots=True)
class Found:
    """Whom a desk chose, the birth date they told, and why no card was read."""

    person_id: UUID
    told_born_on: date = field(repr=False)
    reason: TypedReason


def check_in_found(tx: Tx, site: SiteSettings, found: Found, admission_on: AdmissionOn) -> CheckedIn:
    """Give somebody on record a ticket, or raise PersonUnknown, BirthDateNotTheirs or what a check-in raises."""
    held = identity_held(tx.connection, tx.keyring, found.person_id)
    refuse_another(found.told_born_on, held.born_on)
    return check_in(tx, site, Arrival(held, How.TYPED, found.reason, document_seen=False), admission_on)
