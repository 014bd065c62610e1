"""What a clock dated that was set back since: set aside, so that it neither hides nor delays what is dated like it.

Which of two clocks was right, a server cannot know. What was found by the earlier one stays found: units stay held, and
what lasted lasts until readings by the clock as it is now have ended it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select

from clinic_server.alerts.raising import raise_alarm
from clinic_server.alerts.rules import Alarm, AlertKind, Severity
from clinic_server.alerts.telling import Phrase, tell
from clinic_server.cold_chain.course.tables import IS_JUDGED, rebuild_hours_of
from clinic_server.cold_chain.excursions.following import go_back, points_after
from clinic_server.cold_chain.excursions.gaps import end_gap
from clinic_server.cold_chain.excursions.judgement import keep_as_found, lasting_by_an_earlier_clock
from clinic_server.cold_chain.excursions.rules import Known
from clinic_server.cold_chain.judge import followed, lasting
from clinic_server.cold_chain.placements import Placement, placements_of
from clinic_server.cold_chain.rules import COLD_CHAIN, MOST_CLOCK_AHEAD
from clinic_server.cold_chain.tables import (
    IDENTITY,
    IS_OF_THIS_CLOCK,
    ReadingsSetAside,
    keep_latest,
    latest_reading,
    reading,
    set_aside_reading,
    to_unix_ms,
)
from clinic_server.kit.turns import moment_of, turns_after
from clinic_server.kit.tx import Tx

_TOLERANCE_MS: Final = MOST_CLOCK_AHEAD.total_seconds() * 1_000  # so far a probe's own clock may date it ahead of now


def probes_ahead(connection: Connection, now_ms: int) -> Sequence[int]:
    """Return the probes whose latest reading is dated so far after now that the clock was set back since."""
    latest = latest_reading.c
    ahead = select(latest.probe).where(latest.at_unix_ms > now_ms + _TOLERANCE_MS)
    return connection.execute(ahead.distinct().order_by(latest.probe)).scalars().all()


def set_aside(tx: Tx) -> None:
    """Set aside what is dated after now where the clock was set back, under a line of its own, and say so."""
    now_ms = to_unix_ms(tx.now)
    probes = probes_ahead(tx.connection, now_ms)
    if not probes:
        return
    for number in probes:
        _set_aside(tx, number, now_ms)
    for placement in placements_of(tx.connection, probes):
        if placement.watch.heard is not None and placement.last_unix_ms > now_ms:
            _go_on_from(tx, placement, now_ms)
    tx.journal("readings_set_aside", None, COLD_CHAIN)


def outlived(connection: Connection, here: Iterable[Placement]) -> Iterator[tuple[Placement, Known]]:
    """Return what lasted by an earlier clock and was ended by the readings since, each with its placement."""
    by_id = {one.placement_id: one for one in here}
    for placement_id, known, set_at in lasting_by_an_earlier_clock(connection):
        placement = by_id.get(placement_id)
        points = points_after(connection, placement, to_unix_ms(set_at)) if placement else ()
        if placement and points:
            profile = placement.limits.at(points[-1].at_unix_ms)
            if followed(lasting(profile, known.breach.kind), profile, points).breaches:
                yield placement, known


def _set_aside(tx: Tx, number: int, now_ms: int) -> None:
    later = (reading.c.probe == number, reading.c.at_unix_ms > now_ms, IS_OF_THIS_CLOCK)
    readings = tx.execute(select(func.count()).select_from(reading).where(*later)).scalar_one()
    tx.append(ReadingsSetAside, probe=number, after_at=tx.now, readings=readings)
    tx.execute(insert(set_aside_reading).from_select(["probe", "boot", "seq"], select(*IDENTITY).where(*later)))
    rebuild_hours_of(tx.connection, number, now_ms)
    tx.execute(delete(latest_reading).where(latest_reading.c.probe == number, latest_reading.c.at_unix_ms > now_ms))
    keep_latest(tx.connection, _latest_judged(tx.connection, number))


def _latest_judged(connection: Connection, number: int) -> Sequence[dict[str, Any]]:
    said = reading.c
    columns = (*IDENTITY, said.at_unix_ms, said.milli_celsius, said.fault)
    rows = connection.execute(
        select(*columns).where(said.probe == number, IS_JUDGED).order_by(said.at_unix_ms.desc()).limit(1)
    )
    return [{**row, "is_judged": True, "is_last_known": False} for row in rows.mappings()]


def _go_on_from(tx: Tx, placement: Placement, now_ms: int) -> None:
    """Keep what was found, end the gap that was open by the earlier clock, and judge as it stood at the present."""
    keep_as_found(tx, placement, now_ms)
    if placement.open_gap_id is not None:
        end_gap(tx, placement.open_gap_id, max(placement.good_unix_ms, _set_back_from_ms(tx.connection)))
    go_back(tx, placement, now_ms)
    if placement.until_unix_ms is None:
        told = tell(Phrase.READINGS_SET_ASIDE)
        raise_alarm(tx, Alarm(AlertKind.CLOCK_WRONG, Severity.WARNING, told, placement.place_code))


def _set_back_from_ms(connection: Connection) -> int:
    """Return what the clock showed when it was turned last, or 0 where that is not known."""
    turns = turns_after(connection, moment_of(connection).seq - 1)
    return to_unix_ms(turns[-1].from_at) if turns else 0
