"""Payloads quoted from public documentation and bug reports, decoded: what real probes were seen to send."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from devices.errors import BadFrame
from devices.events import SampleFault, TemperatureSample
from devices.fridge_probe import wire
from devices.fridge_probe.context import Delivery, Presence
from devices.fridge_probe.home_assistant import Discovered, discovered

ARRIVAL = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ARRIVAL_S = 1_772_413_200
DIALECTS = tuple(wire.DIALECTS.values())
# How the collection writes what differs from site to site.
PLACEHOLDERS = {
    "<topic>": "fridge",
    "<tag mac>": "F4:1F:0C:28:CB:D6",
    "<gw>": "gateway",
    "XXXXXX": "0A1B2C",
    "A4C138...": "A4C138D5D498",
}
Row = tuple[str, int, str | None, int | None, SampleFault | None]  # probe, seq, measured at, milli-Celsius, fault


def sampled(topic: str, payload: str) -> list[Row]:
    delivery = Delivery(topic, payload.encode(), retained=False, received_at=ARRIVAL, zone=ZoneInfo("Asia/Shanghai"))
    decoded = wire.decode(delivery, DIALECTS)
    assert isinstance(decoded, tuple)
    return [_row(sample) for sample in decoded]


def _row(sample: TemperatureSample) -> Row:
    at = sample.measured_at.strftime("%Y-%m-%dT%H:%M:%SZ") if sample.measured_at else None
    return sample.probe_id, sample.seq, at, sample.milli_celsius, sample.fault


THREE = "2021-01-02T01:09:44Z"
FAHRENHEIT = "2025-03-03T12:47:51Z"
WRONG = SampleFault.CLOCK_WRONG
# In the order of the collection; None stands for the four that are no samples and have a test of their own. The times
# are local to Shanghai, as the site's zone here is; 44.3 F is (44.3 - 32) * 5/9 = 6.8333 C; 0x15AE * 0.005 = 27.75 C.
EXPECTED: Sequence[list[Row] | None] = [
    [
        ("tasmota:00000566CC39", 1609549784, THREE, 13_300, None),
        ("tasmota:0000059352D4", 1609549784, THREE, 1_200, None),
        ("tasmota:000005937C90", 1609549784, THREE, 22_500, None),
    ],
    # A real clock, but of a year in which no clock of this system can have been right: named by its arrival.
    [("tasmota:sonoff_water_heater/DS18B20", ARRIVAL_S, None, 18_200, WRONG)],
    [
        ("tasmota:3CE10457A8F9", 1692500987, "2023-08-20T03:09:47Z", 27_900, None),
        ("tasmota:Wetterstation2023/BME280", 1692500987, "2023-08-20T03:09:47Z", 27_800, None),
    ],
    [
        ("tasmota:0301A279D4D4", 1741006071, FAHRENHEIT, 6_833, None),
        ("tasmota:0301A279EA92", 1741006071, FAHRENHEIT, -16_444, None),
    ],
    [("tasmota:tasmota_C57651/DHT11", 1632392809, "2021-09-23T10:26:49Z", 20_000, None)],
    None,
    [("shelly:shelly1-0A1B2C/ext_temperature/1", ARRIVAL_S, None, 35_750, None)],
    [("shelly:shellyplusht-b8d61a8b17cc/temperature:0", ARRIVAL_S, None, 19_800, WRONG)],
    [("zigbee2mqtt:0x84fd27fffe714d42", ARRIVAL_S, None, None, SampleFault.SENSOR_ERROR)],
    # Bogus, and a single sample cannot tell: its neighbours can.
    [("zigbee2mqtt:0x5c0272fffe02bb79", ARRIVAL_S, None, -20_000, None)],
    None,
    [("ruuvi:F41F0C28CBD6", 0x697F, "2022-05-27T16:13:47Z", 27_750, None)],
    [("theengs:F35285", ARRIVAL_S, None, 24_100, None)],
    [("theengs:A4C138D5D498", ARRIVAL_S, None, -4_500, None)],
    [],
    None,
]


@pytest.fixture(scope="session", name="payloads")
def _payloads(external_samples: Path) -> list[tuple[str, str]]:
    """Every (topic, payload), with its placeholders filled in."""
    found = []
    for item in json.loads((external_samples / "mqtt_payloads.json").read_text(encoding="utf-8")):
        topic = item["topic"]
        for placeholder, filling in PLACEHOLDERS.items():
            topic = topic.replace(placeholder, filling)
        found.append((topic, item["payload"]))
    assert len(found) == len(EXPECTED) == 16
    return found


@pytest.mark.parametrize("number", [number for number, rows in enumerate(EXPECTED) if rows is not None])
def test_a_public_payload_gives_exactly_these_samples(number: int, payloads: Sequence[tuple[str, str]]) -> None:
    assert sampled(*payloads[number]) == EXPECTED[number]


def test_a_public_will_is_a_probe_that_is_gone(payloads: Sequence[tuple[str, str]]) -> None:
    topic, payload = payloads[5]
    delivery = Delivery(topic, payload.encode(), retained=True, received_at=ARRIVAL, zone=None)
    assert wire.decode(delivery, DIALECTS) == Presence("tasmota:fridge", is_present=False)


def test_a_public_discovery_message_names_what_onboarding_needs(payloads: Sequence[tuple[str, str]]) -> None:
    assert discovered(*_as_bytes(payloads[10])) == Discovered(
        unique_id="0x00158d0008aa5a0d_linkquality_zigbee2mqtt",
        state_topic="zigbee2mqtt/Temperatur Balkon",
        unit="lqi",
        pointer="/linkquality",
    )


def test_a_public_uplink_without_a_codec_says_what_is_missing(payloads: Sequence[tuple[str, str]]) -> None:
    with pytest.raises(BadFrame, match="codec_missing"):
        sampled(*payloads[15])


def test_a_public_uplink_keeps_its_nanoseconds_clock_once_it_has_a_codec(payloads: Sequence[tuple[str, str]]) -> None:
    topic, payload = payloads[15]
    with_codec = json.dumps(json.loads(payload) | {"object": {"temperature": 4.5}})
    ((probe, _, at, milli_celsius, fault),) = sampled(topic, with_codec)
    assert (probe, at) == ("chirpstack:0101010101010101/temperature", "2022-07-18T09:34:15Z")
    assert (milli_celsius, fault) == (4_500, None)


def _as_bytes(message: tuple[str, str]) -> tuple[str, bytes]:
    topic, payload = message
    return topic, payload.encode()
