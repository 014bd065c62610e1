"""What a scanned code stands for, as desks and benches ask: a unit, a booking, a visit, some other text, or nothing."""

import re
from dataclasses import dataclass, field
from datetime import date

from clinic_server.kit.errors import Refused
from clinic_server.stock.rules import UnitCodeInvalid, normalised_code

_ARTICLE = re.compile(r"\(01\)([0-9]{14})\(21\).+|([0-9]{7})[0-9]{13}")


class ScanMisread(Refused):
    """The code breaks the rules of its own kind: a wrong check digit, two values for one field, a part missing."""

    code = "scan_misread"


class ScanWithoutSerial(Refused):
    """The code names a product or a lot, and no single unit."""

    code = "scan_without_serial"


class ScanIsNoUnit(Refused):
    """What was scanned stands on no vial: a booking, a number of somebody, a ticket."""

    code = "scan_is_no_unit"


class ScanIsTravelDocument(Refused):
    """The machine-readable lines of a travel document, which a barcode scanner does not check."""

    code = "scan_is_travel_document"


@dataclass(frozen=True, slots=True)
class UnitScan:
    """A unit, by the one spelling under which stock keeps it: 20 digits, or ``(01)GTIN(21)serial``.

    ``lot`` and ``expires_on`` are what the code says besides; None where it does not.
    """

    code: str
    lot: str | None = None
    expires_on: date | None = None

    @property
    def article(self) -> str | None:
        """The maker's number of product and packing in it: a GTIN, or a trace code's first seven digits."""
        found = _ARTICLE.fullmatch(self.code)
        return found and (found[1] or found[2])


@dataclass(frozen=True, slots=True)
class BookingScan:
    """A booking, by its reference."""

    reference: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class VisitScan:
    """The code on the slip of a visit, as it was printed."""

    code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScanFacts:
    """Any other text. ``is_document`` says its own check digit proves it to be the number of a document."""

    text: str = field(repr=False)
    symbology: str | None = None
    is_document: bool = False


@dataclass(frozen=True, slots=True)
class ScanFault:
    """A code nobody can use; ``code`` is the error that says why."""

    code: str


Scanned = UnitScan | BookingScan | VisitScan | ScanFacts | ScanFault


def refusal_of(fault: ScanFault) -> Refused:
    """Return the error of a code nobody can use."""
    known = {error.code: error for error in (ScanMisread, ScanWithoutSerial, ScanIsTravelDocument)}
    return known[fault.code]()


def unit_code(scanned: Scanned) -> str:
    """Return the code of the unit that was scanned, as stock keeps it, or raise a Refused that says what it is instead.

    A text of no known kind may be a maker's own code: only stock knows.
    """
    match scanned:
        case UnitScan(code=code):
            return code
        case ScanFault():
            raise refusal_of(scanned)
        case ScanFacts(text, is_document=False):
            try:
                return normalised_code(text)
            except UnitCodeInvalid:
                raise ScanIsNoUnit from None
        case _:
            raise ScanIsNoUnit
