"""Listing hospitals, and designating the site's own."""

from uuid import UUID

from sqlalchemy import select

from clinic_server.kit.tx import Tx
from clinic_server.opening.hospitals.lookup import contact_context
from clinic_server.opening.hospitals.rules import Hospital, HospitalUnknown
from clinic_server.opening.hospitals.tables import HospitalDesignated, HospitalListed, hospital
from clinic_server.opening.rules import Variant
from clinic_server.staff.actions import require_signed_in

HOSPITALS = "hospitals"


def list_hospital(tx: Tx, new: Hospital) -> UUID:
    """Enter a hospital, or what is known of it now."""
    staff_id, listed_id = require_signed_in(tx), tx.new_id()
    tx.append(
        HospitalListed,
        id=listed_id,
        code=new.code,
        name=new.name,
        kind=new.kind,
        phone=new.phone,
        green_contact_sealed=tx.keyring.seal(new.green_contact, contact_context(listed_id, "green_contact")),
        expert_sealed=tx.keyring.seal(new.expert, contact_context(listed_id, "expert")),
        reserved_beds=new.reserved_beds,
        minutes_away=new.minutes_away,
        listed_by=staff_id,
        listed_at=tx.now,
    )
    tx.journal("hospital_listed", listed_id, HOSPITALS)
    return listed_id


def designate_hospital(tx: Tx, variant: Variant, code: str) -> UUID:
    """Say where adults, or children, are taken from now on."""
    staff_id = require_signed_in(tx)
    if tx.execute(select(hospital.c.id).where(hospital.c.code == code)).first() is None:
        raise HospitalUnknown
    said = {"variant": variant, "code": code, "designated_by": staff_id, "designated_at": tx.now}
    designated_id = tx.append(HospitalDesignated, **said)
    tx.journal("hospital_designated", designated_id, HOSPITALS)
    return designated_id
