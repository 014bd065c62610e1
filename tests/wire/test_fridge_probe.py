"""Probe messages against their golden vectors, and against everything else a payload can be."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import BadFrame
from devices.events import TemperatureSample
from devices.fridge_probe import wire
from devices.fridge_probe.context import Delivery, Presence
from devices.fridge_probe.descriptions import Description, Descriptions
from firmware_stubs.fridge_probe.stub import SPEECH
from tests.wire.vectors import vectors_of

DEVICE = "fridge_probe"
ALL = tuple(wire.DIALECTS.values())
SAMPLES = vectors_of(DEVICE, "samples")
PRESENCES = vectors_of(DEVICE, "presence")
BAD = vectors_of(DEVICE, "bad")
DESCRIBED = vectors_of(DEVICE, "describes")
OBJECTS = [vector for vector in SAMPLES + DESCRIBED if vector[1]["payload"].startswith("{")]
TOPICS = [fields["topic"] for _, fields in SAMPLES + PRESENCES + DESCRIBED]


def delivery(topic: str, payload: bytes, *, retained: bool = False, zone: str | None = "Asia/Shanghai") -> Delivery:
    received_at = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    return Delivery(topic, payload, retained, received_at, ZoneInfo(zone) if zone else None)


def delivered(fields: Mapping[str, str]) -> Delivery:
    return delivery(fields["topic"], fields["payload"].encode())


def as_written(sample: TemperatureSample) -> dict[str, object]:
    values = asdict(sample)
    assert values.pop("retained") is False
    return values | {"measured_at": sample.measured_at and sample.measured_at.isoformat()}


@pytest.mark.parametrize(("name", "fields"), SAMPLES, ids=[name for name, _ in SAMPLES])
def test_golden_samples(name: str, fields: Mapping[str, str]) -> None:
    decoded = wire.decode(delivered(fields), ALL)
    assert isinstance(decoded, tuple)
    assert [as_written(sample) for sample in decoded] == json.loads(fields["samples"]), name


@pytest.mark.parametrize(("name", "fields"), PRESENCES, ids=[name for name, _ in PRESENCES])
def test_golden_presence(name: str, fields: Mapping[str, str]) -> None:
    assert wire.decode(delivered(fields), ALL) == Presence(fields["probe_id"], fields["is_present"] == "true"), name


@pytest.mark.parametrize(("name", "fields"), DESCRIBED, ids=[name for name, _ in DESCRIBED])
def test_golden_description(name: str, fields: Mapping[str, str]) -> None:
    expected = tuple(Description(**said) for said in json.loads(fields["descriptions"]))
    assert wire.describe(delivered(fields), ALL) == expected, name
    assert isinstance(wire.decode(delivered(fields), ALL), tuple), "what describes is no dead letter"


def test_a_charge_is_told_when_it_changes_and_silence_takes_nothing_away() -> None:
    told = Descriptions()
    said = [
        Description("a", battery_percent=30),
        Description("a"),
        Description("a", model="m"),
        Description("a", battery_percent=30),
        Description("a", battery_percent=29),
        Description("b", battery_percent=29),
        Description("c"),
    ]
    assert [told.is_news(one) for one in said] == [True, False, True, False, True, True, False]


@pytest.mark.parametrize(("name", "fields"), BAD, ids=[name for name, _ in BAD])
def test_golden_bad_message(name: str, fields: Mapping[str, str]) -> None:
    with pytest.raises(BadFrame) as refused:
        wire.decode(delivered(fields), ALL)
    assert refused.value.reason == fields["reason"], name


@pytest.mark.parametrize(("name", "fields"), SAMPLES, ids=[name for name, _ in SAMPLES])
def test_a_retained_message_marks_every_sample(name: str, fields: Mapping[str, str]) -> None:
    decoded = wire.decode(delivery(fields["topic"], fields["payload"].encode(), retained=True), ALL)
    assert isinstance(decoded, tuple), name
    assert all(sample.retained for sample in decoded)


@pytest.mark.parametrize("dialect", SPEECH)
@given(steps=st.integers(-19_000, 12_000), unix_s=st.integers(1_600_000_000, 4_000_000_000))
def test_what_a_stub_of_another_make_says_is_understood(dialect: str, steps: int, unix_s: int) -> None:
    topic, text = SPEECH[dialect]("fridge-7", 5 * steps, unix_s)
    samples = wire.decode(delivery(topic, text.encode()), [wire.DIALECTS[dialect]])
    assert isinstance(samples, tuple)
    (sample,) = samples
    assert (sample.milli_celsius, sample.fault) == (5 * steps, None)
    assert sample.measured_at in (datetime.fromtimestamp(unix_s, UTC), None)


def test_a_local_clock_without_the_sites_zone_is_refused() -> None:
    payload = b'{"Time":"2026-03-02T09:00:00","DS18B20":{"Id":"3CE10457A8F9","Temperature":4.5},"TempUnit":"C"}'
    with pytest.raises(BadFrame, match="zone_unknown"):
        wire.decode(delivery("tele/fridge/SENSOR", payload, zone=None), ALL)


def test_a_payload_above_64_kib_is_refused_unread() -> None:
    with pytest.raises(BadFrame, match="too_large"):
        wire.decode(delivery("cc/v1/d/reading", b" " * 65_537), ALL)


@pytest.mark.parametrize("payload", [b"[" * 65_536, b'{"a":' * 10_000, b'{"mC":' + b"9" * 60_000 + b"}", b"\xff{}"])
def test_payloads_made_to_exhaust_a_parser_are_refused(payload: bytes) -> None:
    with pytest.raises(BadFrame):
        wire.decode(delivery("cc/v1/d/reading", payload), ALL)


def test_a_topic_of_a_dialect_that_is_not_listened_to_any_more_gives_nothing() -> None:
    left_over = delivery("zigbee2mqtt/fridge", b'{"temperature":4}')
    assert wire.decode(left_over, [wire.DIALECTS["own"]]) == ()
    assert wire.decode(left_over, ALL) != ()


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
FIELDS = (
    *("v", "dev", "boot", "seq", "ts", "up", "mC", "err", "Time", "Epoch", "TempUnit", "DS18B20", "StatusSNS"),
    *("method", "params", "tC", "errors", "temperature", "last_seen", "device", "data", "tempc", "tempf", "state"),
    *("deduplicationId", "time", "deviceInfo", "object", "history", "TempC_DS", "No_connect", "sys"),
    *("Info1", "battery", "batt", "batteryLevel", "model", "src", "DATALOG"),
)


def decodes_or_refuses(topic: str, payload: bytes) -> None:
    assert isinstance(wire.describe(delivery(topic, payload), ALL), tuple)
    try:
        decoded = wire.decode(delivery(topic, payload), ALL)
    except BadFrame:
        return
    assert isinstance(decoded, tuple | Presence)


@given(topic=st.one_of(st.sampled_from(TOPICS), st.text(max_size=30)), payload=st.binary(max_size=200))
def test_no_bytes_crash_the_decoder(topic: str, payload: bytes) -> None:
    decodes_or_refuses(topic, payload)


@given(topic=st.sampled_from(TOPICS), fields=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=9))
def test_no_json_crashes_the_decoder(topic: str, fields: dict[str, object]) -> None:
    decodes_or_refuses(topic, json.dumps(fields).encode())


@given(
    vector=st.sampled_from(OBJECTS),
    name=st.sampled_from(FIELDS),
    value=st.one_of(JSON, st.integers(-(10**25), 10**25), st.fixed_dictionaries({"Temperature": JSON, "Id": JSON})),
)
def test_no_single_wrong_field_crashes_the_decoder(
    vector: tuple[str, Mapping[str, str]], name: str, value: object
) -> None:
    fields = json.loads(vector[1]["payload"])
    decodes_or_refuses(vector[1]["topic"], json.dumps(fields | {name: value}).encode())


@given(vector=st.sampled_from(OBJECTS), value=JSON, draw=st.data())
def test_no_wrong_value_anywhere_inside_crashes_the_decoder(
    vector: tuple[str, Mapping[str, str]], value: object, draw: st.DataObject
) -> None:
    fields = json.loads(vector[1]["payload"])
    place = fields
    while True:
        key = draw.draw(st.sampled_from(sorted(place))) if place else "new"
        if not isinstance(place.get(key), dict) or draw.draw(st.booleans()):
            break
        place = place[key]
    place[key] = value
    decodes_or_refuses(vector[1]["topic"], json.dumps(fields).encode())


@given(
    time=st.one_of(st.datetimes().map(datetime.isoformat), st.text(max_size=25), st.integers()),
    degrees=st.one_of(st.floats(), st.integers(), st.none(), st.text(max_size=6)),
    unit=st.sampled_from(["C", "F", "K", None]),
)
def test_no_tasmota_message_crashes_the_decoder(time: object, degrees: object, unit: object) -> None:
    fields = {"Time": time, "DS18B20": {"Id": "3CE10457A8F9", "Temperature": degrees}, "TempUnit": unit}
    decodes_or_refuses("tele/fridge/SENSOR", json.dumps(fields).encode())
