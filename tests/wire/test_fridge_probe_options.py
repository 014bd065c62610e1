"""What a fridge probe's options ask the broker for, and the sentences for options that cannot work."""

import pytest

from devices.adapter import DeviceSpec
from devices.errors import SpecRefused
from devices.fridge_probe.adapter import FridgeProbe
from devices.fridge_probe.listening import listening_of

EVERY = "own, tasmota, ruuvi, theengs, chirpstack, zigbee2mqtt, shelly, esphome, mapping"


def test_own_probes_and_tasmota_are_what_is_listened_to_unless_more_is_asked_for() -> None:
    listening = listening_of({})
    assert listening.durable == ("cc/v1/+/reading", "tele/+/SENSOR", "stat/+/STATUS8")
    assert listening.state == ("cc/v1/+/status", "tele/+/LWT", "tele/+/INFO1")


def test_one_probe_alone_narrows_every_dialects_topics_at_its_own_level() -> None:
    listening = listening_of({"dialects": "chirpstack, zigbee2mqtt,ruuvi", "probe": "p"})
    uplinks = ("application/+/device/p/event/up", "application/+/device/p/event/status")
    assert listening.durable == ("ruuvi/+/p", *uplinks, "zigbee2mqtt/p/#")
    assert listening.state == ("ruuvi/+/gw_status", "zigbee2mqtt/bridge/state", "zigbee2mqtt/p/availability")


def test_what_is_given_back_is_all_that_other_options_would_have_asked_for_and_nothing_asked_for_now() -> None:
    listening = listening_of({"dialects": "own", "probe": "p"})
    assert not {*listening.durable, *listening.state} & set(listening.former)
    assert {"cc/v1/+/reading", "tele/+/SENSOR", "tele/p/LWT", "zigbee2mqtt/bridge/state"} <= set(listening.former)
    assert "cc/v1/p/reading" not in listening.former


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"dialects": "own,sparkplug"},
            f"option dialects names 'sparkplug', expected some of {EVERY}",
        ),
        (
            {"dialects": ""},
            f"option dialects names '', expected some of {EVERY}",
        ),
        ({"dialects": "own,own"}, "option dialects names a dialect twice"),
        ({"probe": "a/b"}, "option probe names one probe's topic level, without / # +"),
        ({"dialekts": "own"}, "unknown option of a fridge_probe: dialekts"),
        ({"mapping_unit": "C"}, "option mapping_unit needs mapping among option dialects"),
    ],
)
def test_a_mistake_in_the_options_is_told_in_a_sentence(options: dict[str, str], sentence: str) -> None:
    with pytest.raises(SpecRefused) as refused:
        FridgeProbe(DeviceSpec("fridge", "fridge_probe", "memory://broker", options=options))
    assert refused.value.reason == sentence


def test_a_mapping_is_asked_before_the_dialects_whose_topics_it_shares() -> None:
    options = {
        "dialects": "zigbee2mqtt,mapping",
        "mapping_topic": "zigbee2mqtt/{probe}",
        "mapping_temperature": "/probe_temperature",
        "mapping_unit": "C",
        "mapping_time_kind": "none",
    }
    listening = listening_of(options)
    assert listening.durable == ("zigbee2mqtt/+", "zigbee2mqtt/+/#")
    assert list(listening.dialects[0].readings) == ["zigbee2mqtt/{probe}"]
