"""What the API and the pages do alike: who may, whose record is read, a card begun, a copy sent."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import Response

from clinic_server.adverse_events.report.card import Card, keys_unknown
from clinic_server.adverse_events.report.copies import copy_of
from clinic_server.adverse_events.report.copy_files import file_of, media_type_of
from clinic_server.adverse_events.report.prefill import begun_card
from clinic_server.adverse_events.report.record import EventRecord, HealthRecord, record_of
from clinic_server.adverse_events.report.seeking import PersonFound, people_by_shown, shown_at
from clinic_server.kit.call import Call, allows
from clinic_server.kit.errors import Malformed, NotPermitted
from clinic_server.people.rules import PersonUnknown
from clinic_server.staff.rules import Role

Reader = Annotated[Call, allows(Role.OBSERVER, Role.VACCINATOR, Role.PHYSICIAN, Role.SITE_LEAD)]
Stepper = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN, Role.SITE_LEAD)]
Writer = Annotated[Call, allows(Role.OBSERVER, Role.PHYSICIAN)]
Physician = Annotated[Call, allows(Role.PHYSICIAN)]
Closer = Annotated[Call, allows(Role.PHYSICIAN, Role.SITE_LEAD)]


def local_now(call: Call) -> datetime:
    """Return the site's wall clock."""
    return call.house.db.clock.now().astimezone(call.house.settings.site.zone)


async def record_for(call: Call, number: int) -> EventRecord:
    """Return the record of an event as the caller may see it."""
    keyring, now, roles = call.house.db.keyring, local_now(call), call.actor.roles
    return await call.read(lambda connection: record_of(connection, keyring, number, now, roles))


def health_of(record: EventRecord) -> HealthRecord:
    """Return what a record says of somebody's health, or raise NotPermitted."""
    if record.health is None:
        raise NotPermitted
    return record.health


def begun(call: Call, record: EventRecord) -> Card:
    """Return the card that stands, or one begun with what the site knows."""
    health = health_of(record)
    if health.versions:
        return health.versions[-1].card
    return begun_card(record, health, call.house.settings.site, call.house.db.clock.now())


def card_of(told: Mapping[str, Any]) -> Card:
    """Return a card as a program sends it, or raise Malformed naming what is wrong with it, never what it said."""
    if strange := keys_unknown(told):
        raise Malformed(findings=strange)
    return convert(lambda: msgspec.convert(told, Card))


def convert(read: Callable[[], Card]) -> Card:
    """Read a card, or raise Malformed naming the field that cannot be meant."""
    try:
        return read()
    except msgspec.ValidationError as refused:
        _, _, path = str(refused).rpartition("`$")
        raise Malformed(findings=(path.strip(".`") or "card",)) from None


async def people_shown(call: Call) -> Sequence[PersonFound]:
    """Return whom the card or code shows that was last read at the caller's station, or raise PersonUnknown."""
    content, keyring = shown_at(call.house.inbox, call.station()), call.house.db.keyring
    found = await call.read(lambda connection: people_by_shown(connection, keyring, content))
    if not found:
        raise PersonUnknown
    return found


async def send_copy(call: Call, export_id: UUID) -> Response:
    """Answer with a copy to whoever took it."""
    keyring, now, staff_id = call.house.db.keyring, local_now(call), call.actor.staff_id
    copy = await call.read(lambda connection: copy_of(connection, keyring, export_id, staff_id, now))
    name = f"report-cards-{now.date()}.{copy.form}"
    return Response(
        file_of(copy, call.house.settings.site.zone),
        media_type=media_type_of(copy.form),
        headers={"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"},
    )
