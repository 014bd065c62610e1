"""Test buttons: what a device does while somebody tests it is shown to them, and to no desk. Memory only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import uuid4

from clinic_server.device_hub.rules import TrialKind
from clinic_server.device_hub.translation import card_content
from clinic_server.kit.i18n import say
from clinic_server.people.rules import CardFault, CardHolder, mask_name
from devices.events import (
    BarcodeScanned,
    CardRead,
    CardUnreadable,
    DeviceEvent,
    PayloadRejected,
    SlipFailed,
    SlipPrinted,
    TemperatureMeasured,
)
from devices.words import Align, Pair, Rule, Size, Slip, Text

TRIAL_S: Final = 30.0
SHOWN_S: Final = 60.0
NOTHING_CAME: Final = "nothing_came"
TEST_CODE: Final = "CLINIC-TEST"  # what static/test-code.svg shows, in Code 128


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a test, as a code and what its sentence is filled with; of a person no more than a masked name."""

    code: str
    facts: Mapping[str, str | int] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Trial:
    """One test of one device; ``outcome`` is None while it runs."""

    trial_id: str
    kind: TrialKind
    began_s: float
    outcome: Outcome | None = None


class Trials:
    """The tests that run or have just run; ``monotonic`` gives seconds that never go back."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._trials: dict[str, Trial] = {}

    def begin(self, device_id: str, kind: TrialKind) -> Trial:
        """Begin to test a device, afresh if it is being tested."""
        trial = self._trials[device_id] = Trial(uuid4().hex, kind, self._monotonic())
        return trial

    def of(self, device_id: str) -> Trial | None:
        """Return a device's test while it runs, and what came of it for a while after."""
        trial = self._trials.get(device_id)
        if trial is None:
            return None
        age_s = self._monotonic() - trial.began_s
        if age_s >= TRIAL_S + SHOWN_S:
            del self._trials[device_id]
            return None
        if trial.outcome is None and age_s >= TRIAL_S:
            trial = self._trials[device_id] = replace(trial, outcome=Outcome(NOTHING_CAME))
        return trial

    def settle(self, device_id: str, outcome: Outcome) -> None:
        """End a running test."""
        if (trial := self.running(device_id)) is not None:
            self._trials[device_id] = replace(trial, outcome=outcome)

    def running(self, device_id: str) -> Trial | None:
        """Return a device's test if it still waits."""
        trial = self.of(device_id)
        return trial if trial is not None and trial.outcome is None else None

    def take(self, event: DeviceEvent) -> bool:
        """Let an event end the test it answers; whether one was waiting for it."""
        trial = self.running(event.device_id)
        outcome = outcome_of(event, trial) if trial else None
        if outcome is None:
            return False
        self.settle(event.device_id, outcome)
        return True


def outcome_of(event: DeviceEvent, trial: Trial) -> Outcome | None:
    """Return what an event means to a test, or None when it has nothing to do with it."""
    match trial.kind:
        case TrialKind.CARD:
            return _card_outcome(event)
        case TrialKind.SCAN:
            return _scan_outcome(event)
        case TrialKind.TEMPERATURE:
            return measured(event, age_s=0) if isinstance(event, TemperatureMeasured) else None
        case TrialKind.SLIP:
            return _slip_outcome(event, trial.trial_id)


def measured(event: TemperatureMeasured, age_s: int) -> Outcome:
    """Return a reading as what came of a test."""
    sample = event.sample
    if sample.milli_celsius is None or sample.fault is not None:
        return Outcome("measured_nothing", {"probe": sample.probe_id, "age_s": age_s})
    celsius = f"{sample.milli_celsius / 1000:.1f}"
    return Outcome("measured", {"probe": sample.probe_id, "celsius": celsius, "age_s": age_s})


def _card_outcome(event: DeviceEvent) -> Outcome | None:
    if isinstance(event, CardUnreadable):
        return Outcome("card_unreadable", {"reason": event.reason})
    if not isinstance(event, CardRead):
        return None
    content = card_content(event.card)
    if isinstance(content, CardFault):
        return Outcome("card_refused", {"error": content.code})
    name = mask_name(content.name)
    if isinstance(content, CardHolder):
        return Outcome("card_names_only", {"document": content.wanted.value, "name": name})
    return Outcome("card_read", {"document": content.document.kind.value, "name": name})


def _scan_outcome(event: DeviceEvent) -> Outcome | None:
    if isinstance(event, PayloadRejected):
        return Outcome("scan_unreadable", {"reason": event.reason})
    if isinstance(event, BarcodeScanned):
        code = "scanned_test_code" if event.text == TEST_CODE else "scanned"
        return Outcome(code, {"length": len(event.text), "symbology": event.symbology or "–"})
    return None


def _slip_outcome(event: DeviceEvent, job_id: str) -> Outcome | None:
    if not isinstance(event, SlipPrinted | SlipFailed) or event.job_id != job_id:
        return None
    if isinstance(event, SlipFailed):
        return Outcome(f"slip_{event.reason}")
    return Outcome("slip_printed" if event.is_confirmed else "slip_sent")


def trial_slip(site_name: str, device_id: str, at: str) -> Slip:
    """Return what a printer under test prints, in the language of whoever tests it."""
    title = Text(say("Test slip"), Size.LARGE, Align.CENTER)
    lines = (Pair(say("Device"), device_id), Pair(say("Time"), at))
    return Slip((title, Text(site_name, align=Align.CENTER), Rule(), *lines))
