"""What this bench's scanner read, and which unit that is."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from clinic_server.injection.rules import ScanPerished
from clinic_server.kit.errors import ClinicError
from clinic_server.kit.inbox import Delivery, Inbox
from clinic_server.stock.scans import VisitScan, unit_code

SCAN = "scan"


@dataclass(frozen=True, slots=True)
class ScanSeen:
    """What a bench's scanner read last: a unit's code, or ``fault``, the error that a permit would meet."""

    delivery_id: UUID
    text: str = field(repr=False)
    fault: str | None = None


def scan_seen(inbox: Inbox, station: str) -> ScanSeen | None:
    """Return what a bench's scanner read last, None once it is used or has perished."""
    delivery = inbox.latest(station, SCAN)
    return _seen(delivery) if delivery else None


def is_slip_seen(inbox: Inbox, station: str) -> bool:
    """Tell whether a bench's scanner read a visit's slip last, which is no unit."""
    delivery = inbox.latest(station, SCAN)
    return delivery is not None and isinstance(delivery.content, VisitScan)


def unit_scanned(inbox: Inbox, station: str, delivery_id: UUID) -> str:
    """Return the code of the unit this bench's scanner read, or raise a Refused or ScanPerished."""
    delivery = inbox.latest(station, SCAN)
    if delivery is None or delivery.id != delivery_id:
        raise ScanPerished
    return unit_code(delivery.content)


def codes_seen(inbox: Inbox, station: str, delivery_id: UUID) -> Sequence[str]:
    """Return the one code this bench's scanner read, none once it is used or has perished."""
    seen = scan_seen(inbox, station)
    return [seen.text] if seen and seen.delivery_id == delivery_id and seen.text else []


def put_aside(inbox: Inbox, station: str) -> bool:
    """Take away what was scanned while nobody waited for it, so that it is never the next person's; tell if any was."""
    delivery = inbox.latest(station, SCAN)
    if delivery is None or isinstance(delivery.content, VisitScan):
        return False
    inbox.dismiss(station, delivery.id, accepted=False)
    return True


def _seen(delivery: Delivery) -> ScanSeen:
    try:
        return ScanSeen(delivery.id, unit_code(delivery.content))
    except ClinicError as refused:
        return ScanSeen(delivery.id, "", refused.code)
