"""Run in a network of its own: starts a gateway, sends one page, follows it, prints each outcome as JSON.

``python -m tests.devices.snpp_talk ORDERS COMMAND...``; the command says READY once it takes pages.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from devices.pagers.page import Outcome, Page, PagerSpec
from devices.pagers.snpp import SnppPager


def main(orders: dict[str, Any], command: Sequence[str]) -> None:
    """Page beside a gateway; what it prints goes to standard output as well."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)  # noqa: S607  # of the system
    with subprocess.Popen(  # noqa: S603  # our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as serving:
        assert serving.stdout  # asked for above
        serving.stdout.readline()
        asyncio.run(_talk(orders))
        serving.terminate()
        sys.stdout.write(serving.stdout.read())


async def _talk(orders: dict[str, Any]) -> None:
    pager = SnppPager(
        PagerSpec("gateway", "snpp", orders["url"], orders["options"], orders["secrets"], ("127.0.0.1/32",))
    )
    outcome = await pager.send(orders["address"], Page("4711-a", orders["short"], "", reply_code="ACK"))
    _tell(outcome)
    for _ in range(orders["follows"] if outcome.ref else 0):
        assert outcome.ref  # asked above
        _tell(await pager.follow(outcome.ref))


def _tell(outcome: Outcome) -> None:
    sys.stdout.write(json.dumps([outcome.reached, outcome.reason, outcome.reply]) + "\n")


main(json.loads(sys.argv[1]), sys.argv[2:])
