"""What was measured before a dose: typed by a hand, or told by a device at the desk."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import Connection, select

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.inbox import Delivery, Inbox
from clinic_server.kit.tx import Tx
from clinic_server.screening.actions import Answered, Further, latest_screening, record_screening, rule_set_of
from clinic_server.screening.decisions import Channel
from clinic_server.screening.rule_sets import Quantity
from clinic_server.screening.rules import Answer, Measurements, ScreeningChanged
from clinic_server.screening.tables import (
    AnswersKept,
    DeviceMeasurement,
    answered_by_link,
    answers_kept,
    device_measurement,
)

_NOTHING: Final = Further()
MEASUREMENT = "measurement"  # the kind of such a delivery in a station's inbox


@dataclass(frozen=True, slots=True)
class Taken:
    """What was measured, and the device that told a quantity where a device did."""

    measurements: Measurements = field(repr=False)
    devices: Mapping[Quantity, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Origins:
    """Where a round's answers were given, and which of its quantities a device told."""

    channel: Channel
    devices: Mapping[Quantity, str]


def lying_at(inbox: Inbox, station: str) -> Delivery | None:
    """Return what a device at a station measured in the last moments; its content is Measurements."""
    return inbox.latest(station, MEASUREMENT)


def taken_at(inbox: Inbox, station: str | None, delivery_id: UUID | None, given: Measurements) -> Taken:
    """Return what was measured; a value the device did not tell, or that was changed since, counts as typed."""
    delivery = inbox.latest(station, MEASUREMENT) if station else None
    if delivery is None or delivery.id != delivery_id:
        return Taken(given)
    told: Mapping[Quantity, int] = delivery.content.taken()
    same = {quantity for quantity, value in given.taken().items() if told.get(quantity) == value}
    return Taken(given, dict.fromkeys(sorted(same), delivery.origin))


def record_round(
    tx: Tx, visit_id: UUID, answers: Mapping[str, Answer], taken: Taken, further: Further = _NOTHING
) -> Answered:
    """Record one round of questions with what was measured and by what."""
    answered = record_screening(tx, visit_id, answers, taken.measurements, further)
    if taken.devices:
        _append_devices(tx, answered.screening_id, taken.devices)
        tx.journal("measured_by_device", answered.screening_id)
    return answered


def measure_again(tx: Tx, visit_id: UUID, screening_id: UUID, taken: Taken) -> Answered:
    """Record a round that keeps the latest answers and what was measured unless it was measured anew.

    It voids what stood on the earlier one, as any round does. Raises ScreeningUnknown or ScreeningChanged.
    """
    seen = latest_screening(tx.connection, tx.keyring, visit_id)
    if seen.screening_id != screening_id:
        raise ScreeningChanged
    anew = taken.measurements.taken()
    kept = {
        quantity: by
        for quantity, by in _devices_of(tx.connection, tx.keyring, screening_id).items()
        if quantity not in anew
    }
    merged = replace(seen.given.measurements, **{quantity.value: value for quantity, value in anew.items()})
    further = Further(seen.given.details, rule_set_of(seen).programme)
    answered = record_round(tx, visit_id, seen.given.answers, Taken(merged, {**kept, **taken.devices}), further)
    tx.append(
        AnswersKept, screening_id=answered.screening_id, answered_screening_id=_answered_at(tx.connection, screening_id)
    )
    tx.journal("answers_kept", answered.screening_id)
    return answered


def origins_of(connection: Connection, keyring: Keyring, screening_id: UUID) -> Origins:
    """Return where a round came from."""
    asked = _answered_at(connection, screening_id)
    by_link = connection.execute(
        select(answered_by_link.c.channel).where(answered_by_link.c.screening_id == asked)
    ).scalar()
    return Origins(Channel(by_link) if by_link else Channel.DESK, _devices_of(connection, keyring, screening_id))


def _answered_at(connection: Connection, screening_id: UUID) -> UUID:
    """Return the round in which somebody answered: this one, or the one whose answers it keeps."""
    earlier: UUID | None = connection.execute(
        select(answers_kept.c.answered_screening_id).where(answers_kept.c.screening_id == screening_id)
    ).scalar()
    return earlier or screening_id


def _devices_of(connection: Connection, keyring: Keyring, screening_id: UUID) -> Mapping[Quantity, str]:
    sealed: bytes | None = connection.execute(
        select(device_measurement.c.devices_sealed).where(device_measurement.c.screening_id == screening_id)
    ).scalar()
    if sealed is None:
        return {}
    return msgspec.json.decode(keyring.open(sealed, _context(screening_id)), type=dict[Quantity, str])


def _append_devices(tx: Tx, screening_id: UUID, devices: Mapping[Quantity, str]) -> None:
    told = tx.keyring.seal(msgspec.json.encode(devices).decode(), _context(screening_id))
    tx.append(DeviceMeasurement, screening_id=screening_id, devices_sealed=told)


def _context(screening_id: UUID) -> str:
    return f"device_measurement:devices:{screening_id}"
