"""Excursions with every verdict on them, gaps, decisions and the form; and where the judging of each probe stands."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Index, LargeBinary
from sqlmodel import Field

from clinic_server.alerts.rules import Severity
from clinic_server.cold_chain.excursions.rules import DispositionKind, FileKind, Verdict
from clinic_server.cold_chain.judging import BreachKind
from clinic_server.kit.tables import Record, State, instant, one_of, sealed, table_of, text

MOST_LIMITS = 4_000


class Excursion(Record, table=True):
    """Vaccine stood outside its limits for too long; ``limits`` is the profile it was judged by, as JSON.

    ``placement_id`` is the probe in its place (``Probe``).
    """

    __tablename__ = "excursion"
    __table_args__ = (Index(None, "placement_id"), Index(None, "place_id"))

    placement_id: UUID = Field(foreign_key="probe.id")
    place_id: UUID = Field(foreign_key="place.id")
    kind: BreachKind = one_of(BreachKind)
    began_at: datetime = instant()
    profile: str = text(40)
    profile_version: int
    limits: str = text(MOST_LIMITS)
    judged_at: datetime = instant()


class ExcursionJudged(Record, table=True):
    """A verdict that changes what people would do; ``is_late`` where readings that came late brought it about."""

    __tablename__ = "excursion_judged"
    __table_args__ = (Index(None, "excursion_id"),)

    excursion_id: UUID = Field(foreign_key="excursion.id")
    verdict: Verdict = one_of(Verdict)
    severity: Severity = one_of(Severity)
    began_at: datetime = instant()
    last_out_at: datetime = instant()
    ended_at: datetime | None = instant(default=None)
    min_milli_celsius: int
    max_milli_celsius: int
    out_ms: int = Field(sa_type=BigInteger)
    unknown_ms: int = Field(sa_type=BigInteger)
    is_late: bool
    judged_at: datetime = instant()


class ExcursionNow(State, table=True):
    """Each excursion with its figures as the latest reading left them; ``area`` in milli-Celsius seconds."""

    __tablename__ = "excursion_now"
    __table_args__ = (Index(None, "placement_id"),)

    excursion_id: UUID = Field(primary_key=True, foreign_key="excursion.id")
    placement_id: UUID = Field(foreign_key="probe.id")
    kind: BreachKind = one_of(BreachKind)
    severity: Severity = one_of(Severity)
    began_unix_ms: int = Field(sa_type=BigInteger)
    alarmed_unix_ms: int = Field(sa_type=BigInteger)
    last_out_unix_ms: int = Field(sa_type=BigInteger)
    ended_unix_ms: int | None = Field(default=None, sa_type=BigInteger)
    min_milli_celsius: int
    max_milli_celsius: int
    out_ms: int = Field(sa_type=BigInteger)
    unknown_ms: int = Field(sa_type=BigInteger)
    area: int = Field(sa_type=BigInteger)
    readings: int
    is_withdrawn: bool
    turn_seq: int | None = Field(default=None, sa_type=BigInteger)


class ProbeWatch(State, table=True):
    """How far the judging of a probe in its place is; ``warned`` lists what it warns of, ``watch`` is a ``Watch``."""

    __tablename__ = "probe_watch"

    placement_id: UUID = Field(primary_key=True, foreign_key="probe.id")
    last_unix_ms: int = Field(sa_type=BigInteger)
    warned: str = text(60)
    open_gap_id: UUID | None = Field(default=None, foreign_key="reading_gap.id")
    watch: bytes = Field(sa_type=LargeBinary)


class WatchCheckpoint(State, table=True):
    """The judging of a probe as it stood at an hour's last reading: late readings are judged from here on again."""

    __tablename__ = "watch_checkpoint"

    placement_id: UUID = Field(primary_key=True, foreign_key="probe.id")
    last_unix_ms: int = Field(primary_key=True, sa_type=BigInteger)
    watch: bytes = Field(sa_type=LargeBinary)


class ReadingGap(Record, table=True):
    """From here on nobody can speak for a probe's place."""

    __tablename__ = "reading_gap"
    __table_args__ = (Index(None, "placement_id", "from_at"),)

    placement_id: UUID = Field(foreign_key="probe.id")
    from_at: datetime = instant()
    noted_at: datetime = instant()


class ReadingGapEnded(Record, table=True):
    """A reading came again."""

    __tablename__ = "reading_gap_ended"

    gap_id: UUID = Field(foreign_key="reading_gap.id", unique=True)
    until_at: datetime = instant()
    noted_at: datetime = instant()


class ReadingGapFilled(Record, table=True):
    """Readings that came late cover a gap; that it was one for so long stays on record."""

    __tablename__ = "reading_gap_filled"

    gap_id: UUID = Field(foreign_key="reading_gap.id", unique=True)
    filled_at: datetime = instant()


class Disposition(Record, table=True):
    """What a named person decided about units that were out of their temperature, and on what it rests."""

    __tablename__ = "disposition"
    __table_args__ = (Index(None, "excursion_id"),)

    excursion_id: UUID | None = Field(default=None, foreign_key="excursion.id")
    kind: DispositionKind = one_of(DispositionKind)
    note: str = text(200)
    evaluation_number: str | None = text(60, default=None)
    qa_code: str | None = text(40, default=None)
    decided_by: UUID = Field(foreign_key="staff.id")
    decided_at: datetime = instant()


class DispositionUnit(Record, table=True):
    """One unit of a disposition."""

    __tablename__ = "disposition_unit"
    __table_args__ = (Index(None, "disposition_id"), Index(None, "unit_id"))

    disposition_id: UUID = Field(foreign_key="disposition.id")
    unit_id: UUID = Field(foreign_key="unit.id")


class EvaluationFile(Record, table=True):
    """The manufacturer's written answer as it was attached, sealed."""

    __tablename__ = "evaluation_file"

    disposition_id: UUID = Field(foreign_key="disposition.id", unique=True)
    kind: FileKind = one_of(FileKind)
    content_sealed: bytes = sealed()


class ExcursionForm(Record, table=True):
    """What people add to the record of an excursion; each entry is whole and the latest counts."""

    __tablename__ = "excursion_form"
    __table_args__ = (Index(None, "excursion_id"),)

    excursion_id: UUID = Field(foreign_key="excursion.id")
    discovered_at: datetime = instant()
    discovered_by_sealed: bytes = sealed()
    room_milli_celsius: int
    what_happened: str = text(300)
    measures: str = text(300)
    moved_to: str = text(80)
    also_inside: str = text(200)
    earlier_trouble: str = text(200)
    told: str = text(200)
    prevention: str = text(300)
    written_by: UUID = Field(foreign_key="staff.id")
    written_at: datetime = instant()


excursion = table_of(Excursion)
excursion_judged = table_of(ExcursionJudged)
excursion_now = table_of(ExcursionNow)
probe_watch = table_of(ProbeWatch)
watch_checkpoint = table_of(WatchCheckpoint)
reading_gap = table_of(ReadingGap)
reading_gap_ended = table_of(ReadingGapEnded)
reading_gap_filled = table_of(ReadingGapFilled)
disposition = table_of(Disposition)
disposition_unit = table_of(DispositionUnit)
evaluation_file = table_of(EvaluationFile)
excursion_form = table_of(ExcursionForm)
