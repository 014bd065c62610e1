"""Whether something that was found is a device the site has already."""

from collections.abc import Iterable
from itertools import zip_longest

from clinic_server.device_hub.carriers import FoundAt, SiteDevice
from clinic_server.device_hub.rules import SHARED_LINES
from devices.errors import SpecRefused
from devices.fridge_probe.listening import listening_of
from devices.supervisor import DeviceSpec


def is_attended(at: FoundAt, devices: Iterable[SiteDevice]) -> bool:
    """Tell whether a find is attended: at its port, which has one owner, or by a subscription that hears it."""
    there = [one.spec for one in devices if (one.agent_id, one.spec.url) == (at.agent_id, at.found.url)]
    if at.found.kind not in SHARED_LINES:
        return bool(there)
    wanted = DeviceSpec("", at.found.kind, at.found.url, options=at.found.options)
    return any(_hears(spec, wanted) for spec in there)


def _hears(spec: DeviceSpec, wanted: DeviceSpec) -> bool:
    try:
        heard, asked = listening_of(spec.options).durable, listening_of(wanted.options).durable
    except SpecRefused:
        return False
    return all(any(_covers(wide, narrow) for wide in heard) for narrow in asked)


def _covers(wide: str, narrow: str) -> bool:
    """Tell whether one topic filter takes in all of another; of the wildcards ours use only + for a level."""
    levels = zip_longest(wide.split("/"), narrow.split("/"))
    return all(one == other or (one == "+" and other is not None) for one, other in levels)
