"""Who works here, what a role and a certificate allow, and when a sign-in is refused."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

from clinic_server.kit.errors import ClinicError, Conflict, Malformed, NotFound, NotPermitted, Refused

MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
LONGEST_SESSION = timedelta(hours=14)  # a long shift, and nobody stays signed in over night
PIN_PATTERN = r"[0-9]{6,12}"
NUMBER_PATTERN = r"^[0-9]{3,12}$"
STATION_PATTERN = r"^[a-z0-9][a-z0-9-]{0,31}$"


class Role(StrEnum):
    """What someone does at the site; every route names the roles that may call it."""

    OWNER = "owner"
    SITE_LEAD = "site_lead"
    REGISTRAR = "registrar"
    PHYSICIAN = "physician"
    VACCINATOR = "vaccinator"
    OBSERVER = "observer"
    COLD_CHAIN_KEEPER = "cold_chain_keeper"
    ORDER_KEEPER = "order_keeper"
    VOLUNTEER = "volunteer"
    AUDITOR = "auditor"


class QualificationKind(StrEnum):
    """What a certificate is for."""

    PHYSICIAN = "physician"
    VACCINATOR = "vaccinator"
    REGISTRAR = "registrar"
    EMERGENCY = "emergency"


class StationKind(StrEnum):
    """What is done at a station."""

    REGISTRATION = "registration"
    SCREENING = "screening"
    CONSENT = "consent"
    INJECTION = "injection"
    OBSERVATION = "observation"
    EXIT = "exit"
    COLD_CHAIN = "cold_chain"
    OFFICE = "office"
    WALL = "wall"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Someone to be added: number, name and the hash of their PIN."""

    number: str
    name: str = field(repr=False)
    pin_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A qualification, valid on both dates and between."""

    kind: QualificationKind
    certificate_number: str
    valid_from: date
    valid_until: date

    def is_valid_on(self, on: date) -> bool:
        """Tell whether it counts on a date."""
        return self.valid_from <= on <= self.valid_until


@dataclass(frozen=True, slots=True)
class Stay:
    """One sign-in of somebody with a certificate; ``over_at`` is when it ended, or will unless they act before."""

    staff_id: UUID
    kind: QualificationKind
    began_at: datetime
    over_at: datetime


class SignInRefused(ClinicError):
    """Number or PIN is wrong, or the person no longer works here; the answer does not say which."""

    code = "sign_in_refused"
    status = 401


class SignInLocked(ClinicError):
    """Too many wrong PINs for this number, whether or not it exists; ``minutes`` says for how long."""

    code = "sign_in_locked"
    status = 429


class SetUpRefused(NotPermitted):
    """This is not the set-up code on the console, or it was tried too often."""

    code = "set_up_refused"


class SetUpDone(Conflict):
    """The site has its owner."""

    code = "set_up_done"


class PinTooSimple(Refused):
    """A PIN has 6 to 12 digits that are neither all equal nor a run."""

    code = "pin_too_simple"


class PinsDiffer(Malformed):
    """The PIN was typed differently the second time."""

    code = "pins_differ"


class StaffNumberTaken(Conflict):
    """Someone has, or had, this number."""

    code = "staff_number_taken"


class StaffUnknown(NotFound):
    """Nobody on the staff has this id or number."""

    code = "staff_unknown"


class StaffHasEnded(Conflict):
    """This person no longer works here."""

    code = "staff_has_ended"


class OwnerOnly(NotPermitted):
    """Only an owner decides about owners."""

    code = "owner_only"


class LastOwner(Refused):
    """The site would be left without an owner."""

    code = "last_owner"


class QualificationMissing(NotPermitted):
    """No certificate of this ``kind`` is valid today."""

    code = "qualification_missing"


class QualificationDatesReversed(Refused):
    """The certificate would end before it begins."""

    code = "qualification_dates_reversed"


class StationUnknown(Refused):
    """The site has no station of this code."""

    code = "station_unknown"


class StationTaken(Conflict):
    """A station of this code exists."""

    code = "station_taken"


def is_good_pin(pin: str) -> bool:
    """Tell whether a PIN has 6 to 12 digits, not all equal and no run up or down (9 and 0 are neighbours)."""
    if not re.fullmatch(PIN_PATTERN, pin):
        return False
    strides = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    return strides not in ({0}, {1}, {9})


def locked_until(failed_at: Sequence[datetime], now: datetime) -> datetime | None:
    """Return until when a number is locked, given its failures since the last success, oldest first."""
    if len(failed_at) < MOST_FAILURES or failed_at[-1] - failed_at[-MOST_FAILURES] > LOCKED_FOR:
        return None
    opens_at = failed_at[-1] + LOCKED_FOR
    return opens_at if now < opens_at else None


def minutes_left(until: datetime, now: datetime) -> int:
    """Return whole minutes to wait, rounded up."""
    return math.ceil((until - now) / timedelta(minutes=1))


def is_expired(signed_in_at: datetime, last_seen_at: datetime, now: datetime, idle: timedelta) -> bool:
    """Tell whether a session is over: nobody acted for ``idle``, or it is as old as the longest shift."""
    return now >= session_over_at(signed_in_at, last_seen_at, idle)


def session_over_at(signed_in_at: datetime, last_seen_at: datetime, idle: timedelta) -> datetime:
    """Return when a session is over unless its holder acts before."""
    return min(last_seen_at + idle, signed_in_at + LONGEST_SESSION)


def roles_held(decisions: Iterable[tuple[Role, bool]]) -> frozenset[Role]:
    """Fold grants (True) and revocations (False), oldest first, into the roles that stand."""
    standing = dict(decisions)
    return frozenset(role for role, granted in standing.items() if granted)


def standing_certificates(entered: Iterable[Certificate]) -> tuple[Certificate, ...]:
    """Keep the latest entry of each certificate, given oldest first: a later one corrects an earlier one."""
    latest = {(certificate.kind, certificate.certificate_number): certificate for certificate in entered}
    return tuple(latest.values())
