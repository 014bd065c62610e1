"""Codes that may be counterfeits or doubles: refused where they were scanned, kept until somebody has assessed them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, exists, func, select

from clinic_server.alerts.raising import raise_alarm, recover
from clinic_server.alerts.rules import Alarm, AlertKind, Severity
from clinic_server.alerts.telling import Phrase, tell
from clinic_server.kit.call import Call
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.errors import ClinicError
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import require_signed_in
from clinic_server.stock.rules import (
    Doubt,
    SuspectAssessedBefore,
    SuspectUnknown,
    UnitAlreadyReceived,
    UnitFinding,
    doubt_about,
)
from clinic_server.stock.tables import SuspectAssessed, SuspectScan, suspect_assessed, suspect_scan
from clinic_server.stock.units import units_by_code
from clinic_server.stock.whereabouts import STOCK, UnitIsEmpty, UnitNotHere, UnitUnknown

ONCE_WITHIN = timedelta(minutes=1)  # a scanner's trigger is pulled again and again
_DOUBTFUL = frozenset(
    {
        UnitFinding.UNIT_UNKNOWN,
        UnitFinding.UNIT_USED_UP,
        *(error.code for error in (UnitUnknown, UnitIsEmpty, UnitNotHere, UnitAlreadyReceived)),
    }
)


@dataclass(frozen=True, slots=True)
class Suspect:
    """A doubtful code that nobody has assessed yet."""

    suspect_id: UUID
    trace_code: str
    doubt: Doubt
    station: str | None
    scanned_at: datetime


@asynccontextmanager
async def suspects_kept(call: Call, trace_codes: Sequence[str], *, arriving: bool = False) -> AsyncIterator[None]:
    """Keep the doubtful ones among the codes when the act in this block is refused for them.

    The refusal took everything of its act back, so that they are kept by an act of their own.
    """
    try:
        yield
    except ClinicError as refused:
        if not _DOUBTFUL.isdisjoint({refused.code, *refused.findings}):
            await call.house.db.write(lambda tx: keep_suspects(tx, trace_codes, arriving=arriving), call.actor)
        raise


def keep_suspects(tx: Tx, trace_codes: Sequence[str], *, arriving: bool) -> int:
    """Keep the doubtful ones among scanned codes, each once a minute and station; return how many are new."""
    kept = 0
    for code, unit in units_by_code(tx.connection, trace_codes).items():
        doubt = doubt_about(unit, arriving=arriving)
        index = tx.keyring.blind_index("suspect_scan:code", code)
        if doubt is None or _was_just_kept(tx, index, doubt):
            continue
        suspect_id = tx.new_id()
        tx.append(
            SuspectScan,
            id=suspect_id,
            code_sealed=tx.keyring.seal(code, f"suspect_scan:code:{suspect_id}"),
            code_index=index,
            doubt=doubt,
            station=tx.actor.station,
            scanned_by=tx.actor.staff_id,
            scanned_at=tx.now,
        )
        kept += 1
    if kept:
        _tell(tx)
        tx.journal("suspects_kept", None, STOCK)
    return kept


def assess_suspect(tx: Tx, suspect_id: UUID, comment: str) -> UUID:
    """Record what was found out about a doubtful code, or raise SuspectUnknown or SuspectAssessedBefore."""
    assessed_by = require_signed_in(tx)
    if not tx.execute(select(exists().where(suspect_scan.c.id == suspect_id))).scalar_one():
        raise SuspectUnknown
    if tx.execute(select(exists().where(suspect_assessed.c.suspect_id == suspect_id))).scalar_one():
        raise SuspectAssessedBefore
    about = {"suspect_id": suspect_id, "comment": comment}
    assessment_id = tx.append(SuspectAssessed, **about, assessed_by=assessed_by, assessed_at=tx.now)
    _tell(tx)
    tx.journal("suspect_assessed", suspect_id, STOCK)
    return assessment_id


def open_suspects(connection: Connection, keyring: Keyring) -> Sequence[Suspect]:
    """Return every doubtful code that nobody has assessed, the latest first."""
    rows = connection.execute(
        select(suspect_scan)
        .where(~exists().where(suspect_assessed.c.suspect_id == suspect_scan.c.id))
        .order_by(suspect_scan.c.journal_seq.desc(), suspect_scan.c.id)
    )
    return [
        Suspect(
            row.id,
            keyring.open(row.code_sealed, f"suspect_scan:code:{row.id}"),
            row.doubt,
            row.station,
            row.scanned_at,
        )
        for row in rows
    ]


def _tell(tx: Tx) -> None:
    """Let the alert of doubtful codes say how many wait to be assessed; it is over with the last."""
    is_open = ~exists().where(suspect_assessed.c.suspect_id == suspect_scan.c.id)
    waiting = tx.execute(select(func.count()).select_from(suspect_scan).where(is_open)).scalar_one()
    if waiting:
        raise_alarm(tx, Alarm(AlertKind.DOUBTFUL_CODE, Severity.WARNING, tell(Phrase.TO_ASSESS, count=waiting)))
    else:
        recover(tx, AlertKind.DOUBTFUL_CODE)


def _was_just_kept(tx: Tx, index: bytes, doubt: Doubt) -> bool:
    same = (suspect_scan.c.code_index == index, suspect_scan.c.doubt == doubt)
    here = suspect_scan.c.station.is_not_distinct_from(tx.actor.station)
    return bool(
        tx.execute(select(exists().where(*same, here, suspect_scan.c.scanned_at > tx.now - ONCE_WITHIN))).scalar_one()
    )
