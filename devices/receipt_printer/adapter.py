"""A receipt printer on a line of bytes. Whoever orders a slip never waits for the paper."""

import asyncio
from typing import Final

from devices.adapter import DeviceSpec, Session
from devices.errors import DeviceError, OptionRefused
from devices.events import SlipFailed, SlipPrinted
from devices.links import Link, LinkAddress, open_byte_link
from devices.options import known_options_only, one_of, whole_number
from devices.receipt_printer import wire
from devices.receipt_printer.conversation import Conversation
from devices.receipt_printer.jobs import Job, JobQueue
from devices.receipt_printer.layout import Glyphs
from devices.words import DeviceWord, PrintSlip

MOST_WAITING: Final = 100
KEEP_S: Final = 900
IDLE_LOOK_S: Final = 10.0
STOPPED_LOOK_S: Final = 1.0
PATIENCE_S: Final = 6
MOST_SILENCES: Final = 3
USES: Final = ("ticket", "observation")
OPTIONS: Final = ("columns", "qr", "cutter", "glyphs", "answers", "keep_s", "patience_s", "prints")


def paper_of(spec: DeviceSpec) -> wire.Paper:
    """Return what a printer can do by its options. Raises SpecRefused."""
    return wire.Paper(
        columns=int(one_of(spec, "columns", "32", "32", "48")),
        has_qr=one_of(spec, "qr", "yes", "yes", "no") == "yes",
        has_cutter=one_of(spec, "cutter", "yes", "yes", "no") == "yes",
        glyphs=Glyphs(one_of(spec, "glyphs", "gbk", "gbk", "gb18030")),
    )


def _known_uses_only(spec: DeviceSpec) -> None:
    named = {word.strip() for word in spec.options.get("prints", USES[0]).split(",")}
    if unknown := sorted(named - set(USES)):
        raise OptionRefused(f"option prints is words of {', '.join(USES)} with commas between, not {unknown[0]!r}")


def keep_s_of(spec: DeviceSpec) -> int:
    """Return how long a slip waits for its printer. Raises SpecRefused."""
    return whole_number(spec, "keep_s", KEEP_S, low=1, high=86400)


class ReceiptPrinter:
    """The adapter.

    Option `columns` is 32 (58 mm) or 48 (80 mm); `qr`, `cutter` and `answers` are yes or no: what the printer has, and
    whether it answers status questions (without that, a slip counts as printed once it is sent; a port that cannot be
    read means no). Option `glyphs` is gbk, or gb18030 for a font that has Extension A as well. Option `keep_s`
    (1..86400) is how long a slip waits for a printer that is away, after which it is told as failed; `patience_s`
    (1..60) is how long a printer that is well may take for a slip. Option `prints` names the slips that belong
    here (ticket, observation, with a comma between); whoever tells this printer what to print has read it.

    A slip is sent once. When the line breaks in its middle nobody knows what is on the paper: it is told as
    unconfirmed and left to a person, for a second ticket with the same number is worse than a missing one.
    """

    def __init__(self, spec: DeviceSpec) -> None:
        known_options_only(spec, *OPTIONS)
        LinkAddress.parse(spec.url)
        self._spec = spec
        self._paper = paper_of(spec)
        _known_uses_only(spec)
        self._answers = one_of(spec, "answers", "yes", "yes", "no") == "yes"  # and once the port is open: if it can
        patience_s = whole_number(spec, "patience_s", PATIENCE_S, low=1, high=60)
        self._silence_s = patience_s / MOST_SILENCES
        self._jobs = JobQueue(MOST_WAITING, keep_s_of(spec))
        self._wake = asyncio.Event()
        self._trouble_told = ""

    def hear(self, word: DeviceWord, now_s: float) -> bool:
        """See Listener: a slip waits for its turn, unless too many wait already."""
        is_taken = isinstance(word, PrintSlip) and self._jobs.add(word, now_s)
        if is_taken:
            self._wake.set()
        return is_taken

    async def attend(self, session: Session) -> None:
        """See Adapter."""
        await self._give_up_old_ones(session)
        async with await open_byte_link(self._spec.url) as link:
            printer = Conversation(link)
            self._answers = self._can_answer(link)
            trouble = await printer.trouble() if self._answers else wire.PrinterTrouble()
            self._trouble_told = trouble.word
            await session.online(trouble.word)
            while True:
                await self._give_up_old_ones(session)
                await self._print_what_waits(session, printer)
                is_held = len(self._jobs) > 0
                await printer.idle(self._wake, STOPPED_LOOK_S if is_held else IDLE_LOOK_S)

    def _can_answer(self, link: Link) -> bool:
        wanted = one_of(self._spec, "answers", "", "", "yes", "no")
        if wanted == "yes" and not link.can_be_read:
            raise OptionRefused("this port can only be written to, so the printer cannot answer: set answers to no")
        return wanted != "no" and link.can_be_read

    async def _print_what_waits(self, session: Session, printer: Conversation) -> None:
        self._wake.clear()
        while not await self._is_stopped(session, printer) and (job := self._jobs.take()) is not None:
            await self._print(session, printer, job)

    async def _print(self, session: Session, printer: Conversation, job: Job) -> None:
        device_id, job_id = self._spec.device_id, job.word.job_id
        try:
            await printer.send(wire.encode(job.word.slip, self._paper) + wire.ASK_PROGRESS * self._answers)
            is_done = not self._answers or await self._is_worked_off(session, printer)
        except DeviceError:
            await session.emit(SlipFailed(device_id, job_id, "unconfirmed"))
            raise
        done = SlipPrinted(device_id, job_id, is_confirmed=self._answers)
        await session.emit(done if is_done else SlipFailed(device_id, job_id, "unconfirmed"))

    async def _is_worked_off(self, session: Session, printer: Conversation) -> bool:
        """Wait for the end of the slip: through a change of paper, but not for a printer that is well and silent."""
        silences = 0
        while not await printer.has_worked_off(self._silence_s):
            silences = 0 if await self._is_stopped(session, printer) else silences + 1
            if silences == MOST_SILENCES:
                return False
        return True

    async def _is_stopped(self, session: Session, printer: Conversation) -> bool:
        """Ask how the printer is and tell what has changed."""
        if not self._answers:
            return False
        trouble = await printer.trouble()
        if trouble.word != self._trouble_told:
            self._trouble_told = trouble.word
            await session.online(trouble.word)
        return trouble.is_stopped

    async def _give_up_old_ones(self, session: Session) -> None:
        for job in self._jobs.expired(session.monotonic()):
            await session.emit(SlipFailed(self._spec.device_id, job.word.job_id, "too_old"))
