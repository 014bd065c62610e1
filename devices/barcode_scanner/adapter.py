"""A scanner on a line of bytes. Every scan is told, also the same code twice: what it means is not ours to say."""

from typing import Final

from devices.adapter import DeviceSpec, Session
from devices.barcode_scanner import wire
from devices.barcode_scanner.feedback import MAKES, NO_MAKE, AnswerSieve, sieve_of
from devices.barcode_scanner.ssi import PacketSieve
from devices.errors import BadFrame, OptionRefused
from devices.events import BarcodeScanned, PayloadRejected
from devices.framing import LineSplitter
from devices.links import Link, LinkAddress, open_byte_link
from devices.options import known_options_only, one_of, whole_number
from devices.outbox import Outbox
from devices.receipts import Receipt
from devices.words import DeviceWord, Verdict

SILENCE_MS: Final = 80
CHUNK: Final = 1024


class BarcodeScanner:
    """The adapter.

    Option `silence_ms` (20..1000) is the pause that ends a code when the scanner sends no line end; option `encoding`
    is utf-8, gb18030 or guessed; option `make` is whose bytes sound good and bad, none by default.
    """

    def __init__(self, spec: DeviceSpec) -> None:
        known_options_only(spec, "silence_ms", "encoding", "make")
        if LinkAddress.parse(spec.url).scheme == "evdev" and spec.options.get("make", NO_MAKE) != NO_MAKE:
            raise OptionRefused("a scanner that plays keyboard listens to nobody: leave out option make")
        self._spec = spec
        self._silence_s = whole_number(spec, "silence_ms", SILENCE_MS, low=20, high=1000) / 1000
        self._encoding = one_of(spec, "encoding", wire.GUESSED, *wire.ENCODINGS)
        self._feedback = MAKES[one_of(spec, "make", NO_MAKE, *MAKES)]
        self._outbox: Outbox | None = None

    def hear(self, word: DeviceWord, now_s: float) -> bool:  # noqa: ARG002 - a sound is for now or for never
        """See Listener: a verdict is sent as the make's sound, if it has one and is connected."""
        sound = self._feedback.bytes_for(word) if isinstance(word, Verdict) else b""
        if not sound or self._outbox is None:
            return False
        self._outbox.put(sound)
        return True

    async def attend(self, session: Session) -> None:
        """See Adapter."""
        async with await open_byte_link(self._spec.url) as link, Outbox(link) as outbox:
            self._outbox = outbox
            try:
                await session.online()
                await self._scan_for_ever(session, link, outbox)
            finally:
                self._outbox = None

    async def _scan_for_ever(self, session: Session, link: Link, outbox: Outbox) -> None:
        splitter, sieve = wire.scan_splitter(), sieve_of(self._feedback)
        while True:
            is_midway = splitter.has_pending or sieve.is_holding
            received = await link.read(CHUNK, self._silence_s if is_midway else None)
            lines = splitter.feed(sieve.feed(received)) if received else _ended_by_silence(splitter, sieve)
            if reply := sieve.reply():
                outbox.put(reply)
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


def _ended_by_silence(splitter: LineSplitter, sieve: AnswerSieve | PacketSieve) -> list[bytes]:
    lines = splitter.feed(sieve.end_of_silence())
    return [*lines, splitter.end_of_silence()] if splitter.has_pending else lines
