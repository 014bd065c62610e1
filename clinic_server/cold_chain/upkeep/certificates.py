"""Calibration certificates of probes: entered by one person, confirmed by another, due again in time.

A certificate says how far a probe is off. Nothing here, or anywhere, adds that to what the probe says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Select, exists, select

from clinic_server.cold_chain.rules import COLD_CHAIN
from clinic_server.cold_chain.upkeep.rules import (
    Certificate,
    CertificateStands,
    CertificateUnknown,
    refuse_dates,
    refuse_same_person,
    valid_a_year,
)
from clinic_server.cold_chain.upkeep.tables import (
    CalibrationConfirmed,
    CalibrationEntered,
    calibration_confirmed,
    calibration_entered,
)
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import require_signed_in


@dataclass(frozen=True, slots=True)
class NewCertificate:
    """A certificate as it reads; ``valid_until`` None stands for a year."""

    probe_id: str
    certificate_number: str
    laboratory: str
    calibrated_on: date
    deviation_milli_celsius: int
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class CertificateRef:
    """Which certificate an action was about."""

    certificate_id: UUID


@dataclass(frozen=True, slots=True)
class Waiting:
    """A certificate that a second person has not confirmed."""

    certificate: Certificate
    entered_by: UUID
    entered_at: datetime


def enter_certificate(tx: Tx, new: NewCertificate) -> CertificateRef:
    """Enter a certificate as the first of two people, or raise CertificateDatesWrong; it does not count yet."""
    entered_by = require_signed_in(tx)
    valid_until = new.valid_until or valid_a_year(new.calibrated_on)
    refuse_dates(new.calibrated_on, valid_until, tx.local_date)
    certificate_id = tx.append(
        CalibrationEntered,
        probe_id=new.probe_id,
        certificate_number=new.certificate_number,
        laboratory=new.laboratory,
        calibrated_on=new.calibrated_on,
        valid_until=valid_until,
        deviation_milli_celsius=new.deviation_milli_celsius,
        entered_by=entered_by,
        entered_at=tx.now,
    )
    tx.journal("calibration_entered", certificate_id, COLD_CHAIN)
    return CertificateRef(certificate_id)


def confirm_certificate(tx: Tx, certificate_id: UUID) -> CertificateRef:
    """Confirm a certificate as the second person; raise CertificateUnknown, CertificateStands or UpkeepNeedsSecond."""
    confirmed_by = require_signed_in(tx)
    waiting = {one.certificate.certificate_id: one for one in waiting_certificates(tx.connection)}
    if certificate_id not in waiting:
        known = tx.execute(select(calibration_entered.c.id).where(calibration_entered.c.id == certificate_id)).first()
        raise CertificateStands if known else CertificateUnknown
    entered_by = waiting[certificate_id].entered_by
    refuse_same_person(entered_by, confirmed_by)
    confirmation_id = tx.append(
        CalibrationConfirmed,
        certificate_id=certificate_id,
        entered_by=entered_by,
        confirmed_by=confirmed_by,
        confirmed_at=tx.now,
    )
    tx.journal("calibration_confirmed", confirmation_id, COLD_CHAIN)
    return CertificateRef(certificate_id)


def standing_certificates(connection: Connection) -> Mapping[str, Certificate]:
    """Return each probe's latest calibration that two people signed."""
    rows = connection.execute(_certificates().where(_is_confirmed()).order_by(*_IN_ORDER))
    return {row.probe_id: _certificate(row) for row in rows}


def waiting_certificates(connection: Connection) -> Sequence[Waiting]:
    """Return what waits for a second person, the latest first; a later entry of the same number replaces it."""
    later = calibration_entered.alias()
    entered = calibration_entered.c
    is_replaced = exists().where(
        later.c.probe_id == entered.probe_id,
        later.c.certificate_number == entered.certificate_number,
        later.c.journal_seq > entered.journal_seq,
    )
    rows = connection.execute(
        _certificates().where(~_is_confirmed(), ~is_replaced).order_by(entered.journal_seq.desc())
    )
    return [Waiting(_certificate(row), row.entered_by, row.entered_at) for row in rows]


_IN_ORDER = (calibration_entered.c.calibrated_on, calibration_entered.c.journal_seq)


def _certificates() -> Select[Any]:
    return select(calibration_entered)


def _is_confirmed() -> Any:
    return exists().where(calibration_confirmed.c.certificate_id == calibration_entered.c.id)


def _certificate(row: Any) -> Certificate:
    names = (name for name in Certificate.__dataclass_fields__ if name != "certificate_id")
    return Certificate(row.id, *(getattr(row, name) for name in names))
