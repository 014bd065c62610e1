"""What the ladder does about an alert now: call somebody, or keep silent and say why. Pure, on the server's clock.

A clock that is set never loses a call and never makes a storm: each call counts from the one before, and one
that lies in the future was made before the clock was set back, so that the next is due at once.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from uuid import UUID

from clinic_server.alerts.ladders import TEAM, Ladder
from clinic_server.alerts.rules import AlertFacts, AlertKind, AlertState, DueKind, Hush, Severity

CLOCK_IS_BACK = timedelta(minutes=1)  # less is a clock being kept right
SHELVABLE = frozenset({AlertKind.TOO_WARM, AlertKind.TOO_COLD})  # what an open door explains
_NEVER_OK_AGAIN = frozenset({AlertKind.ADVERSE_EVENT, AlertKind.MANY_SEARCHES, AlertKind.BARRED_VIAL_GIVEN})
_SHORT = 80


@dataclass(frozen=True, slots=True)
class Standing:
    """An open alert as the ladder sees it: its latest call, the first of this climb, and the answer's silence."""

    alert_id: UUID
    kind: AlertKind
    place_code: str
    severity: Severity
    state: AlertState
    round: int = 0
    step: int = 0
    cycle_at: datetime | None = None
    called_at: datetime | None = None
    hushed_at: datetime | None = None
    hushed_until: datetime | None = None
    acknowledged_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """A place somebody works on."""

    place_code: str
    shelved_at: datetime
    until_at: datetime


@dataclass(frozen=True, slots=True)
class Scene:
    """What else holds at the site: places without power ("" is the site), places being worked on, the local time.

    ``called_of`` are the alerts somebody was called about of late or that still stand called, with their places.
    """

    local_time: time
    without_power: frozenset[str] = frozenset()
    shelves: tuple[Shelf, ...] = ()
    latest_openings: tuple[datetime, ...] = ()
    called_of: frozenset[tuple[UUID, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Call:
    """The people of these steps are to be called; ``cycle_at`` is what the steps of this climb count from."""

    round: int
    steps: tuple[int, ...]
    cycle_at: datetime
    due_at: datetime


def hush_of(alert: Standing, scene: Scene, ladder: Ladder, now: datetime) -> Hush | None:
    """Return why an open alert calls nobody now; None means that it calls."""
    if alert.hushed_at and alert.hushed_until and _runs(alert.hushed_at, alert.hushed_until, now):
        return Hush.ACKNOWLEDGED if alert.state is AlertState.ACKNOWLEDGED else Hush.REPLIED
    if is_shelvable(alert.kind, alert.severity) and _is_shelved(alert.place_code, scene.shelves, now):
        return Hush.SHELVED
    if is_inhibited(alert.kind, alert.place_code, scene.without_power):
        return Hush.INHIBITED
    if ladder.climb_of(alert.severity).waits_for_morning and ladder.quiet.covers(scene.local_time):
        return Hush.QUIET_HOURS
    return None


def is_inhibited(kind: AlertKind, place_code: str, without_power: Collection[str]) -> bool:
    """Tell whether lost mains explain an alert: the silence of a place, or one place's mains where the site has none.

    A temperature they never explain away.
    """
    if kind is AlertKind.NO_DATA:
        return bool({"", place_code} & set(without_power))
    return kind is AlertKind.POWER_LOST and place_code != "" and "" in without_power


def is_shelvable(kind: AlertKind, severity: Severity) -> bool:
    """Tell whether work on a place may silence an alert; frozen or far too warm it never does."""
    return kind in SHELVABLE and severity is not Severity.CRITICAL


def call_due(alert: Standing, scene: Scene, ladder: Ladder, now: datetime) -> Call | None:
    """Return the call that is due of an alert that is not hushed."""
    climb = ladder.climb_of(alert.severity)
    team = (TEAM,) if ladder.has_team_for(alert.kind) else ()
    if alert.cycle_at is None or alert.called_at is None:
        return Call(alert.round + 1, (*team, 1), now, _first_due_at(alert, scene, ladder, now))
    is_back = now < alert.called_at - CLOCK_IS_BACK
    if alert.step >= climb.last_step:
        if not is_back and now - alert.called_at < climb.repeat_after:
            return None
        return Call(alert.round + 1, (*team, *range(1, climb.last_step + 1)), now, now)
    if is_back:
        above = ladder.step[alert.step]
        return Call(alert.round, (above.step,), now - above.after, now)
    reached = [one.step for one in ladder.step[alert.step : climb.last_step] if now - alert.cycle_at >= one.after]
    return Call(alert.round, tuple(reached), alert.cycle_at, now) if reached else None


def called(alert: Standing, call: Call, now: datetime) -> Standing:
    """Return an alert after a call: unacknowledged again, should it have been."""
    return replace(
        alert,
        state=AlertState.OPEN,
        round=call.round,
        step=call.steps[-1],
        cycle_at=call.cycle_at,
        called_at=now,
        hushed_at=None,
        hushed_until=None,
    )


def answered(alert: Standing, *, has_comment: bool, ladder: Ladder, now: datetime) -> Standing:
    """Return an alert after somebody answered. A mere reply never shortens the silence that a comment earned."""
    if not has_comment and alert.state is AlertState.ACKNOWLEDGED:
        return alert
    minutes = ladder.silence_after_comment_min if has_comment else ladder.silence_after_reply_min
    return replace(
        alert,
        state=AlertState.ACKNOWLEDGED if has_comment else alert.state,
        cycle_at=None,
        hushed_at=now,
        hushed_until=now + timedelta(minutes=minutes),
        acknowledged_at=now if has_comment else alert.acknowledged_at,
    )


def short_words(kind: DueKind, alerts: Sequence[AlertFacts]) -> str:
    """Say in ASCII what a pager shows; of several alerts as many as fit, and how many more."""
    if kind is DueKind.TEST:
        return "TEST PAGE: PLEASE ANSWER"
    said = [_one(one) for one in alerts]
    begin = {DueKind.RECOVERY: _end_words(alerts), DueKind.REHEARSAL: "REHEARSAL "}.get(kind, "")
    if len(said) == 1:
        return _ascii(f"{begin}{said[0]}")[:_SHORT]
    begin = f"{begin}{len(said)} ALERTS "
    shown = len(said)
    while shown and len(_listed(begin, said, shown)) > _SHORT:
        shown -= 1
    return _ascii(_listed(begin, said, shown))


def _end_words(alerts: Sequence[AlertFacts]) -> str:
    """Say how alerts ended: a person who was cared for need not be well again, and what was seen stays seen."""
    return "OVER " if any(one.kind in _NEVER_OK_AGAIN for one in alerts) else "OK AGAIN "


def _one(alert: AlertFacts) -> str:
    words = (str(alert.number), alert.place_code, alert.kind.upper().replace("_", " "), alert.summary)
    return " ".join(word for word in words if word)


def _listed(begin: str, said: Sequence[str], shown: int) -> str:
    more = f" +{len(said) - shown} MORE" if shown < len(said) else ""
    return f"{begin}{'; '.join(said[:shown])}{more}"


def _ascii(words: str) -> str:
    return words.encode("ascii", "replace").decode()


def _runs(begun_at: datetime, until: datetime, now: datetime) -> bool:
    """Tell whether a silence holds; one begun in the future was begun before the clock was set back, and is over."""
    return begun_at - CLOCK_IS_BACK <= now < until


def _is_shelved(place_code: str, shelves: Sequence[Shelf], now: datetime) -> bool:
    return any(shelf.place_code == place_code and _runs(shelf.shelved_at, shelf.until_at, now) for shelf in shelves)


def _first_due_at(alert: Standing, scene: Scene, ladder: Ladder, now: datetime) -> datetime:
    """Return when the first page of a climb goes out: alerts that come together make one page, but a team runs now.

    Only what somebody was called about already, or a warning, waits for the page of a flood: of a place where nobody
    knows yet that anything is wrong, no flood keeps people from hearing.
    """
    if ladder.has_team_for(alert.kind):
        return now
    is_critical, wait = alert.severity is Severity.CRITICAL, timedelta(seconds=ladder.group_wait_s)
    if not is_flood(scene, ladder, now) or _is_news(alert, scene):
        return now if is_critical else now + wait
    every = timedelta(minutes=ladder.flood.one_page_every_min)
    since_midnight = timedelta(hours=scene.local_time.hour, minutes=scene.local_time.minute)
    return now + (wait if is_critical else every - since_midnight % every)


def _is_news(alert: Standing, scene: Scene) -> bool:
    """Tell whether an alert is more than a warning of a place about which nobody was called by another alert."""
    others = {place_code for alert_id, place_code in scene.called_of if alert_id != alert.alert_id}
    return alert.severity is not Severity.WARNING and alert.place_code not in others


def is_flood(scene: Scene, ladder: Ladder, now: datetime) -> bool:
    """Tell whether so many alerts came of late that they are paged together."""
    since = now - timedelta(minutes=ladder.flood.within_min)
    return sum(since < at <= now for at in scene.latest_openings) > ladder.flood.alerts
