"""Which steps of setting up a site were taken, asked of its records and settings."""

from collections.abc import Collection, Iterator
from datetime import date, datetime

from sqlalchemy import Connection

from clinic_server.alerts.duties import standing_duties
from clinic_server.backup.making import last_made_at
from clinic_server.cold_chain.actions import overview
from clinic_server.kit.crypto import Keyring
from clinic_server.opening.emergency_kit.lookup import standing_kit
from clinic_server.paging.trust import hearing
from clinic_server.screening.adoption import adoptions
from clinic_server.setting_up.rules import Step
from clinic_server.settings import Settings, SiteSettings
from clinic_server.staff.actions import Member, members, stations
from clinic_server.staff.rules import QualificationKind, Role, StationKind
from clinic_server.stock.actions import products
from clinic_server.stock.usable import usable_lots

_STATIONS_NEEDED = {
    StationKind.REGISTRATION,
    StationKind.SCREENING,
    StationKind.INJECTION,
    StationKind.OBSERVATION,
}


def steps_taken(
    connection: Connection, keyring: Keyring, settings: Settings, today: date, now: datetime
) -> Collection[Step]:
    """Return the steps that were taken."""
    known = dict(_asked(connection, keyring, today, now)) | dict(_set(settings, now))
    return {step for step, is_taken in known.items() if is_taken}


def _asked(connection: Connection, keyring: Keyring, today: date, now: datetime) -> Iterator[tuple[Step, bool]]:
    yield Step.STATIONS, {one.kind for one in stations(connection)} >= _STATIONS_NEEDED
    here = [one for one in members(connection, keyring) if not one.has_ended]
    yield Step.LEAD, any(Role.SITE_LEAD in one.roles for one in here)
    yield Step.PHYSICIAN, _has(here, QualificationKind.PHYSICIAN, today, Role.PHYSICIAN)
    yield Step.VACCINATOR, _has(here, QualificationKind.VACCINATOR, today, Role.VACCINATOR)
    yield Step.EMERGENCY, _has(here, QualificationKind.EMERGENCY, today)
    yield Step.RULE_SET, bool(adoptions(connection))
    yield Step.PRODUCTS, bool(products(connection))
    cold = overview(connection, now).places
    yield Step.PLACES, bool(cold)
    yield Step.PROBES, bool(cold) and all(place.probes for place in cold)
    yield Step.STOCK, bool(usable_lots(connection, today))
    heard = hearing(connection, keyring, now)
    yield Step.CHANNELS, bool(heard.channels)
    yield Step.CONTACTS, heard.people > 0
    yield Step.ROSTER, bool(standing_duties(connection))
    yield Step.KIT, bool(standing_kit(connection))


def _set(settings: Settings, now: datetime) -> Iterator[tuple[Step, bool]]:
    backup = settings.backup
    yield Step.NAME, settings.site.name != SiteSettings.model_fields["name"].default
    yield Step.WALL, bool(settings.wall.token)
    yield Step.BACKUP_KEY, bool(backup.folder and backup.recipient)
    yield Step.BACKUP_MADE, last_made_at(settings, now) is not None


def _has(here: list[Member], kind: QualificationKind, today: date, role: Role | None = None) -> bool:
    """Tell whether somebody holds a certificate that is valid today, and the role that goes with it."""
    return any(
        certificate.kind is kind and certificate.is_valid_on(today)
        for one in here
        if role is None or role in one.roles
        for certificate in one.qualifications
    )
