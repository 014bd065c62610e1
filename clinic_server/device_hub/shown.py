"""Devices as people see them: how they are, what they said of themselves, what ails them and what helps."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from clinic_server.device_hub.carriers import FoundAt, SiteDevice
from clinic_server.device_hub.rules import TrialKind, fault_code
from clinic_server.device_hub.trials import Outcome, Trial
from clinic_server.kit.labels import Label, label, labels
from devices.errors import LinkUnavailable
from devices.events import DeviceDescribed, DeviceState, TemperatureMeasured
from devices.links import public_url
from devices.supervisor import DeviceStatus


@dataclass(frozen=True, slots=True)
class Heard:
    """A probe's last reading and when it was heard."""

    event: TemperatureMeasured
    at: datetime


@dataclass(frozen=True, slots=True)
class PartShown:
    """One of several things behind a device, such as a probe, with its last temperature if it measures any."""

    part: str
    identity: str
    model: str
    firmware: str
    battery_percent: int | None
    milli_celsius: int | None
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class Ailment:
    """What is wrong with a device: a code, its sentence and what helps, in the reader's language."""

    code: str
    tone: str
    text: str
    fix: str


@dataclass(frozen=True, slots=True)
class DeviceShown:
    """A device as people see it; the address is without its password, ``machine`` is empty on the server itself."""

    device_id: str
    kind: str
    address: str
    station: str | None
    is_simulated: bool
    state: DeviceState
    detail: str
    since_at: datetime
    last_event_at: datetime | None
    is_configured: bool
    machine: str
    ailment: Ailment | None
    identity: str
    model: str
    firmware: str
    battery_percent: int | None
    parts: tuple[PartShown, ...]

    @property
    def is_well(self) -> bool:
        """Whether nobody needs to do anything about it."""
        return self.state is DeviceState.ONLINE and self.ailment is None


@dataclass(frozen=True, slots=True)
class TrialShown:
    """A test as its sentence, in the reader's language; ``code`` is empty while it runs."""

    device_id: str
    kind: TrialKind
    is_running: bool
    code: str
    tone: str
    text: str = field(repr=False)
    fix: str


@dataclass(frozen=True, slots=True)
class FoundShown:
    """Something that is plugged in and not set up; ``found`` names it to the form that confirms it.

    ``kind`` is empty where nothing tells it, ``trouble`` says why it cannot be opened now.
    """

    found: str
    kind: str
    title: str
    identity: str
    address: str
    is_simulated: bool
    machine: str
    station: str | None
    options: Mapping[str, str] = field(default_factory=dict)
    trouble: Ailment | None = None


def device_shown(device: SiteDevice, status: DeviceStatus, heard: Mapping[str, Heard]) -> DeviceShown:
    """Return one device as it stands now; ``heard`` are its probes' last readings."""
    itself = status.described.get("") or DeviceDescribed(device_id=device.spec.device_id)
    ailment = ailment_of(status.state, status.detail)
    is_own_word = status.state is DeviceState.ONLINE and ailment is None
    return DeviceShown(
        device_id=device.spec.device_id,
        kind=device.spec.kind,
        address=address_shown(device.spec.url),
        station=device.station,
        is_simulated=device.spec.simulated,
        state=status.state,
        detail=status.detail,
        since_at=status.since,
        last_event_at=status.last_event_at,
        is_configured=device.is_configured,
        machine=device.machine,
        ailment=ailment,
        identity=itself.identity or (status.detail if is_own_word else ""),
        model=itself.model,
        firmware=itself.firmware,
        battery_percent=itself.battery_percent,
        parts=tuple(_parts(status.described, heard)),
    )


def ailment_of(state: DeviceState, detail: str) -> Ailment | None:
    """Explain a device's detail; what an answering device says of itself is an ailment only when it is known as one."""
    known = labels()["device_fault"]
    if not detail or (state is DeviceState.ONLINE and detail not in known):
        return None
    code = fault_code(detail, known)
    said = label("device_fault", code)
    return Ailment(code, said.tone.value, said.text, said.fix)


def trial_shown(device_id: str, trial: Trial) -> TrialShown:
    """Return what a test asks for, or what came of it."""
    outcome = trial.outcome
    said = label("trial", trial.kind.value) if outcome is None else _outcome_label(outcome)
    code = outcome.code if outcome else ""
    return TrialShown(device_id, trial.kind, outcome is None, code, said.tone.value, said.text, said.fix)


def _outcome_label(outcome: Outcome) -> Label:
    facts = dict(outcome.facts)
    if outcome.code == "card_refused":
        code = str(facts["error"])
        return label("error", code if code in labels()["error"] else "card_unreadable")
    if "document" in facts:
        facts["document"] = label("document", str(facts["document"])).text
    return label("trial_outcome", outcome.code, **facts)


def found_shown(at: FoundAt) -> FoundShown:
    """Return a find as people see it."""
    one = at.found
    return FoundShown(
        found=found_key(at),
        kind=at.kind_or(""),
        title=one.label,
        identity=one.identity,
        address=address_shown(one.url),
        is_simulated=one.is_simulated,
        machine=at.machine,
        station=at.station,
        options=one.options,
        trouble=ailment_of(DeviceState.OFFLINE, f"{LinkUnavailable.code}: {one.trouble}") if one.trouble else None,
    )


def found_key(at: FoundAt) -> str:
    """Return what names a find: no address, which may hold a password, goes through the page."""
    one = at.found
    return sha256(repr((at.agent_id, one.kind, one.url, sorted(one.options.items()))).encode()).hexdigest()[:16]


def address_shown(url: str) -> str:
    """Return a URL without user name and password."""
    try:
        return public_url(url)
    except ValueError:  # not even a URL: it may hold a password where none can be found
        return ""


def _parts(described: Mapping[str, DeviceDescribed], heard: Mapping[str, Heard]) -> Iterable[PartShown]:
    for part in sorted((described.keys() | heard.keys()) - {""}):
        said = described.get(part) or DeviceDescribed(device_id="", part=part)
        last = heard.get(part)
        milli_celsius = last.event.sample.milli_celsius if last else None
        at = last.at if last else None
        yield PartShown(part, said.identity, said.model, said.firmware, said.battery_percent, milli_celsius, at)
