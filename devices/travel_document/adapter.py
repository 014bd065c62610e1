"""A reader of travel documents on a line of bytes. Every reading is told, also the same document twice."""

from typing import Final

from devices.adapter import DeviceSpec, Session
from devices.errors import BadFrame
from devices.events import CardRead, CardUnreadable
from devices.framing import LineSplitter
from devices.links import LinkAddress, open_byte_link
from devices.options import known_options_only, whole_number
from devices.travel_document import wire
from devices.travel_document.wire import ZoneGatherer

SILENCE_MS: Final = 80
NEXT_LINE_S: Final = 5.0  # a reader that is drawn over the lines by hand takes its time
CHUNK: Final = 1024


class TravelDocumentReader:
    """The adapter. Option `silence_ms` (20..1000) is the pause that ends a line when the reader sends no line end."""

    def __init__(self, spec: DeviceSpec) -> None:
        known_options_only(spec, "silence_ms")
        LinkAddress.parse(spec.url)
        self._spec = spec
        self._silence_s = whole_number(spec, "silence_ms", SILENCE_MS, low=20, high=1000) / 1000

    async def attend(self, session: Session) -> None:
        """See Adapter."""
        splitter, gatherer = wire.line_splitter(), ZoneGatherer()
        async with await open_byte_link(self._spec.url) as link:
            await session.online()
            while True:
                received = await link.read(CHUNK, self._patience_s(splitter, gatherer))
                for zone in _zones_in(received, splitter, gatherer):
                    await self._tell(session, zone)

    def _patience_s(self, splitter: LineSplitter, gatherer: ZoneGatherer) -> float | None:
        if splitter.has_pending:
            return self._silence_s
        return NEXT_LINE_S if gatherer.has_begun else None

    async def _tell(self, session: Session, zone: str) -> None:
        try:
            card = wire.decode(zone, session.utc_now().date())
        except BadFrame as error:
            await session.emit(CardUnreadable(self._spec.device_id, error.reason))
        else:
            await session.emit(CardRead(self._spec.device_id, card))


def _zones_in(received: bytes, splitter: LineSplitter, gatherer: ZoneGatherer) -> list[str]:
    """Return the zones that what was received, or silence, has ended."""
    if received:
        lines = splitter.feed(received)
    elif splitter.has_pending:
        lines = [splitter.end_of_silence()]
    else:
        return gatherer.end_of_silence()
    return [zone for line in lines for zone in gatherer.feed(line)]
