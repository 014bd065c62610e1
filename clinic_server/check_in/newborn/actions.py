"""Checking a newborn in, found by the birth it is known by, and never taken for a twin."""

from dataclasses import replace

from clinic_server.check_in.actions import Arrival, CheckedIn, check_in
from clinic_server.check_in.admission import AdmissionOn
from clinic_server.check_in.newborn.rules import Newborn
from clinic_server.check_in.rules import BirthOrderTaken, How, TypedReason
from clinic_server.kit.tx import Tx
from clinic_server.people.documents import MOST_BORN_TOGETHER, NEWBORN_JOINS, Document, DocumentKind
from clinic_server.people.lookup import find_by_document, person
from clinic_server.settings import SiteSettings


def check_in_newborn(tx: Tx, site: SiteSettings, newborn: Newborn, admission_on: AdmissionOn) -> CheckedIn:
    """Give a newborn a ticket, or raise BirthOrderTaken or what a check-in raises."""
    document = newborn.stated.document
    _refuse_a_twins_order(tx, newborn)
    arrival = Arrival(
        newborn.stated,
        How.TYPED,
        TypedReason.NEWBORN,
        phone=newborn.phone,
        guardian=newborn.guardian,
        has_twins=document.kind is DocumentKind.MOTHERS_DOCUMENT and _has_twins(tx, document),
    )
    return check_in(tx, site, arrival, admission_on)


def _refuse_a_twins_order(tx: Tx, newborn: Newborn) -> None:
    held_id = find_by_document(tx.connection, tx.keyring, newborn.stated.document)
    if held_id and person(tx.connection, tx.keyring, held_id).sex is not newborn.stated.sex:
        raise BirthOrderTaken(findings=["sex", "order"])


def _has_twins(tx: Tx, document: Document) -> bool:
    """Tell whether another child of this mother's, born the same day, is on record."""
    birth, _, own = document.number.rpartition(NEWBORN_JOINS)
    others = {str(order) for order in range(1, MOST_BORN_TOGETHER + 1)} - {own}
    twins = (replace(document, number=f"{birth}{NEWBORN_JOINS}{order}") for order in sorted(others))
    return any(find_by_document(tx.connection, tx.keyring, twin) for twin in twins)
