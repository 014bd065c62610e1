"""From breaches to excursions: opened, judged again, withdrawn; what stood there is held, and somebody is called."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Connection, exists, func, not_, select, update

from clinic_server.alerts.raising import raise_alarm, recover
from clinic_server.alerts.rules import Alarm, Severity
from clinic_server.alerts.telling import Told
from clinic_server.cold_chain.excursions.following import Followed
from clinic_server.cold_chain.excursions.rules import (
    Known,
    Verdict,
    alert_kind_of,
    is_worse,
    paired,
    told_of,
    verdict_of,
)
from clinic_server.cold_chain.excursions.tables import (
    Excursion,
    ExcursionJudged,
    ExcursionNow,
    excursion,
    excursion_now,
    probe_watch,
)
from clinic_server.cold_chain.judging import Breach, BreachKind
from clinic_server.cold_chain.placements import Placement
from clinic_server.cold_chain.tables import aside_span, from_unix_ms, is_set_aside, probe
from clinic_server.kit.turns import moment_of
from clinic_server.kit.tx import Tx
from clinic_server.stock.holds import released_from
from clinic_server.stock.place_holds import end_place_hold, hold_place, hold_units
from clinic_server.stock.stays import stays_in
from clinic_server.stock.tables import unit_hold, unit_now
from clinic_server.stock.whereabouts import HoldReason

_FIGURES = tuple(name for name in Breach.__dataclass_fields__ if name != "kind")
_MOST_IN_A_QUESTION = 5_000
_COUNTS = not_(is_set_aside(excursion_now.c.turn_seq, excursion_now.c.last_out_unix_ms, excursion_now))


@dataclass(frozen=True, slots=True)
class AsFound:
    """What stands as it was found by readings set aside since: after which turn they came, from when on they lie."""

    placement_id: UUID
    known: Known
    turn_seq: int
    from_unix_ms: int


def judge(tx: Tx, one: Followed) -> None:
    """Bring a placement's excursions to what its readings say now; the caller journals."""
    known = _known(tx.connection, one)
    pairs, gone = paired(known, one.breaches)
    changed = {kind for kind in BreachKind if (kind in one.warned) != (kind in one.placement.warned)}
    for same, breach in pairs:
        if same is None:
            excursion_id = _open(tx, one, breach)
            changed.add(breach.kind)
            if breach.ended_unix_ms is not None:
                _tell_of_the_past(tx, one.placement, breach, excursion_id)
        elif same.breach != breach or same.is_withdrawn:
            verdict = verdict_of(same, breach)
            _go_on(tx, one, same, breach, verdict)
            changed |= {breach.kind} if verdict else set()
    for lost in gone:
        _withdraw(tx, one, lost)
        changed.add(lost.breach.kind)
    _call(tx, one, changed)


def end_abandoned(tx: Tx, placement: Placement, until_ms: int) -> None:
    """End what lasts at a probe that was taken away; the caller journals."""
    now = excursion_now.c
    lasting = tx.execute(
        select(excursion_now).where(
            now.placement_id == placement.placement_id, now.ended_unix_ms.is_(None), ~now.is_withdrawn
        )
    ).all()
    tx.execute(update(probe_watch).where(probe_watch.c.placement_id == placement.placement_id).values(warned=""))
    for row in lasting:
        _end(tx, _known_of(row), until_ms)
    for kind in BreachKind:
        _recover_if_over(tx, placement, kind)


def end_outlived(tx: Tx, placement: Placement, known: Known) -> None:
    """End what lasts as it was found by readings set aside since, with the last of them; the caller journals."""
    _end(tx, known, known.breach.last_out_unix_ms)
    if known.breach.kind not in placement.warned:
        _recover_if_over(tx, placement, known.breach.kind)


def lasting_as_found(connection: Connection) -> Sequence[AsFound]:
    """Return what lasts and rests on readings that are set aside."""
    now, span = excursion_now.c, aside_span.c
    lies_in = (now.last_out_unix_ms >= span.from_unix_ms) & (now.last_out_unix_ms < span.until_unix_ms)
    rows = connection.execute(
        select(excursion_now, span.from_unix_ms)
        .join(aside_span, (span.turn_seq == func.coalesce(now.turn_seq, 0)) & lies_in)
        .where(now.ended_unix_ms.is_(None), ~now.is_withdrawn)
    )
    return [AsFound(row.placement_id, _known_of(row), row.turn_seq or 0, row.from_unix_ms) for row in rows]


def _end(tx: Tx, known: Known, until_ms: int) -> None:
    is_one = excursion_now.c.excursion_id == known.excursion_id
    tx.execute(update(excursion_now).where(is_one).values(ended_unix_ms=until_ms))
    ended = replace(known.breach, ended_unix_ms=until_ms)
    _append_verdict(tx, known.excursion_id, ended, Verdict.ENDED, is_late=False)
    end_place_hold(tx, known.excursion_id)


def _recover_if_over(tx: Tx, placement: Placement, kind: BreachKind) -> None:
    lasts = _worst_open(tx.connection, placement.place_id, kind) is not None
    if not lasts and not _others_warn(tx.connection, placement, kind):
        recover(tx, alert_kind_of(kind), placement.place_code)


def _open(tx: Tx, one: Followed, breach: Breach) -> UUID:
    profile = one.placement.limits.at(breach.alarmed_unix_ms)
    excursion_id = tx.append(
        Excursion,
        placement_id=one.placement.placement_id,
        place_id=one.placement.place_id,
        kind=breach.kind,
        began_at=from_unix_ms(breach.began_unix_ms),
        profile=profile.profile,
        profile_version=profile.version,
        limits=msgspec.json.encode(profile).decode(),
        judged_at=tx.now,
    )
    tx.insert(
        ExcursionNow,
        excursion_id=excursion_id,
        placement_id=one.placement.placement_id,
        kind=breach.kind,
        is_withdrawn=False,
        turn_seq=_came_after(tx),
        **_figures(breach),
    )
    _judged(tx, one, excursion_id, breach, Verdict.OPENED)
    return excursion_id


def _go_on(tx: Tx, one: Followed, same: Known, breach: Breach, verdict: Verdict | None) -> None:
    values = {**_figures(breach), "is_withdrawn": False, "turn_seq": _came_after(tx)}
    tx.execute(update(excursion_now).where(excursion_now.c.excursion_id == same.excursion_id).values(values))
    if verdict is not None:
        _judged(tx, one, same.excursion_id, breach, verdict)
    is_of_the_past = one.is_late or verdict is Verdict.REVISED
    if is_of_the_past and is_worse(same, breach) and _hold_again(tx, one, same.excursion_id, breach):
        _tell_of_the_past(tx, one.placement, breach, same.excursion_id)


def _hold_again(tx: Tx, one: Followed, excursion_id: UUID, breach: Breach) -> int:
    """Hold what stood in it and was released by what an earlier verdict knew; return how many."""
    until = tx.now if breach.ended_unix_ms is None else from_unix_ms(breach.ended_unix_ms)
    stays = stays_in(tx.connection, one.placement.place_id, from_unix_ms(breach.began_unix_ms), until)
    again = released_from(tx.connection, {stay.unit_id for stay in stays}, excursion_id)
    return hold_units(tx, again, HoldReason.TEMPERATURE, cause_id=excursion_id)


def _judged(tx: Tx, one: Followed, excursion_id: UUID, breach: Breach, verdict: Verdict) -> None:
    _append_verdict(tx, excursion_id, breach, verdict, is_late=one.is_late)
    place_id = one.placement.place_id
    ended_at = None if breach.ended_unix_ms is None else from_unix_ms(breach.ended_unix_ms)
    _hold_exposed(tx, excursion_id, place_id, (from_unix_ms(breach.began_unix_ms), ended_at or tx.now))
    if ended_at is None:
        hold_place(tx, place_id, HoldReason.TEMPERATURE, excursion_id)
    else:
        end_place_hold(tx, excursion_id)


def _withdraw(tx: Tx, one: Followed, lost: Known) -> None:
    """Late readings show that it never was; what it holds waits for a named person all the same."""
    _append_verdict(tx, lost.excursion_id, lost.breach, Verdict.WITHDRAWN, is_late=one.is_late)
    tx.execute(update(excursion_now).where(excursion_now.c.excursion_id == lost.excursion_id).values(is_withdrawn=True))
    end_place_hold(tx, lost.excursion_id)


def _append_verdict(tx: Tx, excursion_id: UUID, breach: Breach, verdict: Verdict, *, is_late: bool) -> None:
    tx.append(
        ExcursionJudged,
        excursion_id=excursion_id,
        verdict=verdict,
        severity=breach.severity,
        began_at=from_unix_ms(breach.began_unix_ms),
        last_out_at=from_unix_ms(breach.last_out_unix_ms),
        ended_at=None if breach.ended_unix_ms is None else from_unix_ms(breach.ended_unix_ms),
        min_milli_celsius=breach.min_milli_celsius,
        max_milli_celsius=breach.max_milli_celsius,
        out_ms=breach.out_ms,
        unknown_ms=breach.unknown_ms,
        is_late=is_late,
        judged_at=tx.now,
    )


def _hold_exposed(tx: Tx, excursion_id: UUID, place_id: UUID, span: tuple[datetime, datetime]) -> None:
    """Hold what stood in a place for any of that time and is still here, wherever, if this did not hold it yet."""
    stood = sorted({stay.unit_id for stay in stays_in(tx.connection, place_id, *span)})
    is_held = exists().where(unit_hold.c.unit_id == unit_now.c.unit_id, unit_hold.c.cause_id == excursion_id)
    for first in range(0, len(stood), _MOST_IN_A_QUESTION):
        some = stood[first : first + _MOST_IN_A_QUESTION]
        left = select(unit_now.c.unit_id).where(unit_now.c.unit_id.in_(some), unit_now.c.doses_left > 0, ~is_held)
        hold_units(tx, tx.execute(left).scalars().all(), HoldReason.TEMPERATURE, cause_id=excursion_id)


def _call(tx: Tx, one: Followed, kinds: Iterable[BreachKind]) -> None:
    """Raise, repeat or end the alerts of a place for kinds of which something changed."""
    place = one.placement
    for kind in sorted(kinds):
        lasting = _worst_open(tx.connection, place.place_id, kind)
        warning = next((breach for breach in one.warnings if breach.kind is kind), None)
        if lasting is not None:
            alarm = (lasting.breach.severity, _told(place, lasting.breach), place.place_code, lasting.excursion_id)
            raise_alarm(tx, Alarm(alert_kind_of(kind), *alarm))
        elif warning is not None:
            raise_alarm(tx, Alarm(alert_kind_of(kind), Severity.WARNING, _told(place, warning), place.place_code))
        elif not _others_warn(tx.connection, place, kind):
            recover(tx, alert_kind_of(kind), place.place_code)


def _tell_of_the_past(tx: Tx, place: Placement, breach: Breach, excursion_id: UUID) -> None:
    """Call about what was over when its readings came: the vaccine stood in it all the same."""
    kind = alert_kind_of(breach.kind)
    raise_alarm(tx, Alarm(kind, breach.severity, _told(place, breach), place.place_code, excursion_id))
    if _worst_open(tx.connection, place.place_id, breach.kind) is None:
        recover(tx, kind, place.place_code)


def _told(place: Placement, breach: Breach) -> Told:
    return told_of(breach, place.limits.at(breach.alarmed_unix_ms))


def _worst_open(connection: Connection, place_id: UUID, kind: BreachKind) -> Known | None:
    now = excursion_now.c
    rows = connection.execute(
        select(excursion_now)
        .join(excursion, excursion.c.id == now.excursion_id)
        .where(excursion.c.place_id == place_id, now.kind == kind, now.ended_unix_ms.is_(None), ~now.is_withdrawn)
    )
    severities = list(Severity)
    return max(
        (_known_of(row) for row in rows), key=lambda known: severities.index(known.breach.severity), default=None
    )


def _others_warn(connection: Connection, placement: Placement, kind: BreachKind) -> bool:
    rows = connection.execute(
        select(probe_watch.c.warned)
        .join(probe, probe.c.id == probe_watch.c.placement_id)
        .where(probe.c.place_code == placement.place_code, probe.c.id != placement.placement_id)
    ).scalars()
    return any(kind in warned for warned in rows)


def _known(connection: Connection, one: Followed) -> Sequence[Known]:
    now = excursion_now.c
    rows = connection.execute(
        select(excursion_now).where(
            now.placement_id == one.placement.placement_id, now.last_out_unix_ms >= min(one.since.values()), _COUNTS
        )
    )
    known = (_known_of(row) for row in rows)
    return [each for each in known if _is_judged_anew(each.breach, one.since)]


def _is_judged_anew(breach: Breach, since: Mapping[BreachKind, int]) -> bool:
    return breach.kind in since and breach.last_out_unix_ms >= since[breach.kind]


def _came_after(tx: Tx) -> int | None:
    """Return the clock's last turn, as excursions and readings keep it."""
    return moment_of(tx.connection).seq or None


def _known_of(row: Any) -> Known:
    return Known(row.excursion_id, breach_of(row), row.is_withdrawn)


def breach_of(row: Any) -> Breach:
    """Return what ``ExcursionNow`` keeps as the evaluator says it."""
    return Breach(row.kind, *(getattr(row, name) for name in _FIGURES))


def _figures(breach: Breach) -> dict[str, Any]:
    return {name: getattr(breach, name) for name in _FIGURES}
