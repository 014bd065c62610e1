"""Shelly, first and later generations. Source: Shelly's API documentation of Gen1 and Gen2. Pure.

Gen1: shellies/<id>/ext_temperature/<n>, a bare number in Celsius without a time, named by its arrival; the Fahrenheit
twin ext_temperature_f is not listened to. Gen2 and what followed it: <id>/events/rpc, NotifyStatus with what changed
and NotifyFullStatus with everything, named by the second of `ts`; and <id>/status/temperature:<n> where switched on,
without a time: it is named by its arrival under boot 1, for the same value also comes by events/rpc with another
name. Silence is not a failure: they report when the temperature moves, or when the battery lets them wake.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from devices.errors import BadFrame
from devices.events import TemperatureSample
from devices.fridge_probe.context import Delivery, Presence, name_in
from devices.fridge_probe.descriptions import Description, percent_of, text_of, yes_or_no
from devices.fridge_probe.instants import unix_s_of_number
from devices.fridge_probe.samples import by_second
from devices.fridge_probe.temperature import Value, value_in_text, value_of
from devices.strict_json import decode_object

COMPONENT: Final = re.compile(r"temperature:[0-9]{1,5}")
INPUT: Final = re.compile(r"[0-9]{1,3}")
NOTIFICATIONS: Final = ("NotifyStatus", "NotifyFullStatus")
ARRIVAL_BOOT: Final = 1
CLOCK_NEVER_SET_S: Final = 0


def decode_gen1(delivery: Delivery) -> tuple[TemperatureSample, ...]:
    """Decode the bare number of one input of a Gen1 temperature add-on."""
    number = delivery.topic.split("/")[3]
    if not INPUT.fullmatch(number):
        raise BadFrame("topic_malformed")
    probe_id = f"shelly:{name_in(delivery, 1)}/ext_temperature/{number}"
    return (by_second(delivery, probe_id, value_in_text(delivery.payload, "C"), None),)


def decode_gen1_online(delivery: Delivery) -> Presence:
    """Decode `true`, or the will `false`, of a Gen1 device."""
    if delivery.payload not in (b"true", b"false"):
        raise BadFrame("online_unknown")
    return Presence(f"shelly:{name_in(delivery, 1)}", is_present=delivery.payload == b"true")


def decode_notification(delivery: Delivery) -> tuple[TemperatureSample, ...]:
    """Decode every temperature of a notification; events, and changes of other components, give none."""
    fields = decode_object(delivery.payload)
    if fields.get("method") not in NOTIFICATIONS:
        return ()
    changes = fields.get("params")
    if not isinstance(changes, dict):
        raise BadFrame("params_missing")
    values = {key: value for key, status in changes.items() if COMPONENT.fullmatch(key) for value in _values(status)}
    if not values:
        return ()
    unix_s = _unix_s(changes)
    device = name_in(delivery, 0)
    return tuple(by_second(delivery, f"shelly:{device}/{key}", value, unix_s) for key, value in values.items())


def describe(delivery: Delivery) -> Iterator[Description]:
    """Return the make, which a device's own name begins with, its charge, and whether it hangs on its charger."""
    fields = decode_object(delivery.payload)
    changes = fields.get("params")
    if fields.get("method") not in NOTIFICATIONS or not isinstance(changes, dict):
        return
    power = changes.get("devicepower:0")
    battery, external = (power.get(key) if isinstance(power, dict) else None for key in ("battery", "external"))
    yield Description(
        f"shelly:{name_in(delivery, 0)}",
        model=text_of(fields.get("src")).rpartition("-")[0],
        battery_percent=percent_of(battery.get("percent")) if isinstance(battery, dict) else None,
        is_on_mains=yes_or_no(external.get("present")) if isinstance(external, dict) else None,
        told_unix_s=_unix_s(changes) if power else None,
    )


def describe_gen1(delivery: Delivery) -> Iterator[Description]:
    """Return what a Gen1 device announces of itself."""
    fields = decode_object(delivery.payload)
    identity, model, firmware = (text_of(fields.get(key)) for key in ("mac", "model", "fw_ver"))
    yield Description(f"shelly:{name_in(delivery, 1)}", identity=identity, model=model, firmware=firmware)


def decode_status(delivery: Delivery) -> tuple[TemperatureSample, ...]:
    """Decode the status of one temperature component; another component's gives none."""
    component = delivery.topic.split("/")[2]
    if not COMPONENT.fullmatch(component):
        return ()
    probe_id = f"shelly:{name_in(delivery, 0)}/{component}"
    values = _values(decode_object(delivery.payload))
    return tuple(by_second(delivery, probe_id, value, None, boot=ARRIVAL_BOOT) for value in values)


def decode_online(delivery: Delivery) -> Presence | tuple[TemperatureSample, ...]:
    """Decode `true`, or the will `false`; others use such topics too, and what they say there is not for us."""
    if delivery.payload not in (b"true", b"false"):
        return ()
    return Presence(f"shelly:{name_in(delivery, 0)}", is_present=delivery.payload == b"true")


def _values(status: Any) -> tuple[Value, ...]:
    """Return a component's value, none where something else changed; a probe in error may send no degrees at all."""
    if not isinstance(status, dict):
        raise BadFrame("component_malformed")
    if "tC" in status:
        return (value_of(status["tC"], "C"),)
    if "tF" in status:
        return (value_of(status["tF"], "F"),)
    return (value_of(None, "C"),) if status.get("errors") else ()


def _unix_s(changes: Mapping[str, Any]) -> int | None:
    """Return the second of `ts`. While sys.unixtime is null the clock was not set, whatever `ts` says."""
    system = changes.get("sys")
    if isinstance(system, dict) and "unixtime" in system and system["unixtime"] is None:
        return CLOCK_NEVER_SET_S
    given = changes.get("ts")
    return None if given is None else unix_s_of_number(given)
