"""The exit readers that are open, whose card or slip was shown at one, and what was answered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from clinic_server.kit.codes import code_of, id_in_token, is_code, token_of
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.errors import ClinicError
from clinic_server.observation.exit.actions import Answered, AtExit
from clinic_server.observation.exit.rules import ExitAnswer, ExitReaderEnded, ExitReaderUnknown, ShownBy
from clinic_server.observation.exit.tables import exit_reader, exit_scan
from clinic_server.observation.presenting import visit_shown
from clinic_server.observation.tables import departure
from clinic_server.people.lookup import person
from clinic_server.people.rules import CardFault
from clinic_server.stock.scans import ScanFault
from clinic_server.visits.chain import visit_that_counts
from clinic_server.visits.flow import Stage
from clinic_server.visits.lookup import standing, standing_by_ticket
from clinic_server.visits.tables import visit, visit_now

LAST_DIGITS: Final = 3  # as many as are shown of the shortest numbers
MOST_SCANS: Final = 40
REMEMBERED_FOR: Final = timedelta(hours=12)  # a slip of an earlier day is nobody's
_PURPOSE: Final = "exit_reader"


@dataclass(frozen=True, slots=True)
class Reader:
    """An open exit reader."""

    reader_id: UUID
    station: str
    valid_until: datetime
    token: str = field(repr=False)
    code: str = field(repr=False)

    @property
    def path(self) -> str:
        """The address of its screen on this server."""
        return f"/exit/{self.token}"


@dataclass(frozen=True, slots=True)
class ExitSeen:
    """An answer with what a public screen may show of the person, and where the visit stands since when."""

    answer: ExitAnswer
    minutes: int = 0
    ticket_number: int | None = None
    masked_name: str = field(default="", repr=False)
    stage: Stage | None = None
    called_to: str | None = None
    since_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ScanSeen:
    """One answer at an exit, for nurses: a ticket and no name; ``is_watched`` is whether they are watched still."""

    visit_id: UUID | None
    ticket_number: int | None
    answer: ExitAnswer
    minutes: int
    reason: str | None
    scanned_at: datetime
    is_watched: bool


@dataclass(frozen=True, slots=True)
class HourOut:
    """How many people left in an hour of the site's clock, and how many of them through an exit reader."""

    begins_at: datetime
    left: int
    by_reader: int


def open_readers(connection: Connection, keyring: Keyring, now: datetime) -> Sequence[Reader]:
    """Return the exit readers that answer now, by station."""
    newest = select(func.max(exit_reader.c.journal_seq)).group_by(exit_reader.c.station)
    rows = connection.execute(
        select(exit_reader.c.id, exit_reader.c.station, exit_reader.c.valid_until)
        .where(exit_reader.c.journal_seq.in_(newest), exit_reader.c.valid_until > now)
        .order_by(exit_reader.c.station)
    )
    return [
        Reader(reader_id, station, until, token_of(keyring, _PURPOSE, reader_id), code_of(keyring, _PURPOSE, reader_id))
        for reader_id, station, until in rows
    ]


def reader_of_token(connection: Connection, keyring: Keyring, token: str, now: datetime) -> Reader:
    """Return the open reader of an address, or raise ExitReaderUnknown or ExitReaderEnded."""
    reader_id = id_in_token(keyring, _PURPOSE, token)
    if reader_id is None:
        raise ExitReaderUnknown
    found = next((one for one in open_readers(connection, keyring, now) if one.reader_id == reader_id), None)
    if found is None:
        raise ExitReaderEnded
    return found


def reader_of_code(connection: Connection, keyring: Keyring, typed: str, now: datetime) -> Reader:
    """Return the open reader whose code was typed, or raise ExitReaderUnknown."""
    for one in open_readers(connection, keyring, now):
        if is_code(keyring, _PURPOSE, one.reader_id, typed):
            return one
    raise ExitReaderUnknown


def who_showed(connection: Connection, keyring: Keyring, shown_by: ShownBy, content: object, now: datetime) -> AtExit:
    """Return whose visit a card or a scan shows: one that is open, or that ended not long ago."""
    if isinstance(content, CardFault | ScanFault):
        return AtExit(shown_by, fault=ExitAnswer.AGAIN)
    try:
        found = visit_shown(connection, keyring, content)
    except ClinicError:
        return AtExit(shown_by)
    is_of_today = found is not None and (found.stage.is_open or now - found.since_at < REMEMBERED_FOR)
    return AtExit(shown_by, found.visit_id if found and is_of_today else None)


def who_typed(connection: Connection, keyring: Keyring, ticket_number: int, digits: str, on: date) -> AtExit:
    """Return whose ticket was typed, if the last digits of their document were typed with it."""
    found = standing_by_ticket(connection, on, ticket_number)
    if found is None:
        return AtExit(ShownBy.TICKET)
    shown = person(connection, keyring, found.person_id).masked_number
    if not shown.endswith(digits.upper()):
        return AtExit(ShownBy.TICKET)
    return AtExit(ShownBy.TICKET, visit_that_counts(connection, found.visit_id))


def seen_at_exit(connection: Connection, keyring: Keyring, answered: Answered) -> ExitSeen:
    """Return an answer as the exit's screen shows it."""
    if answered.visit_id is None:
        return ExitSeen(answered.answer)
    found = standing(connection, answered.visit_id)
    return ExitSeen(
        answered.answer,
        answered.minutes,
        found.ticket_number,
        person(connection, keyring, found.person_id).masked_name,
        found.stage,
        found.called_to,
        found.since_at,
    )


def last_scans(connection: Connection) -> Sequence[ScanSeen]:
    """Return what was answered at the exits, the latest first."""
    rows = connection.execute(
        select(
            exit_scan.c.visit_id,
            visit_now.c.ticket_number,
            exit_scan.c.answer,
            exit_scan.c.minutes,
            exit_scan.c.reason,
            exit_scan.c.scanned_at,
            func.coalesce(visit_now.c.stage == Stage.OBSERVED, False),
        )
        .outerjoin_from(exit_scan, visit_now, visit_now.c.visit_id == exit_scan.c.visit_id)
        .order_by(exit_scan.c.scanned_at.desc(), exit_scan.c.id.desc())
        .limit(MOST_SCANS)
    )
    return [ScanSeen(*row) for row in rows]


def exits_by_hour(connection: Connection, on: date, zone: ZoneInfo) -> Sequence[HourOut]:
    """Return how many people of a clinic day's visits left in each hour."""
    rows = connection.execute(
        select(departure.c.left_at, exit_scan.c.id.is_not(None).label("by_reader"))
        .join(visit, visit.c.id == departure.c.visit_id)
        .outerjoin(exit_scan, (exit_scan.c.visit_id == visit.c.id) & (exit_scan.c.answer == ExitAnswer.MAY_LEAVE))
        .where(visit.c.business_on == on)
    )
    hours: dict[datetime, list[bool]] = {}
    for row in rows:
        begins_at = row.left_at.astimezone(zone).replace(minute=0, second=0, microsecond=0)
        hours.setdefault(begins_at, []).append(row.by_reader)
    return [HourOut(begins_at, len(left), sum(left)) for begins_at, left in sorted(hours.items())]
