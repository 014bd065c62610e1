"""What a scanned text says about the box it stands on. Pure: no bytes, no clinic.

Sources: GS1 General Specifications (element strings, §3; FNC1 as <GS>, §7.8; date without a day, §3.4.2; HRI brackets,
§4.14); ISO/IEC 15424 (which AIM identifiers announce GS1); NMPAB/T 1002-2019 (a trace code is 20 characters, the first
seven digits are the drug identifier; in practice 20 digits that begin with 8).
"""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from biip import ParseConfig, ParseError
from biip.gs1_messages import GS1Message
from biip.gtin import Gtin

from devices.barcode_scanner.wire import AIM_IDENTIFIER, AIM_LENGTH
from devices.errors import WireError

GS1_ANNOUNCED: Final = frozenset({"]C1", "]J1", "]Q3", "]d2", "]e0"})
EAN_ANNOUNCED: Final = frozenset({"]E0", "]E4"})
VISIT_SLIP: Final = re.compile(r"V1-[0-9]{6}-[0-9]{3,6}-[A-Z2-7]{8}")
BOOKING: Final = re.compile(r"CB1:([0-9A-Za-z_-]{8,32})")
TRACE_CODE: Final = re.compile(r"8[0-9]{19}")
BEGINS_WITH_GTIN: Final = re.compile(r"\x1d?01[0-9]{14}")
BARE_GTIN_LENGTH: Final = 16
# "|" is none of the characters GS1 data may hold (§7.11, table 1), so a scanner may show <GS> as it.
CONFIG: Final = ParseConfig(separator_chars=("\x1d", "|"))


class BadCode(WireError):
    """A code that says what kind it is and then breaks that kind's rules. `reason` is a stable word, never the text.

    Reasons: not_gs1, gtin_check_digit, contradicts_itself, brackets_in_value.
    """

    code = "bad_code"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class TraceCode:
    """A 20-digit drug trace code. Batch and expiry are not in it; product and pack size are learnt per site."""

    text: str

    @property
    def drug_identifier(self) -> str:
        """The first seven digits: product, pack size and packaging level."""
        return self.text[:7]


@dataclass(frozen=True, slots=True)
class Gs1:
    """A GS1 message; None where it says nothing. `others` keeps the remaining (AI, value), in the order printed.

    `gtin` has 14 digits and a sound check digit. `expires_on` is AI 17 alone: a best-before date (15) is in `others`.
    """

    gtin: str | None = None
    expires_on: date | None = None
    lot: str | None = None
    serial: str | None = None
    others: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking's QR code: ``CB1:`` and its reference, 8 to 32 characters that may stand in an address."""

    reference: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class VisitSlip:
    """The code on a visit's slips: the day, the ticket, and eight letters that its site knows to be its own."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Other:
    """Anything else: an identity number. It may be personal, so it stays out of the repr."""

    text: str = field(repr=False)


Scanned = TraceCode | Gs1 | Booking | VisitSlip | Other


def what_was_scanned(text: str, symbology: str | None = None) -> Scanned:
    """Tell what a code is. Raises BadCode and nothing else.

    A code is GS1 when its AIM identifier says so; without one, when it is in brackets or begins with a GTIN and the
    whole of it can be read so. Lost separators are not guessed: `10032915210526` is one long lot.
    """
    if symbology in GS1_ANNOUNCED:
        return _read(text)
    if TRACE_CODE.fullmatch(text):  # before GS1: 8110…, 8111…, 8112… and 8200… can be read as element strings too
        return TraceCode(text)
    if own := _one_of_ours(text):
        return own
    if symbology in EAN_ANNOUNCED:
        return Gs1(gtin=_sound_gtin(text))
    if text.startswith("(") or BEGINS_WITH_GTIN.match(text):
        return _read_if_it_is(text)
    return Other(text)


def what_was_typed(text: str) -> Scanned:
    """Tell what a scanner typed that plays keyboard. Raises BadCode and nothing else.

    Such a scanner types its AIM identifier in front, and the separator of GS1 as "|" or "]", for it has no key.
    """
    text = text.strip(" \t\r\n")
    identifier = AIM_IDENTIFIER.match(text)
    symbology, content = (None, text) if identifier is None else (identifier[0], text[AIM_LENGTH:])
    if symbology in GS1_ANNOUNCED or BEGINS_WITH_GTIN.match(content):
        content = content.replace("]", "\x1d")  # GS1 data has no "]" either
    return what_was_scanned(content, symbology)


def _one_of_ours(text: str) -> Booking | VisitSlip | None:
    if booking := BOOKING.fullmatch(text):
        return Booking(booking[1])
    return VisitSlip(text) if VISIT_SLIP.fullmatch(text) else None


def _read_if_it_is(text: str) -> Gs1 | Other:
    try:
        return _read(text)
    except BadCode as bad:
        # Sixteen digits beginning with 01 may be anybody's number; with more behind them it was meant as GS1.
        if bad.reason == "not_gs1" or len(text.lstrip("\x1d")) == BARE_GTIN_LENGTH:
            return Other(text)
        raise


def _read(text: str) -> Gs1:
    said = _elements(text)
    others = tuple((ai, value) for ai, (value, _) in said.items() if ai not in {"01", "17", "10", "21"})
    return Gs1(
        gtin=_sound_gtin(said["01"][0]) if "01" in said else None,
        expires_on=said["17"][1] if "17" in said else None,
        lot=said["10"][0] if "10" in said else None,
        serial=said["21"][0] if "21" in said else None,
        others=others,
    )


def _elements(text: str) -> dict[str, tuple[str, date | None]]:
    """Return value and date by AI. The same AI twice must say the same (§4.15)."""
    message = _message(text)
    said: dict[str, tuple[str, date | None]] = {}
    for element in message.element_strings:
        found = (element.value, element.date)
        if said.setdefault(element.ai.ai, found) != found:
            raise BadCode("contradicts_itself")
    return said


def _message(text: str) -> GS1Message:
    # biip's patterns take the digits of every script, GS1 only those of ASCII.
    if not text.isascii() or not text.strip():
        raise BadCode("not_gs1")
    is_bracketed = text.startswith("(")
    try:
        message = (GS1Message.parse_hri if is_bracketed else GS1Message.parse)(text, config=CONFIG)
    except ParseError:
        raise BadCode("not_gs1") from None
    if is_bracketed and message.as_hri() != "".join(text.split()):
        raise BadCode("brackets_in_value")  # biip would drop them and what follows
    return message


def _sound_gtin(digits: str) -> str:
    try:
        return Gtin.parse(digits, config=CONFIG).value.zfill(14)
    except ParseError:
        raise BadCode("gtin_check_digit") from None
