"""What the pages and the API show of alerts: open ones with who was called, one's whole story, the roster's holes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from clinic_server.alerts.answering import needs_comment
from clinic_server.alerts.calling import scene_at, standing_alerts
from clinic_server.alerts.duties import roster_of
from clinic_server.alerts.ladder import hush_of
from clinic_server.alerts.ladders import shipped
from clinic_server.alerts.lookup import alerts_where, told_by
from clinic_server.alerts.roster import Hole, holes
from clinic_server.alerts.rules import (
    OF_TEMPERATURE,
    SEVEREST_FIRST,
    AlertFacts,
    AlertUnknown,
    AnswerWay,
    CloseReason,
    DueKind,
    DueState,
    Hush,
    Severity,
)
from clinic_server.alerts.shelving import ShelvedPlace, standing_shelves
from clinic_server.alerts.tables import (
    STANDS,
    alert_answered,
    alert_called,
    alert_closed,
    alert_now,
    alert_said,
    alert_told,
    page_due,
)
from clinic_server.alerts.telling import Told

OVER_IS_SHOWN_FOR = timedelta(days=7)
MOST_OVER = 50


@dataclass(frozen=True, slots=True)
class AlertShown:
    """An open alert, why it is silent if so, how many people were called, and how far its latest call got.

    ``said_at`` is from when its summary is: what is measured now may be something else.
    """

    facts: AlertFacts
    said_at: datetime
    hush: Hush | None
    needs_comment: bool
    step: int
    called_at: datetime | None
    people: int
    sent: int


@dataclass(frozen=True, slots=True)
class AlertsNow:
    """Every open alert, the severest first, places being worked on, and what was over of late."""

    open: Sequence[AlertShown]
    shelves: Sequence[ShelvedPlace]
    over: Sequence[AlertFacts]


@dataclass(frozen=True, slots=True)
class Said:
    """What was known of an alert from then on."""

    at: datetime
    severity: Severity
    told: Told


@dataclass(frozen=True, slots=True)
class Called:
    """A call of the ladder; nobody could be called where ``people`` is 0."""

    at: datetime
    round: int
    step: int
    ladder: str
    people: int


@dataclass(frozen=True, slots=True)
class AnsweredBy:
    """An answer, by one of the staff or by a contact."""

    at: datetime
    way: AnswerWay
    comment: str | None
    staff_id: UUID | None
    contact_id: UUID | None


@dataclass(frozen=True, slots=True)
class PageTo:
    """One page and how far it is; ``is_reached`` is what its service said."""

    due_at: datetime
    kind: DueKind
    round: int
    step: int
    contact_id: UUID
    state: DueState
    tries: int
    is_reached: bool | None


@dataclass(frozen=True, slots=True)
class Story:
    """All that happened to one alert; ``excursion_id`` is the record of the cold chain behind it, if there is one."""

    facts: AlertFacts
    excursion_id: UUID | None
    hush: Hush | None
    needs_comment: bool
    said: Sequence[Said]
    calls: Sequence[Called]
    answers: Sequence[AnsweredBy]
    pages: Sequence[PageTo]
    closed_at: datetime | None
    closed_for: CloseReason | None
    closed_by: UUID | None


def _excursion_behind(connection: Connection, facts: AlertFacts) -> UUID | None:
    if facts.kind not in OF_TEMPERATURE:
        return None
    cause = select(alert_now.c.cause_id).where(alert_now.c.alert_id == facts.alert_id)
    excursion_id: UUID | None = connection.execute(cause).scalar_one()
    return excursion_id


def alerts_now(connection: Connection, now: datetime, zone: ZoneInfo) -> AlertsNow:
    """Return how alerts stand."""
    is_open = STANDS
    hushes = hushes_at(connection, now, zone)
    shown = [_shown(connection, facts, hushes[facts.alert_id]) for facts in alerts_where(connection, is_open)]
    shown.sort(key=lambda one: (one.hush is not None, SEVEREST_FIRST.index(one.facts.severity), -one.facts.number))
    lately = alert_now.c.opened_at > now - OVER_IS_SHOWN_FOR
    over = alerts_where(connection, ~is_open, lately)[:MOST_OVER]
    return AlertsNow(shown, standing_shelves(connection, now), over)


def story_of(connection: Connection, number: int, now: datetime, zone: ZoneInfo) -> Story:
    """Return all that happened to an alert, or raise AlertUnknown."""
    found = alerts_where(connection, alert_now.c.number == number)
    if not found:
        raise AlertUnknown
    alert_id = found[0].alert_id
    return Story(
        found[0],
        _excursion_behind(connection, found[0]),
        hushes_at(connection, now, zone).get(alert_id),
        needs_comment(connection, alert_id),
        _said(connection, alert_id),
        _calls(connection, alert_id),
        _answers(connection, alert_id),
        _pages(connection, alert_id),
        *_end(connection, alert_id),
    )


def _said(connection: Connection, alert_id: UUID) -> list[Said]:
    said = alert_said.c
    asked = select(said.said_at, said.severity, said.summary, alert_told.c.phrase, alert_told.c.figures_json)
    asked = asked.outerjoin(alert_told, alert_told.c.said_id == said.id).where(said.alert_id == alert_id)
    rows = connection.execute(asked.order_by(said.journal_seq))
    return [Said(row.said_at, row.severity, told_by(row)) for row in rows]


def _calls(connection: Connection, alert_id: UUID) -> list[Called]:
    call = alert_called.c
    columns = (call.called_at, call.round, call.step, call.ladder, call.people)
    rows = connection.execute(select(*columns).where(call.alert_id == alert_id).order_by(call.round, call.step))
    return [Called(*row) for row in rows]


def _answers(connection: Connection, alert_id: UUID) -> list[AnsweredBy]:
    answer = alert_answered.c
    columns = (answer.answered_at, answer.way, answer.comment, answer.staff_id, answer.contact_id)
    rows = connection.execute(select(*columns).where(answer.alert_id == alert_id).order_by(answer.journal_seq))
    return [AnsweredBy(*row) for row in rows]


def _pages(connection: Connection, alert_id: UUID) -> list[PageTo]:
    page = page_due.c
    columns = (page[name] for name in PageTo.__dataclass_fields__)
    rows = connection.execute(select(*columns).where(page.alert_id == alert_id).order_by(page.due_at, page.id))
    return [PageTo(*row) for row in rows]


def _end(connection: Connection, alert_id: UUID) -> Sequence[Any]:
    """Return when, why and by whom it was closed; nothing of one that is open."""
    end = alert_closed.c
    row = connection.execute(select(end.closed_at, end.reason, end.closed_by).where(end.alert_id == alert_id)).first()
    return row or (None, None, None)


def hushes_at(connection: Connection, now: datetime, zone: ZoneInfo) -> Mapping[UUID, Hush | None]:
    """Return why each open alert calls nobody now, None where it calls."""
    scene, ladder = scene_at(connection, now, zone), shipped()
    return {one.alert_id: hush_of(one, scene, ladder, now) for one in standing_alerts(connection)}


def holes_ahead(connection: Connection, now: datetime, zone: ZoneInfo) -> Sequence[Hole]:
    """Return when the steps of the ladder have too few people in the days to come, by the site's wall clock."""
    local = now.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0)
    return holes(roster_of(connection), shipped().every_step, local)


def _shown(connection: Connection, facts: AlertFacts, hush: Hush | None) -> AlertShown:
    is_its_page = (page_due.c.alert_id == facts.alert_id, page_due.c.kind != DueKind.RECOVERY)
    people, sent = (
        connection.execute(
            select(func.count(page_due.c.contact_id.distinct())).where(*is_its_page, *conditions)
        ).scalar_one()
        for conditions in ((), (page_due.c.is_reached.is_(True),))
    )
    row = connection.execute(
        select(alert_now.c.step, alert_now.c.called_at).where(alert_now.c.alert_id == facts.alert_id)
    ).one()
    said_at = connection.execute(
        select(func.max(alert_said.c.said_at)).where(alert_said.c.alert_id == facts.alert_id)
    ).scalar_one()
    return AlertShown(
        facts, said_at, hush, needs_comment(connection, facts.alert_id), row.step, row.called_at, people, sent
    )
