"""One attempt to send: bounded in time, and whatever goes wrong told as an outcome."""

import asyncio
from collections.abc import Awaitable
from typing import Final

from devices.errors import AddressRefused, DeviceError, LinkError, LinkUnavailable
from devices.pagers.page import Outcome, Reached

MOST_S: Final = 30.0


async def attempted(sending: Awaitable[Outcome], within_s: float = MOST_S) -> Outcome:
    """Wait for an attempt. It failed where nothing can have arrived, and is unconfirmed where something may have."""
    try:
        async with asyncio.timeout(within_s):
            return await sending
    except TimeoutError:
        return Outcome(Reached.UNCONFIRMED, "no_answer")
    except (LinkUnavailable, AddressRefused) as error:
        return Outcome(Reached.FAILED, _word_of(error))
    except DeviceError as error:
        return Outcome(Reached.UNCONFIRMED, _word_of(error))


def _word_of(error: DeviceError) -> str:
    return error.reason if isinstance(error, LinkError) else error.code
