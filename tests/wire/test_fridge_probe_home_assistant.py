"""Discovery messages of Home Assistant: read for onboarding, never evaluated."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.fridge_probe.home_assistant import Discovered, discovered

TOPIC = "homeassistant/sensor/0x00124b002a3f5c01/temperature/config"
PLAIN = {
    "unique_id": "0x00124b002a3f5c01_temperature",
    "state_topic": "zigbee2mqtt/疫苗冰箱",
    "unit_of_measurement": "°C",
    "value_template": "{{ value_json.temperature }}",
}


def read(**changes: object) -> Discovered | None:
    return discovered(TOPIC, json.dumps(PLAIN | changes).encode())


def test_a_plain_message_is_read() -> None:
    assert read() == Discovered("0x00124b002a3f5c01_temperature", "zigbee2mqtt/疫苗冰箱", "°C", "/temperature")


def test_the_abbreviated_form_is_read() -> None:
    fields = {"~": "fridge-a", "uniq_id": "a1", "stat_t": "~/sensor/t/state", "unit_of_meas": "°F"}
    found = discovered("homeassistant/sensor/fridge-a/config", json.dumps(fields).encode())
    assert found == Discovered("a1", "fridge-a/sensor/t/state", "°F", "")


@pytest.mark.parametrize(
    ("template", "pointer"),
    [
        ("{{ value_json.a.b }}", "/a/b"),
        ("{{value_json.DS18B20.Temperature}}", "/DS18B20/Temperature"),
        ("{{ value_json.temperature_chn1 }}", "/temperature_chn1"),
    ],
)
def test_a_template_that_only_names_a_place_becomes_a_pointer(template: str, pointer: str) -> None:
    assert read(value_template=template) == Discovered(PLAIN["unique_id"], PLAIN["state_topic"], "°C", pointer)


@pytest.mark.parametrize(
    "template",
    [
        "{{ value_json.a | float }}",
        "{{ value_json['a'] }}",
        "{{ value_json }}",
        "{{ value }}",
        "{{ value_json.a }}{{ value_json.b }}",
        "{{ value_json.a.__class__() }}",
        "{% if true %}{{ value_json.a }}{% endif %}",
        "{{ value_json.a }}\n",
        "",
        7,
        ["{{ value_json.a }}"],
    ],
)
def test_any_other_template_is_passed_over(template: object) -> None:
    assert read(value_template=template) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"unique_id": None},
        {"unique_id": ""},
        {"unique_id": "x" * 129},
        {"state_topic": "zigbee2mqtt/#"},
        {"state_topic": "zigbee2mqtt/+"},
        {"state_topic": None},
        {"unit_of_measurement": None},
        {"unit_of_measurement": "°C" * 20},
    ],
)
def test_a_message_without_its_parts_is_passed_over(changes: dict[str, object]) -> None:
    assert read(**changes) is None


@pytest.mark.parametrize(
    "topic", ["homeassistant/switch/a/config", "homeassistant/sensor/config", "homeassistant/sensor/a/b/c/config", "x"]
)
def test_another_topic_is_passed_over(topic: str) -> None:
    assert discovered(topic, json.dumps(PLAIN).encode()) is None


@given(st.binary(max_size=200))
def test_no_bytes_crash_it(payload: bytes) -> None:
    assert discovered(TOPIC, payload) is None


@given(
    st.dictionaries(
        st.sampled_from([*PLAIN, "~", "stat_t", "uniq_id", "val_tpl", "unit_of_meas"]),
        st.one_of(st.none(), st.integers(), st.text(max_size=20), st.lists(st.text(max_size=3), max_size=2)),
    )
)
def test_no_fields_crash_it(fields: dict[str, object]) -> None:
    found = discovered(TOPIC, json.dumps(PLAIN | fields).encode())
    assert found is None or isinstance(found, Discovered)
