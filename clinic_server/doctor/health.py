"""What a serving site says of itself: the doctor's questions that need no stop, and how what runs inside it does."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from clinic_server.audit.lookup import last_check
from clinic_server.device_hub.hub import hub_of
from clinic_server.doctor import machine, records
from clinic_server.doctor.report import Said, said, verdict_of
from clinic_server.kit.call import Call, House
from clinic_server.kit.journal import last_line_at
from clinic_server.kit.labels import Tone
from clinic_server.paging.path import AlarmPath
from clinic_server.paging.shown import deafness_now


class Organ(StrEnum):
    """A part of the site's health."""

    RECORDS = "records"
    BACKUPS = "backups"
    ALARMS = "alarms"
    DEVICES = "devices"
    MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one organ."""

    organ: Organ
    answers: Sequence[Said]

    @property
    def verdict(self) -> Tone:
        """The worst that was found."""
        return verdict_of(self.answers)


async def health(call: Call) -> Sequence[Finding]:
    """Look at everything that can be asked of a serving site."""
    house = call.house
    now = house.db.clock.now()
    return [
        Finding(Organ.RECORDS, await call.read(lambda connection: list(_records(connection, house)))),
        Finding(Organ.BACKUPS, [await asyncio.to_thread(machine.backups, house.settings, now)]),
        Finding(Organ.ALARMS, await _alarms(call)),
        Finding(Organ.DEVICES, list(_devices(call))),
        Finding(Organ.MACHINE, await asyncio.to_thread(lambda: list(_machine(house)))),
    ]


def _records(connection: Connection, house: House) -> Iterator[Said]:
    yield said("recording" if house.db.is_recording else "recording_stopped")
    checked = last_check(connection)
    if checked is None:
        yield said("journal_unchecked")
    else:
        code = "journal_faulty" if checked.faults else "journal_good"
        yield said(code, day=f"{checked.checked_at:%Y-%m-%d}", faults=checked.faults, since=checked.lines_since)
    yield from records.told_by(connection, last_line_at(connection))


async def _alarms(call: Call) -> Sequence[Said]:
    path: AlarmPath = call.request.app.state.alarm_path
    dead = await path.heartbeat.dead_parts()
    deaf = await deafness_now(call)
    return [
        said("alarm_path_dead", names=", ".join(dead)) if dead else said("alarm_path_good"),
        *(Said(reason.value, group="deafness") for reason in deaf),
        *([] if deaf else [said("pagers_good")]),
    ]


def _devices(call: Call) -> Iterator[Said]:
    shown = hub_of(call).shown()
    if not shown:
        yield said("devices_none")
    unwell = [one.device_id for one in shown if not one.is_well]
    if unwell:
        yield said("devices_unwell", names=", ".join(unwell), count=len(unwell))
    if len(shown) > len(unwell):
        yield said("devices_well", count=len(shown) - len(unwell))


def _machine(house: House) -> Iterator[Said]:
    yield from machine.program()
    yield machine.clock(house.db.clock.now(), None)
    for folder in sorted(machine.folders_of(house.settings)):
        yield machine.folder(folder)
