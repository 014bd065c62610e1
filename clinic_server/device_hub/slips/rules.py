"""Which slips there are, which line of the journal asks for one, and on which printer it comes out. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from clinic_server.kit.errors import Conflict

RECEIPT_PRINTER: Final = "receipt_printer"  # the kind of device


class SlipKind(StrEnum):
    """What a person is handed: their queue ticket, and how long they stay after the needle."""

    TICKET = "ticket"
    OBSERVATION = "observation"


class SlipState(StrEnum):
    """What is known of a slip; ``sent`` is all a printer that never answers lets us know."""

    WAITING = "waiting"
    PRINTED = "printed"
    SENT = "sent"
    UNCONFIRMED = "unconfirmed"
    NOT_PRINTED = "not_printed"
    NO_PRINTER = "no_printer"
    UNKNOWN = "unknown"


class NoPrinterHere(Conflict):
    """No printer of the actor's station prints this slip, and none of the site takes it in."""

    code = "no_printer_here"


class NothingToPrint(Conflict):
    """The visit has not come to what the slip is about."""

    code = "nothing_to_print"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a line of the journal asks for; a copy says on its paper that it is one."""

    kind: SlipKind
    is_copy: bool = False


ASKED_AGAIN: Final[Mapping[SlipKind, str]] = MappingProxyType(
    {SlipKind.TICKET: "ticket_asked_again", SlipKind.OBSERVATION: "observation_slip_asked_again"}
)
WANTED: Final[Mapping[str, Wanted]] = MappingProxyType(
    {
        "checked_in": Wanted(SlipKind.TICKET),
        "further_asked_for": Wanted(SlipKind.TICKET),
        "dose_given": Wanted(SlipKind.OBSERVATION),
        **{line: Wanted(kind, is_copy=True) for kind, line in ASKED_AGAIN.items()},
    }
)


@dataclass(frozen=True, slots=True)
class Printer:
    """A receipt printer of the site, as it was set up."""

    device_id: str
    station: str | None
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def prints(self) -> frozenset[str]:
        """The kinds it is set up for by name: its option ``prints``, words with commas between."""
        return frozenset(word.strip() for word in self.options.get("prints", "").split(",")) - {""}


def printer_for(printers: Iterable[Printer], station: str | None, kind: SlipKind) -> Printer | None:
    """Return the printer of a slip asked for at a station, or None.

    A station's own printer prints everything, or only what ``prints`` names. A slip its station cannot print goes to
    the first printer that ``prints`` names it for, wherever that stands.
    """
    known = tuple(printers)
    own = [one for one in known if one.station == station is not None and (not one.prints or kind in one.prints)]
    elsewhere = [one for one in known if kind in one.prints]
    return next(iter((*own, *elsewhere)), None)
