"""Everything a device can say, as frozen values. Personal fields never show in a repr."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from devices.receipts import Receipt

REJECTED_PAYLOAD_LIMIT: Final = 4096


class DocumentKind(StrEnum):
    """The documents a reader of any kind can read."""

    RESIDENT_ID = "resident_id"
    HK_MACAU_TAIWAN_RESIDENCE_PERMIT = "hk_macau_taiwan_residence_permit"
    FOREIGN_PERMANENT_RESIDENT_2017 = "foreign_permanent_resident_2017"
    FOREIGN_PERMANENT_RESIDENT_2023 = "foreign_permanent_resident_2023"
    SOCIAL_SECURITY_CARD = "social_security_card"
    TAIWAN_NHI_CARD = "taiwan_nhi_card"
    FOREIGN_ID_CARD = "foreign_id_card"
    PASSPORT = "passport"
    HK_MACAU_TRAVEL_PERMIT = "hk_macau_travel_permit"
    TAIWAN_TRAVEL_PERMIT = "taiwan_travel_permit"
    OTHER_TRAVEL_DOCUMENT = "other_travel_document"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdCard:
    """What an identity document says of its holder; empty string or None where it says nothing.

    `sex` is GB/T 2261.1 ("0" unknown, "1" male, "2" female, "9" not stated), `ethnicity_code` GB/T 3304,
    `nationality` and `issuing_country` alpha-3 and only as printed. `valid_for_life` is 长期; then `valid_until` is
    None. `photo` holds the card's own bytes (WLT), and only where the site told the reader to keep it.
    """

    document_kind: DocumentKind
    number: str = field(repr=False)
    name: str = field(repr=False)
    latin_name: str = field(default="", repr=False)
    sex: str = field(default="0", repr=False)
    ethnicity_code: str = field(default="", repr=False)
    nationality: str = field(default="", repr=False)
    born_on: date | None = field(default=None, repr=False)
    address: str = field(default="", repr=False)
    issuer: str = field(default="", repr=False)
    valid_from: date | None = field(default=None, repr=False)
    valid_until: date | None = field(default=None, repr=False)
    valid_for_life: bool = field(default=False, repr=False)
    travel_permit_number: str = field(default="", repr=False)
    issuing_country: str = field(default="", repr=False)
    photo: bytes = field(default=b"", repr=False)


class SampleFault(StrEnum):
    """Why a temperature sample may not be used for a verdict."""

    SENSOR_ERROR = "sensor_error"
    POWER_ON_VALUE = "power_on_value"
    DISCONNECTED = "disconnected"
    NOT_A_NUMBER = "not_a_number"
    OUT_OF_GATE = "out_of_gate"
    CLOCK_WRONG = "clock_wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemperatureSample:
    """One measurement as the probe sent it; (probe_id, boot, seq) is its identity for ever.

    Probes without a sequence use boot 0 and the unix second of the measurement.
    `measured_at` is aware UTC, or None when the probe had no trustworthy clock. A retained sample is only "last known".
    """

    probe_id: str
    boot: int
    seq: int
    measured_at: datetime | None
    uptime_s: int | None
    milli_celsius: int | None
    fault: SampleFault | None
    retained: bool


class DeviceState(StrEnum):
    """How a device is reached."""

    CONNECTING = "connecting"
    ONLINE = "online"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class DeviceStateChanged:
    """A device came or went; `detail` is an error code with its reason, or what the device said about itself."""

    device_id: str
    state: DeviceState
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceDescribed:
    """What a device said about itself; empty or None where it said nothing, which leaves what was known.

    `part` names one of several things behind the device, such as a probe's id; empty is the device itself.
    `identity` is what stays the same on whatever port it hangs: a SAM id, a serial number.
    """

    device_id: str
    part: str = ""
    identity: str = ""
    model: str = ""
    firmware: str = ""
    battery_percent: int | None = None


@dataclass(frozen=True, slots=True)
class CardRead:
    """A card was laid on the reader and read whole."""

    device_id: str
    card: IdCard


@dataclass(frozen=True, slots=True)
class CardUnreadable:
    """A card lies on the reader and cannot be read; `reason` is a code. Said once per laying."""

    device_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class BarcodeScanned:
    """One scan; `symbology` is the AIM identifier such as "]C1", already taken off `text`."""

    device_id: str
    text: str = field(repr=False)
    symbology: str | None


@dataclass(frozen=True, slots=True)
class TemperatureMeasured:
    """One sample; acknowledge the receipt once it is stored."""

    device_id: str
    sample: TemperatureSample
    receipt: Receipt = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SupplyTold:
    """What a probe, or the device that carries several, lives on; None where it does not say.

    `part` is as in DeviceDescribed. `told_at` is aware UTC, None where the message has no trustworthy time. Never of a
    retained message. Acknowledge the receipt once it is stored.
    """

    device_id: str
    part: str
    told_at: datetime | None
    battery_percent: int | None
    is_on_mains: bool | None
    receipt: Receipt = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ProbePresence:
    """A probe's own word, or its last will, that it is there or gone. A hint: only silence proves a lost probe."""

    device_id: str
    probe_id: str
    is_present: bool


@dataclass(frozen=True, slots=True)
class PayloadRejected:
    """The dead letter: a payload nobody can decode, capped; acknowledge the receipt once it is stored."""

    device_id: str
    reason: str
    payload: bytes = field(repr=False)
    receipt: Receipt = field(compare=False, repr=False)
    origin: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "payload", self.payload[:REJECTED_PAYLOAD_LIMIT])


@dataclass(frozen=True, slots=True)
class SlipPrinted:
    """A slip left the printer; without `is_confirmed` it was only sent, to a printer that never answers."""

    device_id: str
    job_id: str
    is_confirmed: bool


@dataclass(frozen=True, slots=True)
class SlipFailed:
    """A slip will not come out of its own accord; `reason` is a code.

    too_old: it waited too long for its printer. unconfirmed: it was sent and nobody knows whether it was printed.
    """

    device_id: str
    job_id: str
    reason: str


Receipted = TemperatureMeasured | SupplyTold | PayloadRejected  # whose sender keeps them until they are stored
DeviceEvent = (
    DeviceStateChanged
    | DeviceDescribed
    | CardRead
    | CardUnreadable
    | BarcodeScanned
    | TemperatureMeasured
    | SupplyTold
    | ProbePresence
    | PayloadRejected
    | SlipPrinted
    | SlipFailed
)
