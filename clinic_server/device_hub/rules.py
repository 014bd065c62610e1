"""Who may set up which device, what it is called, what can be asked of it, and why it was refused."""

import re
from collections.abc import Collection, Mapping
from enum import StrEnum
from posixpath import normpath
from types import MappingProxyType
from typing import Final
from urllib.parse import unquote, urlsplit

from clinic_server.kit.errors import ClinicError, Conflict, NotFound, Refused

DEVICE_ID_PATTERN: Final = r"^[a-z0-9][a-z0-9-]{0,39}$"
SHORT_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "id_card_reader": "reader",
        "smart_card_reader": "card",
        "travel_document_reader": "passport",
        "barcode_scanner": "scanner",
        "fridge_probe": "probes",
        "receipt_printer": "printer",
    }
)
SHARED_LINES: Final = frozenset({"fridge_probe"})  # many subscriptions may hang on one broker; a port has one owner


class TrialKind(StrEnum):
    """What a test button asks for."""

    CARD = "card"
    SCAN = "scan"
    TEMPERATURE = "temperature"
    SLIP = "slip"


TRIALS: Final[Mapping[str, TrialKind]] = MappingProxyType(
    {
        "id_card_reader": TrialKind.CARD,
        "smart_card_reader": TrialKind.CARD,
        "travel_document_reader": TrialKind.CARD,
        "barcode_scanner": TrialKind.SCAN,
        "fridge_probe": TrialKind.TEMPERATURE,
        "receipt_printer": TrialKind.SLIP,
    }
)


class DeviceIdTaken(Conflict):
    """A device of this site has, or once had, this name."""

    code = "device_id_taken"


class DeviceAddressTaken(Conflict):
    """Another device is attended at this address already."""

    code = "device_address_taken"


class DeviceUnknown(NotFound):
    """No device of this site has this name, or it was retired."""

    code = "device_unknown"


class FoundDeviceGone(NotFound):
    """What was found is not there any more, or was set up meanwhile."""

    code = "found_device_gone"


class DeviceFromSettings(Conflict):
    """The settings file names this device; only there it can be taken away."""

    code = "device_from_settings"


class DeviceHasNoTrial(Refused):
    """Nothing can be asked of a device of this kind."""

    code = "device_has_no_trial"


class DeviceAway(Conflict):
    """The device is not connected, so it cannot be tested."""

    code = "device_away"


class DeedUnknown(Refused):
    """A real device is served by hand, and a simulated one can do only some things."""

    code = "deed_unknown"


class StationUnknown(Refused):
    """No such station at this site."""

    code = "device_station_unknown"


class DeskPcUnknown(Refused):
    """No desk PC with this number is paired."""

    code = "desk_pc_unknown"


class DeviceRefused(Refused):
    """A description by which no device can work; ``reason`` is the adapter's own sentence."""

    code = "device_refused"


class DeviceKindRefused(DeviceRefused):
    """No adapter serves this kind."""

    code = "device_kind_refused"


class DeviceAddressRefused(DeviceRefused):
    """The address can never be opened."""

    code = "device_address_refused"


class DeviceOptionRefused(DeviceRefused):
    """An option is unknown or has a value it cannot have."""

    code = "device_option_refused"


REFUSALS: Final[Mapping[str, type[ClinicError]]] = MappingProxyType(
    {"kind": DeviceKindRefused, "address": DeviceAddressRefused, "option": DeviceOptionRefused}
)


def may_set_up(kind: str, roles: Collection[str]) -> bool:
    """Tell whether someone with these roles sets up, tests and retires devices of a kind."""
    return bool({"owner", "site_lead"} & set(roles)) or (kind == "fridge_probe" and "cold_chain_keeper" in roles)


def name_for(kind: str, station: str | None, taken: Collection[str]) -> str:
    """Return a friendly name nobody has: desk-1-reader, then desk-1-reader-2."""
    what = SHORT_NAMES.get(kind, re.sub(r"[^a-z0-9]+", "-", kind.lower()).strip("-") or "device")
    stem = f"{station}-{what}"[:36] if station else what
    names = (stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def is_made_up(address: str) -> bool:
    """Tell whether an address leads into a process and not to hardware: whoever hangs there is simulated."""
    return address.partition(":")[0].lower() == "memory"


def leaves_dev(address: str) -> bool:
    """Tell whether a file address leads out of /dev: what is printed there would be written over the server's files."""
    parts = urlsplit(address)
    return parts.scheme == "file" and not normpath(unquote(parts.path)).startswith("/dev/")


def fault_code(detail: str, known: Collection[str]) -> str:
    """Return under which known code a device's detail is explained: exactly, or by what stands before its colon."""
    code = detail.partition(": ")[0]
    return next((one for one in (detail, code) if one in known), "device_error")
