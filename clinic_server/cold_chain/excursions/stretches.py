"""A server's clock that was set back: what probes say from then on is judged by arrival, in a stretch of its own."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

import msgspec
from sqlalchemy import update

from clinic_server.cold_chain.excursions.tables import ProbeWatch, ReadingGapEnded, probe_watch
from clinic_server.cold_chain.judge import begun
from clinic_server.cold_chain.placements import Placement
from clinic_server.cold_chain.rules import MOST_CLOCK_AHEAD, Limits, Reach
from clinic_server.cold_chain.tables import Probe, ReadingRow, from_unix_ms, to_unix_ms
from clinic_server.kit.tx import Tx

_AHEAD_MS = MOST_CLOCK_AHEAD // timedelta(milliseconds=1)


def begin_anew(tx: Tx, stood: Iterable[Placement], said: Mapping[int | None, Sequence[ReadingRow]]) -> bool:
    """Set each probe into its place anew whose judging lies in the clock's future; tell whether any was.

    No reading is later than its arrival by more than MOST_CLOCK_AHEAD, so that only a clock set back explains it. What
    is measured now belongs to where the probe stands now: mixed with what the same clock had told before, a warm fridge
    would hide among its own cool readings. What was measured earlier is left where its time puts it.
    """
    is_any = False
    for placement in stood:
        live = [row["at_unix_ms"] for row in said[placement.probe] if not row["is_late"]]
        if live and placement.until_unix_ms is None and placement.last_unix_ms - to_unix_ms(tx.now) > _AHEAD_MS:
            _begin(tx, placement, min(live))
            is_any = True
    return is_any


def takes_over(before: Placement, after: Placement | None) -> bool:
    """Tell whether a placement only goes on with another after the clock was set back, and has not come to rest yet.

    Until its readings are in range, what lasted goes on lasting: nothing got better because a clock was set.
    """
    if after is None or after.place_id != before.place_id or after.from_unix_ms >= before.last_unix_ms:
        return False
    good = after.watch.trust.good
    if good is None:
        return True
    limits = Limits.of(after.limits.at(good.at_unix_ms))
    return limits.reach_of(good.milli_celsius) is not Reach.WITHIN


def _begin(tx: Tx, placement: Placement, began_unix_ms: int) -> None:
    at = from_unix_ms(began_unix_ms)
    new_id = tx.append(Probe, probe_id=placement.probe_id, place_code=placement.place_code, assigned_at=at)
    tx.insert(
        ProbeWatch,
        placement_id=new_id,
        last_unix_ms=began_unix_ms,
        warned=placement.warned,
        open_gap_id=None,
        watch=msgspec.msgpack.encode(begun(placement.limits.at(began_unix_ms))),
    )
    if placement.open_gap_id is not None:
        until_at = from_unix_ms(max(began_unix_ms, placement.good_unix_ms))
        tx.append(ReadingGapEnded, gap_id=placement.open_gap_id, until_at=until_at, noted_at=tx.now)
    is_before = probe_watch.c.placement_id == placement.placement_id
    tx.execute(update(probe_watch).where(is_before).values(warned="", open_gap_id=None))
