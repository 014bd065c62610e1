"""What a desk PC and its server say to each other, as values and as JSON; read by both sides.

Up go moments (once, with their age), durable events (in batches, until answered) and the desk's health;
down comes a stream of lines: the devices to attend, words for them, and a tick that proves the line.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from devices.adapter import DeviceSpec
from devices.agent.form import BadMessage, Form
from devices.events import (
    BarcodeScanned,
    CardRead,
    CardUnreadable,
    DeviceDescribed,
    DeviceEvent,
    DeviceState,
    DeviceStateChanged,
    IdCard,
    PayloadRejected,
    ProbePresence,
    Receipted,
    SlipFailed,
    SlipPrinted,
    SupplyTold,
    TemperatureMeasured,
    TemperatureSample,
)
from devices.finding import Found
from devices.words import DeviceWord, Pair, Picture, PrintSlip, Qr, Rule, Slip, Text

MOST_EVENT_BYTES: Final = 64_000  # a card with its photo is a tenth of it
MOST_BATCH_BYTES: Final = 500_000  # below what the server takes of any body
MOST_IN_A_BATCH: Final = 200
MOST_LINE_BYTES: Final = 500_000
PERISHES_AFTER_S: Final = 30.0
TICK_S: Final = 5.0
SILENT_AFTER_S: Final = 12.0  # two ticks missed: the line is dead, whatever TCP says

Durable = Receipted | SlipPrinted | SlipFailed


class SpoolTrouble(StrEnum):
    """What is wrong with the place where a desk PC keeps what was not answered."""

    NONE = ""
    FULL = "full"
    FAILED = "failed"
    SET_ASIDE = "set_aside"


@dataclass(frozen=True, slots=True)
class Moment:
    """An event that is worth something now or never; `id` lets nobody hand it in twice."""

    id: str
    age_ms: int
    event: DeviceEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a device at the desk measured of the person there, with its age; worth something now or never, once by `id`.

    `device` is what the desk calls it. Milli-degrees Celsius, and millimetres of mercury.
    """

    id: str
    age_ms: int
    device: str
    milli_celsius: int | None = field(default=None, repr=False)
    systolic_mmhg: int | None = field(default=None, repr=False)
    diastolic_mmhg: int | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """A durable event under its id for ever; each is read by itself, so that one cannot spoil others."""

    id: str
    event: msgspec.Raw = field(repr=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """Durable events in their order; sent again unchanged until it is answered."""

    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """How a device at the desk stands; the server knows its description."""

    device_id: str
    state: DeviceState
    detail: str
    since: datetime
    last_event_at: datetime | None = None
    described: Mapping[str, DeviceDescribed] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a desk PC is; `run` names its process; `heard_seq` is the last word it heard of the server's `server_run`.

    `recorded` is what the server last said it had recorded, sealed by it; empty where it never did.
    `dropped` counts cards and scans that came to nothing, `refused` durable events the server would not have, `lost`
    those that could not even be kept.
    """

    run: str
    version: str
    platform: str
    server_run: str = ""
    heard_seq: int = 0
    recorded: str = ""
    clock_offset_ms: int = 0
    spool_depth: int = 0
    spool_trouble: SpoolTrouble = SpoolTrouble.NONE
    dropped: int = 0
    refused: int = 0
    lost: int = 0
    devices: tuple[DeviceReport, ...] = ()
    found: tuple[Found, ...] = ()


@dataclass(frozen=True, slots=True)
class Welcome:
    """The first line: `run` names the server's process, within which its words are numbered."""

    run: str


@dataclass(frozen=True, slots=True)
class Tick:
    """The line lives, and this is the server's time."""

    now: datetime


@dataclass(frozen=True, slots=True)
class DeviceList:
    """The devices this desk attends from now on; whatever is not in it is let go."""

    devices: tuple[DeviceSpec, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A word for a device; a slip that was not heard comes again under the same number."""

    seq: int
    device_id: str
    word: DeviceWord


@dataclass(frozen=True, slots=True)
class RetryNow:
    """Connect a device at once instead of waiting."""

    device_id: str


Line = Welcome | Tick | DeviceList | Told | RetryNow
_LINES: Final = (Welcome, Tick, DeviceList, Told, RetryNow)
_EVENTS: Final = (
    *(BarcodeScanned, CardRead, CardUnreadable, DeviceDescribed, DeviceStateChanged),
    *(PayloadRejected, ProbePresence, SlipFailed, SlipPrinted, SupplyTold, TemperatureMeasured),
)

_KINDS: Final[Mapping[type, str]] = {  # stable: an agent may be older than its server
    BarcodeScanned: "barcode_scanned",
    CardRead: "card_read",
    CardUnreadable: "card_unreadable",
    DeviceDescribed: "device_described",
    DeviceStateChanged: "device_state_changed",
    PayloadRejected: "payload_rejected",
    ProbePresence: "probe_presence",
    SlipFailed: "slip_failed",
    SlipPrinted: "slip_printed",
    SupplyTold: "supply_told",
    TemperatureMeasured: "temperature_measured",
    IdCard: "id_card",
    TemperatureSample: "temperature_sample",
    Moment: "moment",
    Measured: "measured",
    Message: "message",
    Batch: "batch",
    Health: "health",
    DeviceReport: "device_report",
    Found: "found",
    Welcome: "welcome",
    Tick: "tick",
    DeviceList: "device_list",
    DeviceSpec: "device",
    Told: "told",
    RetryNow: "retry_now",
    PrintSlip: "print_slip",
    Slip: "slip",
    Text: "text",
    Pair: "pair",
    Rule: "rule",
    Qr: "qr",
    Picture: "picture",
}

EVENT: Final = Form[DeviceEvent](_EVENTS, _KINDS, MOST_EVENT_BYTES)
MOMENT: Final = Form[Moment]((Moment,), _KINDS, MOST_EVENT_BYTES)
MEASURED: Final = Form[Measured]((Measured,), _KINDS, MOST_EVENT_BYTES)
BATCH: Final = Form[Batch]((Batch,), _KINDS, MOST_BATCH_BYTES + 100_000)
HEALTH: Final = Form[Health]((Health,), _KINDS, MOST_BATCH_BYTES)
LINE: Final = Form[Line](_LINES, _KINDS, MOST_LINE_BYTES)

__all__ = ["BATCH", "EVENT", "HEALTH", "LINE", "MEASURED", "MOMENT", "BadMessage", "DeviceReport", "Health", "Line"]
