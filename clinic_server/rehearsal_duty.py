"""The people a rehearsal wakes: the emergency team and three steps of the ladder, by pagers that are made up."""

from datetime import time

from clinic_server.alerts.contacts import Address, NewContact, add_contact
from clinic_server.alerts.duties import add_duty
from clinic_server.alerts.roster import Shift, Weekly
from clinic_server.kit.access import system_actor
from clinic_server.kit.db import Database
from clinic_server.kit.tx import Tx
from clinic_server.paging.actions import NewChannel, set_up_channel
from firmware_stubs.pagers.robots import url_at

ON_DUTY = (
    ("feishu", ("韩雪梅", "郑凯")),
    ("wecom", ("陈晓岚", "林志远", "苏敏")),
    ("dingtalk", ("周建国", "何静", "罗伟")),
    ("feishu", ("吴海燕", "马德明", "许文婷")),
)
_SMS = {
    "body": '{"to":"{address}","text":"{text}"}',
    "success_pointer": "/code",
    "success_value": "0",
}
_EVERY_DAY = frozenset(range(7))


def put_on_duty(db: Database, port: int) -> None:
    """Set up a channel for each step and one for text messages, all on this machine, and a roster without holes."""
    db.write_now(lambda tx: _call_in(tx, port), system_actor("rehearsal"))


def _call_in(tx: Tx, port: int) -> None:
    set_up_channel(tx, NewChannel("sms", "sms_http", url_at(port, "sms"), _SMS))
    for robot in {robot for robot, _ in ON_DUTY}:
        set_up_channel(tx, NewChannel(robot, robot, url_at(port, robot)))
    for step, (robot, people) in enumerate(ON_DUTY):
        for place, name in enumerate(people):
            mobile = f"+86100{step}000{place:04}"  # no mobile number begins so
            member = f"ou_demo{step}{place}" if robot == "feishu" else mobile
            addresses = (Address(robot, member), Address("sms", mobile))
            contact = add_contact(tx, NewContact(f"{name}（演示）", addresses)).contact_id
            add_duty(tx, Weekly(_EVERY_DAY, Shift(contact, step, time(0), time(0))))
