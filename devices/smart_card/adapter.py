"""A reader of chip cards: every card that is inserted is recognised, read once and told."""

from devices.adapter import DeviceSpec, Session
from devices.errors import BadFrame, CardUnusable, NoAnswer
from devices.events import CardRead, CardUnreadable, DeviceDescribed
from devices.links import Card, open_card_link
from devices.options import known_options_only, one_of
from devices.smart_card.apdu import Laying
from devices.smart_card.recognition import read_card


class SmartCardReader:
    """The adapter. Each insertion is one laying, the same card's too; a card that is pulled early is told as such."""

    def __init__(self, spec: DeviceSpec) -> None:
        known_options_only(spec, "photo")
        self._spec = spec
        self._keeps_photo = one_of(spec, "photo", "drop", "drop", "keep") == "keep"

    async def attend(self, session: Session) -> None:
        """See Adapter."""
        device_id = self._spec.device_id
        async with await open_card_link(self._spec.url) as link:
            await session.emit(DeviceDescribed(device_id=device_id, identity=link.reader, model=link.reader))
            await session.online()
            while True:
                async with await link.next_card() as card:
                    outcome = await self._read(card)
                await session.emit(outcome)

    async def _read(self, card: Card) -> CardRead | CardUnreadable:
        recipe = read_card(Laying(card.atr, self._keeps_photo))
        try:
            question = next(recipe)
            while True:
                question = recipe.send(await card.transmit(question))
        except StopIteration as end:
            return CardRead(self._spec.device_id, end.value)
        except (BadFrame, CardUnusable) as error:
            return CardUnreadable(self._spec.device_id, error.reason)
        except NoAnswer as error:
            return CardUnreadable(self._spec.device_id, error.code)
        finally:
            recipe.close()
