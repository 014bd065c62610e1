"""The days a rehearsed site has behind it: temperatures, rounds by hand, papers, a logger's file, a weekly test.

Everything is recorded at its own time by the actions of real days, on a clock that is set forward from one to the next.
"""

import time as system_time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import product
from math import sin, tau
from operator import attrgetter
from typing import Any

from sqlalchemy import select

from clinic_server.alerts.contacts import standing_ids
from clinic_server.alerts.due import claim, finish
from clinic_server.cold_chain.actions import store_readings
from clinic_server.cold_chain.excursions.actions import decide, write_form
from clinic_server.cold_chain.excursions.lookup import excursions, units_of
from clinic_server.cold_chain.excursions.rules import DispositionKind, Evaluation, NewDisposition, NewForm
from clinic_server.cold_chain.logger_files.actions import attach
from clinic_server.cold_chain.rules import Sample
from clinic_server.cold_chain.upkeep.appliances import NewAppliance, NewService, enter_appliance, enter_service
from clinic_server.cold_chain.upkeep.certificates import (
    NewCertificate,
    confirm_certificate,
    enter_certificate,
    waiting_certificates,
)
from clinic_server.cold_chain.upkeep.hand_readings import NewHandReading, take_reading
from clinic_server.cold_chain.upkeep.rules import ServiceKind
from clinic_server.kit.access import Actor, system_actor
from clinic_server.kit.clock import REHEARSED
from clinic_server.kit.db import Database
from clinic_server.kit.tx import Tx
from clinic_server.paging.actions import Attempt, begin_test, note_test_answer, record_attempt
from clinic_server.paging.tables import page_test
from devices.pagers.page import Outcome, Reached

STEP = timedelta(minutes=9)  # under what counts as late
READ_EVERY = timedelta(minutes=3)
ROUNDS = (time(8, 40), time(16, 20))
A_DAY = timedelta(days=1)
DOOR_AJAR, DOOR_AT = time(10, 10), "bench-fridge"
DOOR_AJAR_MIN = 26
LOGGER_IN = "fridge-1"
FRIDGES = {"fridge-1": ("YC-395L", 395), "fridge-2": ("YC-260L", 260), "bench-fridge": ("YC-55L", 55)}
_BOOT = 1
_PROBES = system_actor("rehearsed probes")
_LETTER = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"


class PastClock:
    """A clock that stands still until it is set forward."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        """See Clock."""
        return self._now

    def monotonic(self) -> float:
        """See Clock."""
        return system_time.monotonic()

    def steady(self) -> float:
        """See Clock."""
        return self._now.timestamp()

    @property
    def start(self) -> str:
        """See Clock."""
        return REHEARSED

    def set_to(self, now: datetime) -> None:
        """Go on to an instant; a clock is never set back here."""
        self._now = max(self._now, now)


@dataclass(frozen=True, slots=True)
class Happening:
    """What somebody did when."""

    at: datetime
    actor: Actor
    act: Callable[[Tx], Any]


@dataclass(frozen=True, slots=True)
class Past:
    """The time between two instants, by local days, and who did what had to be done."""

    since: datetime
    until: datetime
    keeper: Actor
    lead: Actor
    probes: Sequence[str]

    @property
    def days(self) -> Sequence[date]:
        """Its whole days."""
        first, last = self.since.date() + A_DAY, self.until.date()
        return [first + n * A_DAY for n in range((last - first).days)]

    def at(self, day: date, when: time) -> datetime:
        """Return a local time as an instant."""
        return datetime.combine(day, when, self.since.tzinfo)

    def celsius(self, probe_id: str, at: datetime) -> int:
        """Return a fridge's temperature in milli-Celsius: its cooling swings, and once a door stood ajar."""
        minutes = int((at - self.since).total_seconds() // 60)
        number = self.probes.index(probe_id)
        swing = 500 * sin(minutes * tau / (41 + 7 * number)) + 200 * sin(minutes * tau / 1440 + number)
        return round(4_400 + 250 * number + swing) + self._through_the_door(probe_id, at)

    def _through_the_door(self, probe_id: str, at: datetime) -> int:
        opened_at = self.at(self.days[-2], DOOR_AJAR)
        minutes = (at - opened_at).total_seconds() / 60
        if probe_id != DOOR_AT or not 0 <= minutes < 2 * DOOR_AJAR_MIN:
            return 0
        return round(4_300 * min(1.0, minutes / 6, (2 * DOOR_AJAR_MIN - minutes) / DOOR_AJAR_MIN))


def live_through(past: Past, db: Database, clock: PastClock) -> None:
    """Let it all happen, each at its time; afterwards it is now."""
    happenings = [*_hearings(past), *_papers(past), *_rounds(past), *_door_left_ajar(past), *_last_day(past)]
    for one in sorted(happenings, key=attrgetter("at")):
        clock.set_to(one.at)
        db.write_now(one.act, one.actor)
    clock.set_to(past.until)


def _hearings(past: Past) -> Iterable[Happening]:
    for number in range((past.until - past.since) // STEP):
        first = past.since + number * STEP
        times = [first + place * READ_EVERY for place in range(STEP // READ_EVERY)]
        samples = [_sample(past, probe_id, at) for at in times for probe_id in past.probes]
        yield Happening(times[-1], _PROBES, partial(store_readings, samples=samples))


def _sample(past: Past, probe_id: str, at: datetime) -> Sample:
    return Sample(probe_id, _BOOT, (at - past.since) // READ_EVERY, at, past.celsius(probe_id, at))


def _papers(past: Past) -> Iterable[Happening]:
    for number, (code, (type_name, litres)) in enumerate(FRIDGES.items(), 1):
        since = past.since.date() - timedelta(days=400)
        plate = NewAppliance(code, "演示冷链设备", type_name, f"DEMO-{number:04}", litres, since)
        yield Happening(past.since, past.keeper, partial(enter_appliance, new=plate))
        next_on = past.until.date() + timedelta(days=90 + 20 * number)
        service = NewService(code, ServiceKind.DEFROSTED, past.days[0], "演示维修站", "除霜并清洁门封", next_on)
        yield Happening(past.at(past.days[1], time(9, 30)), past.keeper, partial(enter_service, new=service))
    for number, probe_id in enumerate(past.probes):
        calibrated_on = past.until.date() - timedelta(days=345 - 60 * number)  # the first is due in weeks
        paper = NewCertificate(probe_id, f"演示校准-{number + 1:03}", "演示计量院", calibrated_on, 100 - 60 * number)
        yield Happening(past.since, past.keeper, partial(enter_certificate, new=paper))
    yield Happening(past.at(past.days[0], time(9)), past.lead, _confirm_certificates)


def _confirm_certificates(tx: Tx) -> None:
    for waiting in waiting_certificates(tx.connection):
        confirm_certificate(tx, waiting.certificate.certificate_id)


def _rounds(past: Past) -> Iterable[Happening]:
    """Every round was done but one, of the fridge whose door had stood ajar that day."""
    for day, when in product((past.since.date(), *past.days), ROUNDS):
        at = past.at(day, when)
        is_missed = (day, when) == (past.days[-2], ROUNDS[-1])
        for code in FRIDGES.keys() - ({DOOR_AT} if is_missed else set()) if at > past.since else ():
            read = NewHandReading(code, f"{past.celsius(code, at) / 1000:.1f}")
            yield Happening(at, past.keeper, partial(take_reading, new=read))


def _door_left_ajar(past: Past) -> Iterable[Happening]:
    """The form was filled in half an hour after it began; the manufacturer's answer came in the afternoon."""
    opened_at = past.at(past.days[-2], DOOR_AJAR)
    yield Happening(opened_at + timedelta(minutes=34), past.keeper, _fill_in_form)
    yield Happening(opened_at + timedelta(hours=5), past.lead, _release)


def _fill_in_form(tx: Tx) -> None:
    found = excursions(tx.connection)[0]
    form = NewForm(
        discovered_at=found.discovered_at,
        discovered_by="演示值班员",
        room_milli_celsius=24_000,
        what_happened="取用疫苗后小冰箱门未关严",
        measures="关严箱门，疫苗原位隔离并挂警示标志",
        moved_to="未转移",
        told="示范区疾控中心冷链科",
        prevention="门上张贴提示，交接班时检查门封",
    )
    write_form(tx, found.excursion_id, form)


def _release(tx: Tx) -> None:
    found = excursions(tx.connection)[0]
    held = [one.unit.unit_id for one in units_of(tx.connection, found.excursion_id)]
    letter = Evaluation("演示质评-007", _LETTER)
    reason = "生产企业书面评估：短时超温不影响质量"
    decide(tx, NewDisposition(found.excursion_id, held, DispositionKind.RELEASED, reason, letter))


def _last_day(past: Past) -> Iterable[Happening]:
    yield Happening(past.at(past.days[-1], time(10)), past.keeper, _test_the_pagers)
    report = logger_report(past)
    yield Happening(
        past.at(past.days[-1], time(17)),
        past.keeper,
        partial(attach, place_code=LOGGER_IN, file_name="FT2_DEMO0001.txt", content=report),
    )


def _test_the_pagers(tx: Tx) -> None:
    """Everybody got the weekly test by every channel, and said so."""
    number = begin_test(tx, tx.local_date)
    test_id = tx.execute(select(page_test.c.id).where(page_test.c.number == number)).scalar_one()
    people = standing_ids(tx.connection)
    for due in claim(tx, len(people), STEP):
        for address in due.addresses:
            record_attempt(tx, Attempt(address.channel, Outcome(Reached.ACCEPTED), due.due_id, due.contact_id))
        finish(tx, due.due_id, is_reached=True)
        note_test_answer(tx, test_id, due.contact_id)
    tx.journal("page_attempted", test_id)


def logger_report(past: Past) -> bytes:
    """Return what a Fridge-tag in a fridge would have written about the days, the latest first."""
    made_at = past.at(past.days[-1], time(16, 55))
    lines = ["Device: Q-tag Fridge-tag 2", "Conf:", " Serial: DEMO0001", " Alarm:"]
    lines += ["  0:", "   T AL: -0.5, t AL: 60", "  1:", "   T AL: +8.0, t AL: 600", "Hist:"]
    lines += [f" TS Actv: {past.since:%Y-%m-%d %H:%M}", f" TS Report Creation: {made_at:%Y-%m-%d %H:%M}"]
    for number, day in enumerate(reversed(past.days), 1):
        read = [
            past.celsius(LOGGER_IN, past.at(day, time(hour, minute))) for hour in range(24) for minute in (0, 20, 40)
        ]
        lines += [f" {number}:", f"  Date: {day}", f"  Min T: {min(read) / 1000:+.1f}, TS Min T: 05:20"]
        lines += [f"  Max T: {max(read) / 1000:+.1f}, TS Max T: 14:40"]
        lines += [f"  Avrg T: {sum(read) / len(read) / 1000:+.1f}", "  Alarm:", "   0:", "    t Acc: 0", "   1:"]
        lines += ["    t Acc: 0", "  Ext Sensor timeout:", "   t AccST: 0, TS ST: 00:00"]
    return ("\r\n".join(lines) + "\r\n").encode()
