"""What a device says, in the clinic's own words."""

import re
from typing import Final

from clinic_server.cold_chain.actions import Letter
from clinic_server.cold_chain.rules import Fault, Sample
from clinic_server.kit.errors import ClinicError
from clinic_server.people.documents import Document, NumberRefused
from clinic_server.people.rules import CardFacts, CardFault, card_from
from clinic_server.settings import DeviceSettings
from clinic_server.stock.scans import (
    BookingScan,
    ScanFacts,
    ScanFault,
    ScanIsTravelDocument,
    ScanMisread,
    Scanned,
    ScanWithoutSerial,
    UnitScan,
)
from devices.barcode_scanner import code
from devices.events import IdCard, PayloadRejected, TemperatureMeasured
from devices.supervisor import DeviceSpec

# ICAO 9303: TD1 has 3 lines of 30, TD2 two of 36, TD3 two of 44; a scanner may send them as one.
_MACHINE_READABLE_ZONE: Final = re.compile(
    "[A-Z][A-Z0-9<](?=[A-Z0-9<]*<<)(?:[A-Z0-9<]{88}|[A-Z0-9<]{70}|[A-Z0-9<]{86})"
)


def spec_of(device: DeviceSettings, zone: str) -> DeviceSpec:
    """Return a device as its supervisor wants it; probes without a time zone of their own keep the site's."""
    options = {"zone": zone, **device.options} if device.kind == "fridge_probe" else device.options
    return DeviceSpec(device.device_id, device.kind, device.url, device.simulated, options)


def card_content(card: IdCard) -> CardFacts | CardFault:
    """Return what a desk gets of a card: who it names, or why it cannot be used."""
    try:
        return card_from(
            number=card.number,
            name=card.name,
            latin_name=card.latin_name,
            gbt_2261_sex=card.sex,
            born_on=card.born_on,
            nationality=card.nationality,
            valid_until=card.valid_until,
        )
    except ClinicError as refused:
        return CardFault(refused.code)


def scan_content(text: str, symbology: str | None) -> Scanned:
    """Return what a station gets of a scanned code."""
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


def _in_clinic_words(scanned: code.Scanned, symbology: str | None) -> Scanned:
    match scanned:
        case code.TraceCode(text):
            return UnitScan(text)
        case code.Gs1(gtin=str(gtin), serial=str(serial)):
            return UnitScan(f"(01){gtin}(21){serial}")
        case code.Gs1():
            return ScanFault(ScanWithoutSerial.code)
        case code.Booking(reference):
            return BookingScan(reference)
        case code.Other(text) if _MACHINE_READABLE_ZONE.fullmatch("".join(text.split())):
            return ScanFault(ScanIsTravelDocument.code)
        case code.Other(text):
            return ScanFacts(text, symbology, is_document=_proves_itself(text))


def _proves_itself(text: str) -> bool:
    """Tell whether a text is a document's number beyond doubt: at full length, its check digit sound."""
    try:
        number = Document.parse(text).number
    except NumberRefused:
        return False
    return len(number) >= 15 and number == text.strip().upper()  # noqa: PLR2004  # shorter ones have no check digit


def sample_of(event: TemperatureMeasured) -> Sample:
    """Return a sample as the cold chain stores it."""
    sample = event.sample
    return Sample(
        probe_id=sample.probe_id,
        boot=sample.boot,
        seq=sample.seq,
        measured_at=sample.measured_at,
        milli_celsius=sample.milli_celsius,
        fault=Fault(sample.fault.value) if sample.fault else None,
        uptime_s=sample.uptime_s,
        is_retained=sample.retained,
        device_id=event.device_id,
    )


def letter_of(event: PayloadRejected) -> Letter:
    """Return a payload nobody can decode as the cold chain keeps it."""
    return Letter(event.device_id, event.origin, event.reason, event.payload)
