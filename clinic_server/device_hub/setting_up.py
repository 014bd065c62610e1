"""What the form of a device that is to be confirmed offers, and what is made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from pydantic import Field

from clinic_server.device_hub.actions import NewDevice
from clinic_server.device_hub.carriers import FoundAt
from clinic_server.device_hub.rules import DEVICE_ID_PATTERN, DeviceOptionRefused
from clinic_server.device_hub.shown import DeviceShown
from clinic_server.kit.call import Form
from clinic_server.staff.actions import StationPlace
from clinic_server.staff.rules import StationKind
from devices.barcode_scanner.feedback import MAKES, NO_MAKE

STATION_FOR: Final[Mapping[str, StationKind]] = MappingProxyType(
    {
        "id_card_reader": StationKind.REGISTRATION,
        "smart_card_reader": StationKind.REGISTRATION,
        "travel_document_reader": StationKind.REGISTRATION,
        "receipt_printer": StationKind.REGISTRATION,
        "barcode_scanner": StationKind.INJECTION,
    }
)


@dataclass(frozen=True, slots=True)
class Choice:
    """An option with few values; the first is the adapter's own."""

    name: str
    values: tuple[str, ...]


CHOICES: Final[Mapping[str, tuple[Choice, ...]]] = MappingProxyType(
    {
        "id_card_reader": (Choice("photo", ("drop", "keep")),),
        "barcode_scanner": (Choice("make", (NO_MAKE, *(make for make in MAKES if make != NO_MAKE))),),
        "receipt_printer": (Choice("columns", ("32", "48")), Choice("cutter", ("yes", "no"))),
    }
)


class DeviceForm(Form):
    """A find to confirm (``found``), or a device typed in with its address. ``options`` are lines of name=value."""

    found: str = Field("", max_length=16)
    kind: str = Field("", max_length=32)
    address: str = Field("", max_length=400, repr=False)
    device_id: str = Field("", max_length=40, pattern=rf"^$|{DEVICE_ID_PATTERN}")
    station: str = Field("", max_length=32)
    options: str = Field("", max_length=2000)
    photo: str = Field("", max_length=4)
    make: str = Field("", max_length=32)
    columns: str = Field("", max_length=2)
    cutter: str = Field("", max_length=3)

    def chosen_options(self) -> Mapping[str, str]:
        """Return the options as one mapping, without those left as the adapter has them."""
        chosen = dict(self._typed_options())
        for choice in (one for choices in CHOICES.values() for one in choices):
            value = getattr(self, choice.name)
            if value and value != choice.values[0]:
                chosen[choice.name] = value
        return chosen

    def _typed_options(self) -> list[tuple[str, str]]:
        lines = [line.strip() for line in self.options.splitlines() if line.strip()]
        pairs = [line.partition("=") for line in lines]
        if any(not equals for _, equals, _ in pairs):
            raise DeviceOptionRefused(findings=["options"], reason="name=value")
        return [(name.strip(), value.strip()) for name, _, value in pairs]


def device_of(form: DeviceForm, at: FoundAt | None) -> NewDevice:
    """Return what is to be confirmed; of a find the form says only where it belongs and how it is set."""
    return NewDevice(
        kind=at.kind_or(form.kind) if at else form.kind,
        address=at.found.url if at else form.address,
        device_id=form.device_id or None,
        station=form.station or None,
        agent_id=at.agent_id if at else None,
        is_simulated=at.found.is_simulated if at else False,
        options=form.chosen_options(),
    )


def station_for(kind: str, places: Sequence[StationPlace], devices: Sequence[DeviceShown]) -> str | None:
    """Return where a device of a kind most likely stands: at the first station of its sort that has none yet."""
    fitting = [place.code for place in places if place.kind is STATION_FOR.get(kind)]
    equipped = {one.station for one in devices if one.kind == kind}
    return next((code for code in fitting if code not in equipped), fitting[0] if fitting else None)
