"""What a physician of the site answers for: the words of the protocol, and the table of reference doses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.adverse_events.care import drug_tables
from clinic_server.adverse_events.care.rules import CARE, ProtocolEmpty, TableSignedOff
from clinic_server.adverse_events.care.tables import (
    DrugTableSignedOff,
    ProtocolStated,
    care_protocol_stated,
    drug_table_signed_off,
)
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import certificates_of, open_name, require_qualification
from clinic_server.staff.rules import QualificationKind
from clinic_server.staff.tables import staff


@dataclass(frozen=True, slots=True)
class StatedProtocol:
    """What the site does for a reaction, by whom and since when."""

    words: str
    physician: str
    stated_at: datetime


@dataclass(frozen=True, slots=True)
class TableSignature:
    """A physician who answers for the table as it reads now."""

    physician: str
    certificate_number: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class ReferenceRef:
    """What was stated or signed."""

    reference_id: UUID


def state_protocol(tx: Tx, words: str) -> ReferenceRef:
    """Have the site do this for a reaction from now on."""
    physician_id = require_qualification(tx, QualificationKind.PHYSICIAN)
    if not words.strip():
        raise ProtocolEmpty
    stated_id = tx.append(
        ProtocolStated,
        words=words.strip(),
        physician_id=physician_id,
        certificate_number=_certificate_number(tx, physician_id),
        stated_at=tx.now,
    )
    tx.journal("care_protocol_stated", stated_id, CARE)
    return ReferenceRef(stated_id)


def sign_off_table(tx: Tx) -> ReferenceRef:
    """Record that the acting physician answers for the table of reference doses as it reads now."""
    physician_id, table = require_qualification(tx, QualificationKind.PHYSICIAN), drug_tables.shipped()
    signed = drug_table_signed_off.c
    is_it = (signed.digest == table.digest, signed.physician_id == physician_id)
    if tx.execute(select(signed.id).where(*is_it)).first() is not None:
        raise TableSignedOff
    signed_id = tx.append(
        DrugTableSignedOff,
        table_name=table.name,
        digest=table.digest,
        physician_id=physician_id,
        certificate_number=_certificate_number(tx, physician_id),
        signed_at=tx.now,
    )
    tx.journal("drug_table_signed_off", signed_id, CARE)
    return ReferenceRef(signed_id)


def stated_protocol(connection: Connection, keyring: Keyring) -> StatedProtocol | None:
    """Return what a physician last had the site do."""
    stated = care_protocol_stated.c
    row = connection.execute(
        select(stated.words, stated.stated_at, staff.c.id, staff.c.name_sealed)
        .join(staff, staff.c.id == stated.physician_id)
        .order_by(stated.journal_seq.desc())
        .limit(1)
    ).first()
    return StatedProtocol(row.words, open_name(keyring, row.id, row.name_sealed), row.stated_at) if row else None


def table_signatures(connection: Connection, keyring: Keyring) -> Sequence[TableSignature]:
    """Return who answers for the table as it reads now."""
    signed = drug_table_signed_off.c
    rows = connection.execute(
        select(staff.c.id, staff.c.name_sealed, signed.certificate_number, signed.signed_at)
        .join_from(drug_table_signed_off, staff, staff.c.id == signed.physician_id)
        .where(signed.digest == drug_tables.shipped().digest)
        .order_by(signed.journal_seq)
    )
    return [TableSignature(open_name(keyring, row.id, row.name_sealed), *row[2:]) for row in rows]


def _certificate_number(tx: Tx, physician_id: UUID) -> str:
    held = certificates_of(tx.connection, physician_id)
    return next(
        one.certificate_number
        for one in held
        if one.kind is QualificationKind.PHYSICIAN and one.is_valid_on(tx.local_date)
    )
