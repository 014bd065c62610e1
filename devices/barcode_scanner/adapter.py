"""A scanner on a line of bytes. Every scan is told, also the same code twice: what it means is not ours to say."""

from typing import Final

from devices.adapter import DeviceSpec, Session
from devices.barcode_scanner import wire
from devices.errors import BadFrame, SpecRefused
from devices.events import BarcodeScanned, PayloadRejected
from devices.links import LinkAddress, open_byte_link
from devices.options import known_options_only, whole_number
from devices.receipts import Receipt

SILENCE_MS: Final = 80
CHUNK: Final = 1024


class BarcodeScanner:
    """The adapter.

    Option `silence_ms` (20..1000) is the pause that ends a code when the scanner sends no line end; option `encoding`
    is utf-8, gb18030 or guessed.
    """

    def __init__(self, spec: DeviceSpec) -> None:
        known_options_only(spec, "silence_ms", "encoding")
        LinkAddress.parse(spec.url)
        self._spec = spec
        self._silence_s = whole_number(spec, "silence_ms", SILENCE_MS, low=20, high=1000) / 1000

        self._encoding = spec.options.get("encoding", wire.GUESSED)
        if self._encoding not in wire.ENCODINGS:
            raise SpecRefused(f"option encoding must be one of {', '.join(wire.ENCODINGS)}")

    async def attend(self, session: Session) -> None:
        """See Adapter."""
        async with await open_byte_link(self._spec.url) as link:
            await session.online()
            splitter = wire.scan_splitter()
            while True:
                received = await link.read(CHUNK, self._silence_s if splitter.has_pending else None)
                lines = splitter.feed(received) if received else [splitter.end_of_silence()]
                for line in lines:
                    await self._tell(session, line)

    async def _tell(self, session: Session, line: bytes) -> None:
        device_id = self._spec.device_id
        try:
            scan = wire.decode(line, self._encoding)
        except BadFrame as error:
            await session.emit(PayloadRejected(device_id, error.reason, line, Receipt.for_perishable()))
        else:
            await session.emit(BarcodeScanned(device_id, scan.text, scan.symbology))
