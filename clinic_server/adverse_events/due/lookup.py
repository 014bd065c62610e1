"""The clocks as they run at the connection's moment: time set on the wall is none that passed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from uuid import UUID

from sqlalchemy import Connection, func, select

from clinic_server.adverse_events import deadlines
from clinic_server.adverse_events.due.rules import Awaited, EventTimes, alarm_about, awaited_steps, grounds_of, place_of
from clinic_server.adverse_events.due.tables import clock_called
from clinic_server.adverse_events.lookup import classes_said, open_events
from clinic_server.adverse_events.rules import EventStepKind
from clinic_server.adverse_events.similar.lookup import in_clusters
from clinic_server.adverse_events.tables import adverse_event, event_step
from clinic_server.alerts.contacts import contacts_of
from clinic_server.alerts.raising import open_alerts
from clinic_server.alerts.rules import Alarm, AlertFacts, AlertKind
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.moments import Due, Turn
from clinic_server.kit.turns import moment_of, turns_after
from clinic_server.opening.officer.lookup import officer_id

Calls = Mapping[tuple[UUID, EventStepKind, bool], int]


@dataclass(frozen=True, slots=True)
class Untold:
    """What the alerts do not say yet: calls to make, alarms that call or read otherwise, places where all is done."""

    calls: Sequence[Awaited]
    alarms: Sequence[Alarm]
    over: Sequence[str]

    def __bool__(self) -> bool:
        """Tell whether there is anything to say."""
        return bool(self.calls or self.alarms or self.over)


def clocks_now(connection: Connection, keyring: Keyring, zone: tzinfo) -> Sequence[Awaited]:
    """Return every step that is awaited about an open event, the first due first."""
    now, limits = moment_of(connection).at, deadlines.shipped()
    found = [one for times in _times(connection, keyring) for one in awaited_steps(times, now, limits, zone)]
    return sorted(found, key=lambda one: (one.due_at, one.number))


def untold(connection: Connection, keyring: Keyring, zone: tzinfo) -> Untold:
    """Return what is to be said of the clocks that the alerts do not say."""
    running, made = clocks_now(connection, keyring, zone), _calls_made(connection)
    calls = [one for one in running if one.calls > made.get((one.event_id, one.step, one.is_urgent), 0)]
    calling = {place_of(one.number) for one in calls}
    standing = {one.place_code: one for one in open_alerts(connection) if one.kind is AlertKind.REPORT_DUE}
    wanted = _wanted(running, zone)
    return Untold(
        calls,
        [one for place, one in wanted.items() if place in calling or not _is_said(standing.get(place), one)],
        sorted(set(standing) - set(wanted)),
    )


def called_first(connection: Connection) -> Mapping[AlertKind, frozenset[UUID]]:
    """Return whose own these alerts are: what is to be reported is the reporting officer's (R117)."""
    staff_id = officer_id(connection)
    return {} if staff_id is None else {AlertKind.REPORT_DUE: contacts_of(connection, staff_id)}


def _wanted(running: Sequence[Awaited], zone: tzinfo) -> Mapping[str, Alarm]:
    by_event: dict[UUID, list[Awaited]] = {}
    for one in running:
        by_event.setdefault(one.event_id, []).append(one)
    return {alarm.place_code: alarm for of_one in by_event.values() if (alarm := alarm_about(of_one, zone))}


def _times(connection: Connection, keyring: Keyring) -> Sequence[EventTimes]:
    """Return what the clocks of open events rest on, carried over every turn of the wall clock since."""
    events = open_events(connection)
    event_ids = [one.event_id for one in events]
    filed = select(adverse_event.c.id, adverse_event.c.journal_seq).where(adverse_event.c.id.in_(event_ids))
    seq_of = {row.id: row.journal_seq for row in connection.execute(filed)}
    now_seq = moment_of(connection).seq
    turns = turns_after(connection, min((now_seq, *seq_of.values())))
    said = classes_said(connection, keyring, event_ids)
    taken, clustered = _taken(connection, event_ids, now_seq, turns), in_clusters(connection, event_ids)
    return [
        EventTimes(
            one.event_id,
            one.number,
            _carried(one.discovered_at, seq_of[one.event_id], now_seq, turns),
            grounds_of(said.get(one.event_id, ()), one.care_ended, is_in_cluster=one.event_id in clustered),
            taken.get(one.event_id, {}),
        )
        for one in events
    ]


def _taken(
    connection: Connection, event_ids: Sequence[UUID], now_seq: int, turns: Sequence[Turn]
) -> Mapping[UUID, Mapping[EventStepKind, datetime]]:
    step = event_step.c
    columns = (step.event_id, step.step, step.taken_at, step.journal_seq)
    found: dict[UUID, dict[EventStepKind, datetime]] = {}
    for row in connection.execute(select(*columns).where(step.event_id.in_(event_ids))):
        at = _carried(row.taken_at, row.journal_seq, now_seq, turns)
        found.setdefault(row.event_id, {})[row.step] = at
    return found


def _carried(at: datetime, from_seq: int, to_seq: int, turns: Sequence[Turn]) -> datetime:
    return Due(at, at).carried(from_seq, to_seq, turns).at


def _calls_made(connection: Connection) -> Calls:
    made = clock_called.c
    key = (made.event_id, made.step, made.is_urgent)
    rows = connection.execute(select(*key, func.max(made.calls).label("calls")).group_by(*key))
    return {(row.event_id, row.step, row.is_urgent): row.calls for row in rows}


def _is_said(standing: AlertFacts | None, alarm: Alarm) -> bool:
    return standing is not None and (standing.severity, standing.summary) == (alarm.severity, alarm.summary)
