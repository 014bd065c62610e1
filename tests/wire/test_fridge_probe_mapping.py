"""Probes no dialect knows, described by the site: its options, and what they make of a message."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.errors import BadFrame, SpecRefused
from devices.events import SampleFault, TemperatureSample
from devices.fridge_probe import wire
from devices.fridge_probe.context import Delivery
from devices.fridge_probe.listening import listening_of
from devices.json_pointer import MISSING, found_at, is_pointer, pointer_to

FULL = {
    "dialects": "mapping",
    "mapping_topic": "vendor/{probe}/+/up",
    "mapping_temperature": "/body/t~1c/0",
    "mapping_unit": "C",
    "mapping_time_kind": "unix_ms",
    "mapping_time": "/at",
    "mapping_sequence": "/n",
}
BARE = {
    "dialects": "mapping",
    "mapping_topic": "{probe}/t",
    "mapping_temperature": "",
    "mapping_unit": "F",
    "mapping_time_kind": "none",
}
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)


def without(options: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in options.items() if name not in names}


def decoded(options: Mapping[str, str], topic: str, payload: bytes) -> TemperatureSample:
    received_at = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    delivery = Delivery(topic, payload, retained=False, received_at=received_at, zone=ZoneInfo("Asia/Shanghai"))
    samples = wire.decode(delivery, listening_of(options).dialects)
    assert isinstance(samples, tuple)
    (sample,) = samples
    return sample


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b'{"at":1772413150999,"n":1,"body":{"t/c":[4]},"bat":93.5,"ac":false}', (94, False)),
        (b'{"at":1772413150999,"n":1,"body":{"t/c":[4]},"bat":null,"ac":"no"}', (None, None)),
        (b'{"at":1772413150999,"n":1,"body":{"t/c":[4]}}', (None, None)),
    ],
)
def test_battery_and_mains_are_read_where_the_pointers_point(
    payload: bytes, told: tuple[int | None, bool | None]
) -> None:
    options = {**FULL, "mapping_battery": "/bat", "mapping_mains": "/ac"}
    now = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    delivery = Delivery("vendor/U-1/x/up", payload, retained=False, received_at=now, zone=None)
    (said,) = wire.describe(delivery, listening_of(options).dialects)
    assert (said.part, said.told_unix_s) == ("mapping:U-1", 1_772_413_150)
    assert (said.battery_percent, said.is_on_mains) == told
    assert wire.describe(delivery, listening_of(FULL).dialects) == ()


def test_a_message_is_read_where_the_pointers_point() -> None:
    payload = b'{"at":1772413150999,"n":17,"body":{"t/c":[4.25,99]}}'
    sample = decoded(FULL, "vendor/U-1/ward 2/up", payload)
    assert (sample.probe_id, sample.boot, sample.seq) == ("mapping:U-1", 492_336, 17)
    assert (sample.milli_celsius, sample.fault) == (4250, None)
    assert sample.measured_at == datetime(2026, 3, 2, 0, 59, 10, tzinfo=UTC)


def test_a_bare_number_in_fahrenheit_is_named_by_its_arrival() -> None:
    sample = decoded(BARE, "U-1/t", b"40.1")
    assert (sample.seq, sample.measured_at, sample.milli_celsius) == (1_772_413_200, None, 4500)


def test_a_local_time_is_in_the_sites_zone_and_names_the_sample() -> None:
    options = {**without(FULL, "mapping_sequence"), "mapping_time_kind": "iso"}
    sample = decoded(options, "vendor/U-1/x/up", b'{"at":"2026-03-02 08:59:10","body":{"t/c":[4]}}')
    assert (sample.boot, sample.seq) == (0, 1_772_413_150)


@pytest.mark.parametrize(("kind", "time"), [("unix_s", "1772413150"), ("unix_ms", "1772413150000")])
def test_quoted_numbers_where_the_site_says_so(kind: str, time: str) -> None:
    options = {**without(FULL, "mapping_sequence"), "mapping_time_kind": kind, "mapping_numbers": "text"}
    sample = decoded(options, "vendor/U-1/x/up", f'{{"at":"{time}","body":{{"t/c":["-4.5"]}}}}'.encode())
    assert (sample.seq, sample.milli_celsius) == (1_772_413_150, -4500)


def test_a_null_is_the_sensors_fault_and_a_null_time_no_clock() -> None:
    sample = decoded(FULL, "vendor/U-1/x/up", b'{"at":null,"n":1,"body":{"t/c":[null]}}')
    assert (sample.milli_celsius, sample.fault, sample.measured_at) == (None, SampleFault.SENSOR_ERROR, None)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"at":1772413150999,"n":17,"body":{}}', "temperature_missing"),
        (b'{"n":17,"body":{"t/c":[4]}}', "time_missing"),
        (b'{"at":1772413150999,"body":{"t/c":[4]}}', "sequence_malformed"),
        (b'{"at":1772413150999,"n":true,"body":{"t/c":[4]}}', "sequence_malformed"),
        (b'{"at":1772413150999,"n":17,"body":{"t/c":["4"]}}', "temperature_malformed"),
        (b'{"at":"soon","n":17,"body":{"t/c":[4]}}', "time_malformed"),
        (b"4.5", "not_an_object"),
    ],
)
def test_a_message_the_mapping_does_not_fit_is_refused(payload: bytes, reason: str) -> None:
    with pytest.raises(BadFrame, match=reason):
        decoded(FULL, "vendor/U-1/x/up", payload)


@given(payload=st.one_of(st.binary(max_size=60), JSON.map(lambda value: json.dumps(value).encode())))
def test_no_payload_crashes_the_mapping(payload: bytes) -> None:
    for options in (FULL, {**FULL, "mapping_time_kind": "iso", "mapping_numbers": "text"}):
        with pytest.raises(BadFrame):
            decoded(options, "vendor/U-1/x/up", payload)


@given(time=JSON, sequence=JSON, degrees=JSON)
def test_no_values_crash_the_mapping(time: object, sequence: object, degrees: object) -> None:
    payload = json.dumps({"at": time, "n": sequence, "body": {"t/c": [degrees]}}).encode()
    for kind in ("iso", "unix_s", "unix_ms"):
        try:
            decoded({**FULL, "mapping_time_kind": kind, "mapping_numbers": "text"}, "vendor/U-1/x/up", payload)
        except BadFrame:
            continue


MISTAKES = [
    (without(FULL, "mapping_topic"), "dialect mapping needs option mapping_topic"),
    (without(FULL, "mapping_unit"), "dialect mapping needs option mapping_unit"),
    ({**FULL, "mapping_unit": "K"}, "option mapping_unit is one of C, F"),
    ({**FULL, "mapping_numbers": "words"}, "option mapping_numbers is one of number, text"),
    ({**FULL, "mapping_time_kind": "local"}, "option mapping_time_kind is one of iso, unix_s, unix_ms, none"),
    (
        {**FULL, "mapping_time_kind": "none"},
        "option mapping_time is given when option mapping_time_kind is not none, and only then",
    ),
    (
        without(FULL, "mapping_time"),
        "option mapping_time is given when option mapping_time_kind is not none, and only then",
    ),
    (
        {**BARE, "mapping_mains": "/ac"},
        "option mapping_temperature is empty: a bare number carries nothing beside it",
    ),
    (
        {**FULL, "mapping_temperature": "body.t"},
        "option mapping_temperature is a JSON pointer such as /data/temp, with ~1 for / and ~0 for ~ in a key",
    ),
    (
        {**FULL, "mapping_time": ""},
        "option mapping_time is a JSON pointer such as /data/temp, with ~1 for / and ~0 for ~ in a key",
    ),
    ({**FULL, "mapping_topic": "vendor/up"}, "option mapping_topic names the probe by exactly one whole level {probe}"),
    ({**FULL, "mapping_topic": "v-{probe}"}, "option mapping_topic names the probe by exactly one whole level {probe}"),
    (
        {**FULL, "mapping_topic": "{probe}/x/{probe}"},
        "option mapping_topic names the probe by exactly one whole level {probe}",
    ),
    (
        {**FULL, "mapping_topic": "{probe}/#"},
        "option mapping_topic is a topic of at most 200 characters, with + only as a whole level, no #",
    ),
    (
        {**FULL, "mapping_topic": "$SYS/{probe}"},
        "option mapping_topic begins without $ and holds printable characters only",
    ),
    ({**FULL, "dialects": "own"}, "option mapping_sequence needs mapping among option dialects"),
]


@pytest.mark.parametrize(("options", "sentence"), MISTAKES)
def test_a_mistake_in_the_mapping_is_told_in_a_sentence(options: Mapping[str, str], sentence: str) -> None:
    with pytest.raises(SpecRefused) as refused:
        listening_of(options)
    assert refused.value.reason == sentence


def test_a_pointer_finds_what_it_was_made_for() -> None:
    document = {"a/b": {"m~n": [10, {"": 30}]}}
    assert pointer_to("a/b", "m~n", "1", "") == "/a~1b/m~0n/1/"
    assert found_at(pointer_to("a/b", "m~n", "1", ""), document) == 30
    assert found_at("", document) is document
    assert found_at(pointer_to("~1"), {"~1": 40, "/": 50}) == 40
    assert [found_at(pointer, document) for pointer in ("/a", "/a~1b/m~0n/2", "/a~1b/m~0n/01", "/a~1b/x/y")] == [
        *(MISSING, MISSING, MISSING, MISSING)
    ]


@pytest.mark.parametrize("text", ["a", "/~", "/~2", "/" * 17, "/" + "a" * 200])
def test_what_is_no_pointer(text: str) -> None:
    assert not is_pointer(text)


@given(st.lists(st.text(max_size=6), max_size=5))
def test_every_place_has_a_pointer(keys: list[str]) -> None:
    document: object = 42
    for key in reversed(keys):
        document = {key: document}
    assert is_pointer(pointer_to(*keys))
    assert found_at(pointer_to(*keys), document) == 42
