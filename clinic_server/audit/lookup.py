"""Questions of an auditor: the lines of the journal, who looked at whom, and the last walk over the journal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, func, or_, select

from clinic_server.adverse_events.report.tables import card_exported, case_copied
from clinic_server.adverse_events.tables import adverse_event
from clinic_server.alerts.rules import AlertKind
from clinic_server.alerts.tables import STANDS, alert_now
from clinic_server.audit.rules import Subject
from clinic_server.audit.tables import journal_checked, look
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.journal import head_of, journal
from clinic_server.staff.actions import members

LINES_ON_A_PAGE: Final = 100
_MOST_DIGITS: Final = 9  # of an event's number


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an auditor asks for; an empty filter lets everything through. ``before`` turns the page."""

    since: datetime
    until: datetime
    who: str = ""
    kind: str = ""
    ref: str = ""
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the journal, by identifiers alone."""

    seq: int
    at: datetime
    actor: str
    station: str | None
    kind: str
    ref: str | None


@dataclass(frozen=True, slots=True)
class LookSeen:
    """One look; ``seq`` is of the line that vouches for it. A copy of a case that left the site is one at it."""

    seq: int
    looked_at: datetime
    staff_id: UUID
    station: str | None
    subject: str
    subject_id: str
    person_id: UUID | None
    page: str
    copied_for: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """The last walk over the journal; ``lines_since`` were written after it."""

    head_seq: int
    records: int
    faults: int
    checked_at: datetime
    lines_since: int


def lines(connection: Connection, wanted: Wanted) -> Sequence[Line]:
    """Return a page of lines, the latest first."""
    line = journal.c
    first, end = seq_at(connection, wanted.since), seq_at(connection, wanted.until)
    asked = select(line.seq, line.at, line.actor, line.station, line.kind, line.ref).where(
        line.seq >= first, line.seq < (end if wanted.before is None else min(end, wanted.before))
    )
    for column, word in ((line.actor, wanted.who), (line.kind, wanted.kind), (line.ref, wanted.ref)):
        if word:
            asked = asked.where(column == word)
    return [Line(*row) for row in connection.execute(asked.order_by(line.seq.desc()).limit(LINES_ON_A_PAGE))]


def looks(connection: Connection, wanted: Wanted) -> Sequence[LookSeen]:
    """Return the latest looks in a span of time: by somebody, or at one person, visit, dose or file, copies too."""
    seen = [*_pages_seen(connection, wanted), *_copies_taken(connection, wanted)]
    return sorted(seen, key=lambda one: (one.looked_at, one.seq), reverse=True)[:LINES_ON_A_PAGE]


def _pages_seen(connection: Connection, wanted: Wanted) -> Sequence[LookSeen]:
    asked = select(
        look.c.journal_seq,
        look.c.looked_at,
        look.c.staff_id,
        look.c.station,
        look.c.subject,
        look.c.subject_id,
        look.c.person_id,
        look.c.page,
    ).where(look.c.looked_at >= wanted.since, look.c.looked_at < wanted.until)
    if wanted.who:
        asked = asked.where(look.c.staff_id == _uuid(wanted.who))
    if wanted.ref:
        asked = asked.where((look.c.subject_id == wanted.ref) | (look.c.person_id == _uuid(wanted.ref)))
    if wanted.before is not None:
        asked = asked.where(look.c.journal_seq < wanted.before)
    rows = connection.execute(asked.order_by(look.c.looked_at.desc(), look.c.id.desc()).limit(LINES_ON_A_PAGE))
    return [LookSeen(*row) for row in rows]


def searches_between(
    connection: Connection, staff_id: UUID | None, since: datetime, until: datetime
) -> Sequence[tuple[str, datetime]]:
    """Return the id and instant of every search of somebody's that is kept, after one instant and up to another."""
    is_theirs = (look.c.staff_id == staff_id, look.c.looked_at > since, look.c.looked_at <= until)
    asked = select(look.c.subject_id, look.c.looked_at).where(*is_theirs, look.c.subject == Subject.SEARCH)
    return [(row.subject_id, row.looked_at) for row in connection.execute(asked)]


def told_of_searches(connection: Connection, staff_id: UUID | None, since: datetime) -> bool:
    """Tell whether an alert about somebody's searches stands, or was raised since an instant."""
    is_theirs = (alert_now.c.kind == AlertKind.MANY_SEARCHES, alert_now.c.cause_id == staff_id)
    is_told = or_(STANDS, alert_now.c.opened_at > since)
    return connection.execute(select(alert_now.c.alert_id).where(*is_theirs, is_told)).first() is not None


def _copies_taken(connection: Connection, wanted: Wanted) -> Sequence[LookSeen]:
    taken, event = card_exported.c, adverse_event.c
    asked = (
        select(
            taken.journal_seq,
            taken.exported_at,
            taken.exported_by,
            event.number,
            event.person_id,
            case_copied.c.copied_for,
        )
        .join_from(case_copied, card_exported, taken.id == case_copied.c.export_id)
        .join(adverse_event, event.id == case_copied.c.event_id)
        .where(taken.exported_at >= wanted.since, taken.exported_at < wanted.until)
    )
    if wanted.who:
        asked = asked.where(taken.exported_by == _uuid(wanted.who))
    if wanted.ref:
        number = int(wanted.ref) if wanted.ref.isdecimal() and len(wanted.ref) < _MOST_DIGITS else -1
        asked = asked.where((event.number == number) | (event.person_id == _uuid(wanted.ref)))
    if wanted.before is not None:
        asked = asked.where(taken.journal_seq < wanted.before)
    rows = connection.execute(asked.order_by(taken.journal_seq.desc(), event.number).limit(LINES_ON_A_PAGE))
    subject = Subject.ADVERSE_EVENT.value
    return [
        LookSeen(
            row.journal_seq,
            row.exported_at,
            row.exported_by,
            None,
            subject,
            str(row.number),
            row.person_id,
            "",
            row.copied_for,
        )
        for row in rows
    ]


def seq_at(connection: Connection, at: datetime) -> int:
    """Return the first line written at an instant or later, by halving: the journal is in the order of time.

    Where the clock was set back, lines of the hour it lived through twice may be left out or come along.
    """
    low, high = 1, head_of(connection).seq + 1
    while low < high:
        middle = (low + high) // 2
        known: datetime | None = connection.execute(select(journal.c.at).where(journal.c.seq == middle)).scalar()
        if known is not None and known < at:
            low = middle + 1
        else:
            high = middle
    return low


def last_check(connection: Connection) -> Checked | None:
    """Return what the last walk over the journal found, None before the first."""
    latest = select(func.max(journal_checked.c.journal_seq)).scalar_subquery()
    row = connection.execute(select(journal_checked).where(journal_checked.c.journal_seq == latest)).first()
    if row is None:
        return None
    return Checked(row.head_seq, row.records, row.faults, row.checked_at, head_of(connection).seq - row.head_seq)


def people_at_work(connection: Connection, keyring: Keyring) -> Mapping[str, str]:
    """Return number and name of everybody who works or worked here, by their id."""
    return {str(one.staff_id): f"{one.number} {one.name}" for one in members(connection, keyring)}


def _uuid(word: str) -> UUID | None:
    try:
        return UUID(word)
    except ValueError:
        return None
