"""The server's own eye on upkeep: readings nobody took, calibrations that ran out, batteries, hours to be sealed."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from clinic_server.alerts.raising import open_alerts, raise_alarm, recover
from clinic_server.alerts.rules import Alarm, AlertKind
from clinic_server.cold_chain.supply.lookup import supply_alarms
from clinic_server.cold_chain.upkeep.hand_readings import missed_alarms
from clinic_server.cold_chain.upkeep.probes import overdue_alarms
from clinic_server.cold_chain.upkeep.rules import to_raise, to_recover
from clinic_server.cold_chain.upkeep.sealing import seal, unsealed_hours
from clinic_server.kit.access import system_actor
from clinic_server.kit.call import House
from clinic_server.kit.tx import Tx
from clinic_server.kit.watcher import Watcher

LOOKS_EVERY_S = 60.0
SEALS_EVERY_S = 600.0  # so that an hour is sealed within ten minutes, and none waits for a round number
_SYSTEM = system_actor("upkeep")


class UpkeepDue(Watcher):
    """Raises and ends the alerts of upkeep between ``async with``."""

    def __init__(self, house: House, every_s: float = LOOKS_EVERY_S) -> None:
        super().__init__("upkeep due", every_s)
        self._house = house

    async def look(self) -> None:
        """Say what is missed or overdue now, and what no longer is."""
        db, zone = self._house.db, self._house.settings.site.zone
        now = db.clock.now()
        if await db.read(lambda connection: any(_changes(connection, now, zone))):
            await db.write(say_what_is_due, _SYSTEM)


class ReadingSeals(Watcher):
    """Seals the readings of every hour that is over between ``async with``."""

    def __init__(self, house: House, every_s: float = SEALS_EVERY_S) -> None:
        super().__init__("reading seals", every_s)
        self._house = house

    async def look(self) -> None:
        """Seal what was received up to the last whole hour; printing it keeps no desk waiting."""
        db = self._house.db
        found = await db.read(lambda connection: unsealed_hours(connection, db.clock.now()))
        if found is not None:
            await db.write(lambda tx: seal(tx, found), _SYSTEM)


def say_what_is_due(tx: Tx) -> None:
    """Raise what nobody has said yet and end what is over, under one line."""
    raised, over = _changes(tx.connection, tx.now, tx.site.zone)
    for alarm in raised:
        raise_alarm(tx, alarm)
    for kind, place_code in over:
        recover(tx, kind, place_code)
    if raised or over:
        tx.journal("upkeep_looked_at")


def _changes(connection: Connection, now: datetime, zone: ZoneInfo) -> tuple[list[Alarm], list[tuple[AlertKind, str]]]:
    standing = open_alerts(connection)
    wanted = {
        AlertKind.MANUAL_READING_MISSED: missed_alarms(connection, now, zone),
        AlertKind.CALIBRATION_DUE: overdue_alarms(connection, now.astimezone(zone).date()),
        **supply_alarms(connection),  # whatever came is judged at once; this is for probes that were moved since
    }
    raised = [alarm for alarms in wanted.values() for alarm in to_raise(alarms, standing)]
    over = [(kind, code) for kind, alarms in wanted.items() for code in to_recover(kind, alarms, standing)]
    return raised, over
