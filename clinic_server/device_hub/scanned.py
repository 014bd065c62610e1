"""What a scanner read, in the clinic's own words: a unit, a booking, a visit, a document, some text, or nothing."""

import re
from datetime import date
from typing import Any, Final

from clinic_server.device_hub.translation import card_content
from clinic_server.people.documents import Document, NumberRefused
from clinic_server.stock.scans import (
    BookingScan,
    ScanFacts,
    ScanFault,
    ScanIsTravelDocument,
    ScanMisread,
    Scanned,
    ScanWithoutSerial,
    UnitScan,
    VisitScan,
)
from devices.barcode_scanner import code
from devices.errors import BadFrame
from devices.travel_document import mrz

# ICAO 9303: TD1 has 3 lines of 30, TD2 two of 36, TD3 two of 44; a scanner that reads print sends them as one.
_ZONE: Final = re.compile("(?=[A-Z0-9<]*<<)[A-Z](?:[A-Z0-9<]{89}|[A-Z0-9<]{71}|[A-Z0-9<]{87})")


def read_by_scanner(text: str, symbology: str | None, today: date) -> tuple[str, Any]:
    """Return the kind of delivery, "card" or "scan", and what a station gets of a scanned code."""
    zone = "".join(text.split())
    if _ZONE.fullmatch(zone):
        return _zone_content(zone, today)
    return "scan", scan_content(text, symbology)


def scan_content(text: str, symbology: str | None) -> Scanned:
    """Return what a station gets of a scanned code that is no document's zone."""
    try:
        return _in_clinic_words(code.what_was_scanned(text, symbology), symbology)
    except code.BadCode:
        return ScanFault(ScanMisread.code)


def typed_content(text: str) -> Scanned:
    """Return what was typed into a page, by hand or by a scanner that plays keyboard, as if it had been scanned."""
    try:
        return _in_clinic_words(code.what_was_typed(text), None)
    except code.BadCode:
        return ScanFault(ScanMisread.code)


def _zone_content(zone: str, today: date) -> tuple[str, Any]:
    try:
        return "card", card_content(mrz.decode(zone, today))
    except BadFrame:
        return "scan", ScanFault(ScanIsTravelDocument.code)


def _in_clinic_words(scanned: code.Scanned, symbology: str | None) -> Scanned:
    match scanned:
        case code.TraceCode(text):
            return UnitScan(text)
        case code.Gs1(gtin=str(gtin), serial=str(serial), lot=lot, expires_on=expires_on):
            return UnitScan(f"(01){gtin}(21){serial}", lot, expires_on)
        case code.Gs1():
            return ScanFault(ScanWithoutSerial.code)
        case code.Booking(reference):
            return BookingScan(reference)
        case code.VisitSlip(text):
            return VisitScan(text)
        case code.Other(text):
            return _of_no_known_kind(text, symbology)


def _of_no_known_kind(text: str, symbology: str | None) -> ScanFacts | ScanFault:
    if _ZONE.fullmatch("".join(text.split())):
        return ScanFault(ScanIsTravelDocument.code)
    return ScanFacts(text, symbology, is_document=_proves_itself(text))


def _proves_itself(text: str) -> bool:
    """Tell whether a text is a document's number beyond doubt: at full length, its check digit sound."""
    try:
        number = Document.parse(text).number
    except NumberRefused:
        return False
    return len(number) >= 15 and number == text.strip().upper()  # noqa: PLR2004  # shorter ones have no check digit
