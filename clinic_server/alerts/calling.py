"""What the ladder decided becomes records and due pages, in one transaction."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select, update

from clinic_server.alerts.duties import roster_of
from clinic_server.alerts.ladder import Call, Scene, Standing, call_due, called, hush_of
from clinic_server.alerts.ladders import Ladder, Step, shipped
from clinic_server.alerts.outbox import About, add_due, drop_pages
from clinic_server.alerts.roster import Roster, people_to_call
from clinic_server.alerts.rules import ALERTS, AlertKind, DueKind, Severity
from clinic_server.alerts.shelving import standing_shelves
from clinic_server.alerts.tables import STANDS, AlertCalled, alert_now
from clinic_server.kit.tx import Tx

CalledFirst = Callable[[Connection], Mapping[AlertKind, frozenset[UUID]]]


@dataclass(frozen=True, slots=True)
class Turn:
    """What the ladder does about one alert: a call, or the end of a climb because it is hushed."""

    alert: Standing
    call: Call | None


@dataclass(frozen=True, slots=True)
class Callees:
    """Who is called by which ladder: those on duty, and before them whose own the alerts of some kinds are."""

    ladder: Ladder
    roster: Roster
    owners: Mapping[AlertKind, frozenset[UUID]] = field(default_factory=dict)

    def of(self, alert: Standing, step: Step, at: datetime) -> frozenset[UUID]:
        """Return who is called of a step at a local wall time; a climb begins with the alert's owners, if any."""
        owners = self.owners.get(alert.kind) if step.step == 1 and alert.cycle_at is None else None
        return owners or people_to_call(self.roster, step, at)


def nobody_first(connection: Connection) -> Mapping[AlertKind, frozenset[UUID]]:  # noqa: ARG001  # as asked
    """Return that every climb begins with the people of step 1."""
    return {}


def take_turns(tx: Tx, called_first: CalledFirst = nobody_first) -> int:
    """Call whom the ladder says, and stop climbing where an alert is hushed; return how many alerts it was about.

    ``called_first`` tells whose own an alert of some kind is: a climb begins with them instead of step 1.
    """
    turns = turns_due(tx.connection, tx.now, tx.site.zone)
    callees = Callees(shipped(), roster_of(tx.connection), called_first(tx.connection))
    for turn in turns:
        if turn.call is None:
            drop_pages(tx, turn.alert.alert_id)
            keep_standing(tx, replace(turn.alert, cycle_at=None))
        else:
            _make_call(tx, turn.alert, turn.call, callees)
    if turns:
        tx.journal("alerts_called", None, ALERTS)
    return len(turns)


def call_at_once(tx: Tx, alert_id: UUID) -> None:
    """Call whom the ladder calls first of an alert, in the transaction that raised it; the caller journals.

    Somebody in need does not wait for the ladder's next look, nor for a server that has to start again first.
    """
    callees, scene = Callees(shipped(), roster_of(tx.connection)), scene_at(tx.connection, tx.now, tx.site.zone)
    for alert in standing_alerts(tx.connection):
        if alert.alert_id == alert_id and (call := call_due(alert, scene, callees.ladder, tx.now)):
            _make_call(tx, alert, call, callees)


def turns_due(connection: Connection, now: datetime, zone: ZoneInfo) -> Sequence[Turn]:
    """Return what the ladder has to do now."""
    alerts = standing_alerts(connection)
    scene, ladder = scene_at(connection, now, zone), shipped()
    return list(_turns(alerts, scene, ladder, now))


def standing_alerts(connection: Connection) -> Sequence[Standing]:
    """Return every open alert as the ladder sees it, in the order they were opened."""
    columns = (alert_now.c[name] for name in Standing.__dataclass_fields__)
    is_open = STANDS
    rows = connection.execute(select(*columns).where(is_open).order_by(alert_now.c.number))
    return [Standing(*row) for row in rows]


def scene_at(connection: Connection, now: datetime, zone: ZoneInfo) -> Scene:
    """Return what else holds at the site."""
    lately = now - timedelta(minutes=shipped().flood.within_min)
    openings = connection.execute(select(alert_now.c.opened_at).where(alert_now.c.opened_at > lately)).scalars()
    unpowered = connection.execute(
        select(alert_now.c.place_code).where(STANDS, alert_now.c.kind == AlertKind.POWER_LOST)
    ).scalars()
    still = STANDS & alert_now.c.called_at.is_not(None)
    called_of = connection.execute(
        select(alert_now.c.alert_id, alert_now.c.place_code).where(
            (alert_now.c.called_at > lately) | still, alert_now.c.severity != Severity.WARNING
        )
    )
    return Scene(
        now.astimezone(zone).time(),
        frozenset(unpowered),
        tuple(one.shelf for one in standing_shelves(connection, now)),
        tuple(openings),
        frozenset((row.alert_id, row.place_code) for row in called_of),
    )


def keep_standing(tx: Tx, alert: Standing) -> None:
    """Keep how an alert stands with the ladder."""
    values = {name: value for name, value in asdict(alert).items() if name not in {"alert_id", "kind", "place_code"}}
    tx.execute(update(alert_now).where(alert_now.c.alert_id == alert.alert_id).values(values))


def _turns(alerts: Sequence[Standing], scene: Scene, ladder: Ladder, now: datetime) -> Iterator[Turn]:
    for alert in alerts:
        if hush_of(alert, scene, ladder, now) is None:
            call = call_due(alert, scene, ladder, now)
            if call is not None:
                yield Turn(alert, call)
        elif alert.cycle_at is not None:
            yield Turn(alert, None)


def _make_call(tx: Tx, alert: Standing, call: Call, callees: Callees) -> None:
    """Make a page due to everybody of the call's steps, one to each; a page not sent yet is not sent twice."""
    kind = DueKind.REHEARSAL if alert.kind is AlertKind.REHEARSAL else DueKind.PAGE
    at, told = tx.now.astimezone(tx.site.zone).replace(tzinfo=None), set[UUID]()
    for step in (one for one in callees.ladder.every_step if one.step in call.steps):
        people = callees.of(alert, step, at) - told
        told |= people
        record = {"alert_id": alert.alert_id, "round": call.round, "step": step.step, "ladder": callees.ladder.name}
        tx.append(AlertCalled, **record, people=len(people), called_at=tx.now)
        add_due(tx, About(alert.alert_id, kind, call.round, step.step), people, call.due_at)
    keep_standing(tx, called(alert, call, tx.now))
