"""All checks in the order a person would make them; what one cannot ask, the next does not guess."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError
from pydantic_settings import SettingsError

from clinic_server.device_hub.lookup import configured_device
from clinic_server.doctor import hardware, machine, records
from clinic_server.doctor.report import Said, said
from clinic_server.settings import Settings, SiteSettings, refused_names

_SETTINGS_FILE = Path("site.env")


def examine() -> list[Said]:
    """Examine this site from top to bottom."""
    answers = list(machine.program())
    settings = _settings(answers)
    if settings is None:
        answers.append(machine.clock(datetime.now(UTC), None))
    else:
        answers += _site(settings)
    return answers


def _settings(answers: list[Said]) -> Settings | None:
    """Read the settings; a value that is refused may be a secret, so only its name is told."""
    try:
        settings = Settings()
    except ValidationError as refused:
        answers.append(said("settings_wrong", names=", ".join(refused_names(refused))))
    except SettingsError as refused:
        answers.append(said("settings_wrong", names=str(refused)))
    except OSError:
        answers.append(said("settings_unreadable", path=_SETTINGS_FILE.absolute(), user=machine.user_name()))
    else:
        is_named = settings.site.name != SiteSettings.model_fields["name"].default
        answers.append(said("settings_good" if is_named else "settings_unnamed"))
        return settings
    return None


def _site(settings: Settings) -> Iterator[Said]:
    zone = machine.time_zone(settings.site.time_zone)
    yield zone
    seen = records.examine(settings)
    yield from seen.answers
    yield machine.clock(datetime.now(UTC), seen.last_line_at)
    for folder in sorted(machine.folders_of(settings)):
        yield machine.folder(folder)
    yield machine.backups(settings, datetime.now(UTC))
    yield machine.address(settings.server)
    devices = [configured_device(one) for one in settings.devices]
    stored = [one for one in seen.devices or () if one.agent_id is None]
    known_zone = settings.site.time_zone if zone.code == "zone_good" else "UTC"
    specs = [hardware.spec_of(one, known_zone) for one in (*devices, *stored)]
    yield from hardware.of_devices(specs, is_served=seen.is_served)
    if seen.devices is not None:  # else a port might be asked that a device is using
        yield from asyncio.run(hardware.not_set_up(specs))
