"""Saying what the clocks of adverse events call for."""

from dataclasses import replace

from clinic_server.adverse_events import deadlines
from clinic_server.adverse_events.due.lookup import untold
from clinic_server.adverse_events.due.rules import place_of
from clinic_server.adverse_events.due.tables import ClockCalled
from clinic_server.adverse_events.rules import ADVERSE_EVENTS
from clinic_server.alerts.raising import raise_alarm, recover
from clinic_server.alerts.rules import AlertKind
from clinic_server.kit.tx import Tx


def tell_clocks(tx: Tx) -> int:
    """Call for every clock that came to a call since the last look, end what was done; return how many called.

    However long nobody looked, a clock calls once: the latest of its calls is the one that counts.
    """
    found = untold(tx.connection, tx.keyring, tx.site.zone)
    causes = {
        place_of(one.number): tx.append(
            ClockCalled,
            event_id=one.event_id,
            step=one.step,
            is_urgent=one.is_urgent,
            calls=one.calls,
            deadlines=deadlines.shipped().name,
            due_at=one.due_at,
            called_at=tx.now,
        )
        for one in found.calls
    }
    for alarm in found.alarms:
        raise_alarm(tx, replace(alarm, cause_id=causes.get(alarm.place_code)))
    for place_code in found.over:
        recover(tx, AlertKind.REPORT_DUE, place_code)
    if found:
        tx.journal("clocks_told", None, ADVERSE_EVENTS)
    return len(found.calls)
