"""Which driver serves which kind of channel: a new kind is one line here."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from devices.errors import KindRefused
from devices.pagers.apprise_extra import AppriseExtra
from devices.pagers.email import EmailPager
from devices.pagers.mqtt_topic import MqttTopic
from devices.pagers.page import Pager, PagerSpec
from devices.pagers.pocsag import PocsagPager
from devices.pagers.robots import RobotPager
from devices.pagers.screen import Screen
from devices.pagers.siren import Siren
from devices.pagers.sms_http import SmsGateway
from devices.pagers.sms_modem import SmsModem
from devices.pagers.snpp import SnppPager
from devices.pagers.tap import TapPager
from devices.pagers.webhook import Webhook

PagerFactory = Callable[[PagerSpec], Pager]

PAGER_KINDS: Final[Mapping[str, PagerFactory]] = MappingProxyType(
    {
        "apprise": AppriseExtra,
        "dingtalk": RobotPager,
        "email": EmailPager,
        "feishu": RobotPager,
        "mqtt_topic": MqttTopic,
        "pocsag": PocsagPager,
        "screen": Screen,
        "siren": Siren,
        "sms_http": SmsGateway,
        "sms_modem": SmsModem,
        "snpp": SnppPager,
        "tap": TapPager,
        "webhook": Webhook,
        "wecom": RobotPager,
    }
)


def pager_for(spec: PagerSpec) -> Pager:
    """Build the driver of a channel. Raises SpecRefused with a sentence that names the mistake."""
    factory = PAGER_KINDS.get(spec.kind)
    if factory is None:
        raise KindRefused(f"unknown kind of pager {spec.kind!r}, expected one of {', '.join(sorted(PAGER_KINDS))}")
    return factory(spec)
