"""Which guardian signed last for somebody: how a desk tells two children of one name apart."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.consent.tables import consent, consent_signature
from clinic_server.kit.crypto import Keyring
from clinic_server.people.signatures import Relationship, Signer
from clinic_server.visits.tables import visit


@dataclass(frozen=True, slots=True)
class GuardianSigned:
    """A guardian as they signed."""

    name: str = field(repr=False)
    relationship: Relationship


def guardians_of(
    connection: Connection, keyring: Keyring, person_ids: Collection[UUID]
) -> Mapping[UUID, GuardianSigned]:
    """Return the guardian who signed last a consent for each of these people for whom one did."""
    signed = consent_signature.c
    rows = connection.execute(
        select(visit.c.person_id, signed.id, signed.name_sealed, signed.relationship)
        .join_from(consent_signature, consent, consent.c.id == signed.consent_id)
        .join(visit, visit.c.id == consent.c.visit_id)
        .where(visit.c.person_id.in_(person_ids), signed.signer == Signer.GUARDIAN)
        .order_by(signed.journal_seq, signed.id)
    )
    latest = {row.person_id: row for row in rows}
    return {
        person_id: GuardianSigned(
            keyring.open(row.name_sealed, f"consent_signature:name:{row.id}"), Relationship(row.relationship)
        )
        for person_id, row in latest.items()
    }
