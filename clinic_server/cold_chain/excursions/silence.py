"""What no message announces: a probe that falls silent, or says only what cannot be believed or is not judged here."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from clinic_server.alerts.raising import open_alerts, raise_alarm, recover
from clinic_server.alerts.rules import Alarm, AlertKind, Severity
from clinic_server.alerts.telling import Phrase, tell
from clinic_server.cold_chain.conditions import ProbeCondition, conditions_of
from clinic_server.cold_chain.excursions.following import keep_open_gap
from clinic_server.cold_chain.excursions.gaps import begin_gap
from clinic_server.cold_chain.excursions.judgement import end_abandoned, end_outlived
from clinic_server.cold_chain.excursions.rules import Known
from clinic_server.cold_chain.excursions.settling import is_settled, outlived, settle
from clinic_server.cold_chain.excursions.tables import excursion_now
from clinic_server.cold_chain.placements import Placement, placements
from clinic_server.cold_chain.rules import COLD_CHAIN
from clinic_server.cold_chain.tables import from_unix_ms, latest_reading, to_unix_ms
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.tx import Tx
from clinic_server.kit.watcher import Watcher
from clinic_server.stock.whereabouts import STOCK

LOOKS_EVERY_S = 15.0
_Latest = Mapping[bool, int]  # when, by whether it may be judged
WATCHED = (AlertKind.NO_DATA, AlertKind.PROBE_FAULT)


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be done: gaps that begin, placements whose excursions nobody can end, alarms, and what is over.

    ``is_settled`` says that the clock was not turned since; ``outlived`` is what lasted by readings that were set aside
    then, and was ended by those that count.
    """

    is_settled: bool
    silent: Sequence[Placement]
    abandoned: Sequence[tuple[Placement, int]]
    outlived: Sequence[tuple[Placement, Known]]
    alarms: Sequence[Alarm]
    over: Sequence[tuple[AlertKind, str]]


class Silence(Watcher):
    """Listens for probes that say nothing, between ``async with``."""

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S) -> None:
        super().__init__("silent probes", every_s)
        self._house = house

    async def look(self) -> None:
        """Record what fell silent, and call somebody; end what speaks again."""
        db = self._house.db
        found = await db.read(lambda connection: listen(connection, db.clock.now(), db.site.zone))
        if found != Found(True, (), (), (), (), ()):
            await db.write(note_silence, system_actor("silent probes"))


def note_silence(tx: Tx) -> None:
    """Do what listening found."""
    settle(tx)
    found = listen(tx.connection, tx.now, tx.site.zone)
    for placement in found.silent:
        _keep_gap(tx, placement)
    for placement, until_ms in found.abandoned:
        end_abandoned(tx, placement, until_ms)
    for placement, known in found.outlived:
        end_outlived(tx, placement, known)
    for alarm in found.alarms:
        raise_alarm(tx, alarm)
    for kind, place_code in found.over:
        recover(tx, kind, place_code)
    if tx.owes_a_line:
        tx.journal("silence_noted", None, COLD_CHAIN, STOCK)


def listen(connection: Connection, now: datetime, zone: ZoneInfo) -> Found:
    """Return what is silent, broken or abandoned at an instant, and not noted yet."""
    standing = placements(connection)
    here = [one for one in standing if one.until_unix_ms is None]
    silent = [one for one in here if _is_silent(one, to_unix_ms(now))]
    wanted = _alarms(connection, here, now, zone)
    open_now = {(one.kind, one.place_code): one for one in open_alerts(connection) if one.kind in WATCHED}
    new = [
        alarm
        for key, alarm in wanted.items()
        if key not in open_now or (open_now[key].severity, open_now[key].summary) != (alarm.severity, alarm.summary)
    ]
    watched = {one.place_code for one in here}
    return Found(
        is_settled(connection),
        tuple(one for one in silent if one.open_gap_id is None),
        tuple(_abandoned(connection, standing)),
        tuple(outlived(connection, here)),
        tuple(new),
        tuple(key for key in open_now if key not in wanted and key[1] in watched),
    )


def _alarms(
    connection: Connection, here: Iterable[Placement], now: datetime, zone: ZoneInfo
) -> Mapping[tuple[AlertKind, str], Alarm]:
    """Return each place's alarms; of several probes the one that has been so the longest speaks."""
    latest = _latest(connection)
    wanted: dict[tuple[AlertKind, str], Alarm] = {}
    for one in sorted(here, key=lambda one: one.good_unix_ms):
        since = from_unix_ms(one.good_unix_ms).astimezone(zone).strftime("%H:%M")
        for alarm in _troubles(one, latest.get(one.probe, {}), to_unix_ms(now), since):
            wanted.setdefault((alarm.kind, alarm.place_code), alarm)
    return wanted


def _troubles(one: Placement, latest: _Latest, now_ms: int, since: str) -> Iterator[Alarm]:
    if _is_silent(one, now_ms):
        yield Alarm(AlertKind.NO_DATA, Severity.ALARM, tell(Phrase.NO_READING, since=since), one.place_code)
    elif _is_before_its_time(one, now_ms):
        yield Alarm(AlertKind.NO_DATA, Severity.ALARM, tell(Phrase.CLOCK_SET_BACK, since=since), one.place_code)
    if _is_broken(one, latest, now_ms):
        yield Alarm(AlertKind.PROBE_FAULT, Severity.ALARM, tell(_fault_of(one, now_ms), since=since), one.place_code)


def _is_silent(placement: Placement, now_ms: int) -> bool:
    return now_ms - placement.good_unix_ms > placement.limits.at(now_ms).no_data_after_s * 1_000


def _is_before_its_time(placement: Placement, now_ms: int) -> bool:
    """Tell whether the clock was set back to before a probe was placed or spoke last: it is not judged then."""
    return placement.good_unix_ms - now_ms > placement.limits.at(now_ms).no_data_after_s * 1_000


def _is_broken(placement: Placement, latest: _Latest, now_ms: int) -> bool:
    """Tell whether a probe speaks and says only what is no temperature, or what nobody believes."""
    trust, profile = placement.watch.trust, placement.limits.at(now_ms)
    patience_ms, said_ms = profile.gap_after_s * 1_000, latest.get(False, 0)
    is_doubted = trust.doubted_since_unix_ms is not None and now_ms - trust.doubted_since_unix_ms > patience_ms
    tells = {condition.alert for condition in conditions_of(placement.watch, profile, now_ms)}
    is_unusable = said_ms > placement.good_unix_ms and said_ms - placement.good_unix_ms > patience_ms
    return AlertKind.PROBE_FAULT in tells or is_doubted or is_unusable


def _fault_of(placement: Placement, now_ms: int) -> Phrase:
    """Say what is wrong with a broken probe; no fridge leaps."""
    tells = conditions_of(placement.watch, placement.limits.at(now_ms), now_ms)
    return Phrase.IMPOSSIBLE_LEAPS if ProbeCondition.IMPOSSIBLE_RATE in tells else Phrase.CHECK_PROBE


def _latest(connection: Connection) -> Mapping[int | None, _Latest]:
    latest: dict[int | None, dict[bool, int]] = defaultdict(dict)
    for row in connection.execute(select(latest_reading).where(~latest_reading.c.is_last_known)):
        latest[row.probe][row.is_judged] = row.at_unix_ms
    return latest


def _abandoned(connection: Connection, standing: Iterable[Placement]) -> Iterator[tuple[Placement, int]]:
    """Return placements with an excursion that no reading can end any more, and when it is taken to have ended."""
    by_id = {one.placement_id: one for one in standing}
    lasting = connection.execute(
        select(excursion_now.c.placement_id)
        .where(excursion_now.c.ended_unix_ms.is_(None), ~excursion_now.c.is_withdrawn)
        .distinct()
    ).scalars()
    for one in (by_id[placement_id] for placement_id in lasting):
        if one.until_unix_ms is not None:
            yield one, one.until_unix_ms


def _keep_gap(tx: Tx, placement: Placement) -> None:
    gap_id = begin_gap(tx, placement, placement.good_unix_ms)
    keep_open_gap(tx, placement, gap_id)
