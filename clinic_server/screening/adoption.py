"""Which set of rules a site works by: a physician answers for its words, and the site's lead adopts it."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Connection, select

from clinic_server.kit.crypto import Keyring
from clinic_server.kit.editions import NothingInForce
from clinic_server.kit.tx import Tx
from clinic_server.screening import rule_sets
from clinic_server.screening.rule_sets import RuleSet
from clinic_server.screening.rule_sets.standing import (
    ProgrammeUnknown,
    RuleSetChanged,
    RuleSetNotInForce,
    RuleSetStands,
    known,
    programmes_asked,
    refuse_adoption,
    refuse_out_of_force,
    unchanged,
)
from clinic_server.screening.tables import RuleSetAdopted, RuleSetSignedOff, rule_set_adopted, rule_set_signed_off
from clinic_server.staff.actions import certificates_of, open_name, require_qualification, require_signed_in
from clinic_server.staff.rules import QualificationKind
from clinic_server.staff.tables import staff
from clinic_server.visits.rules import Admission

RULE_SETS = "rule_sets"  # the topic of pages that show which set stands
_adoptions = select(
    rule_set_adopted.c.programme,
    rule_set_adopted.c.rule_set_code,
    rule_set_adopted.c.rule_set_version,
    rule_set_adopted.c.digest,
    rule_set_adopted.c.adopted_at,
    rule_set_adopted.c.adopted_by,
).order_by(rule_set_adopted.c.journal_seq)


@dataclass(frozen=True, slots=True)
class RuleSetRef:
    """Which version of which set an action was about."""

    code: str
    version: int


@dataclass(frozen=True, slots=True)
class Adoption:
    """The set a programme works by."""

    programme: str
    code: str
    version: int
    digest: str
    adopted_at: datetime
    adopted_by: UUID | None


@dataclass(frozen=True, slots=True)
class SignOff:
    """A physician answers for a set as it read then; ``holds`` says whether it still reads so."""

    physician: str
    certificate_number: str
    signed_at: datetime
    holds: bool


@dataclass(frozen=True, slots=True)
class RuleSetSeen:
    """One version of one set: who answers for it, and whether its programme works by it today."""

    rule_set: RuleSet
    is_used: bool
    is_in_force: bool
    adopted_at: datetime | None
    sign_offs: tuple[SignOff, ...]

    @property
    def is_signed_off(self) -> bool:
        """Whether a physician answers for its words as they read now."""
        return any(one.holds for one in self.sign_offs)


def sign_off(tx: Tx, code: str, version: int) -> RuleSetRef:
    """Record that the acting physician answers for a set as it reads now."""
    physician_id = require_qualification(tx, QualificationKind.PHYSICIAN)
    rule_set = known(rule_sets.shipped(), code, version)
    if (physician_id, rule_set.digest) in _signed(tx.connection, code, version):
        raise RuleSetStands
    signed_off_id = tx.append(
        RuleSetSignedOff,
        rule_set_code=code,
        rule_set_version=version,
        digest=rule_set.digest,
        physician_id=physician_id,
        certificate_number=_certificate_number(tx, physician_id),
        signed_at=tx.now,
    )
    tx.journal("rule_set_signed_off", signed_off_id, RULE_SETS)
    return RuleSetRef(code, version)


def adopt(tx: Tx, code: str, version: int) -> RuleSetRef:
    """Make a set the one its programme works by, from the next questions on."""
    adopted_by = require_signed_in(tx)
    rule_set = known(rule_sets.shipped(), code, version)
    standing = adoptions(tx.connection).get(rule_set.programme)
    signed = {digest for _, digest in _signed(tx.connection, code, version)}
    refuse_adoption(rule_set, signed, standing.digest if standing else None, tx.local_date)
    adopted_id = tx.append(
        RuleSetAdopted,
        programme=rule_set.programme,
        rule_set_code=code,
        rule_set_version=version,
        digest=rule_set.digest,
        adopted_at=tx.now,
        adopted_by=adopted_by,
    )
    tx.journal("rule_set_adopted", adopted_id, RULE_SETS)
    return RuleSetRef(code, version)


def adoptions(connection: Connection) -> Mapping[str, Adoption]:
    """Return the set each programme works by, those adopted first in front; the latest adoption counts."""
    return {row.programme: Adoption(*row) for row in connection.execute(_adoptions)}


def programmes(connection: Connection) -> tuple[str, ...]:
    """Return what people are asked for at this site; the first unless said."""
    return programmes_asked(adoptions(connection), rule_sets.shipped())


def rule_set_in_use(connection: Connection, programme: str | None, today: date) -> RuleSet:
    """Return the set a programme works by: the adopted one, else the one shipped that is valid on the day.

    Raises ProgrammeUnknown, RuleSetChanged when the adopted file says something else by now, RuleSetNotInForce, or
    NothingInForce.
    """
    standing = adoptions(connection)
    asked = programmes_asked(standing, rule_sets.shipped())
    wanted = programme or asked[0]
    if wanted not in asked:
        raise ProgrammeUnknown
    adopted = standing.get(wanted)
    if adopted is None:
        return rule_sets.active(rule_sets.shipped(), today, wanted)
    return _relied_on(adopted, today)


def admission_adopted(connection: Connection, today: date) -> Admission | None:
    """Return from which age the adopted sets admit, by the one that admits the youngest; None where none says.

    A set that can no longer be relied on says nothing: nobody is admitted by words that nobody signed.
    """
    told = []
    for adopted in adoptions(connection).values():
        with suppress(RuleSetChanged, RuleSetNotInForce):
            rule_set = _relied_on(adopted, today)
            if rule_set.admission:
                told.append(Admission(f"{adopted.code}/{adopted.version}", rule_set.admission.from_months))
    return min(told, key=lambda admission: (admission.from_months, admission.version), default=None)


def changed_sets(connection: Connection) -> tuple[RuleSetRef, ...]:
    """Return the versions the site ever worked by whose files are gone or say something else by now."""
    columns = (rule_set_adopted.c.rule_set_code, rule_set_adopted.c.rule_set_version, rule_set_adopted.c.digest)
    relied_on = connection.execute(select(*columns).distinct().order_by(*columns))
    changed = (RuleSetRef(code, version) for code, version, digest in relied_on if _is_changed(code, version, digest))
    return tuple(dict.fromkeys(changed))


def sets_seen(connection: Connection, keyring: Keyring, today: date) -> Sequence[RuleSetSeen]:
    """Return every version of every set there is."""
    adopted = adoptions(connection)
    used = {_used(connection, programme, today) for programme in programmes(connection)}
    return [
        RuleSetSeen(
            one,
            is_used=one.digest in used,
            is_in_force=one.is_valid_on(today),
            adopted_at=_adopted_at(adopted.get(one.programme), one),
            sign_offs=sign_offs_of(connection, keyring, one),
        )
        for one in rule_sets.shipped()
    ]


def sign_offs_of(connection: Connection, keyring: Keyring, rule_set: RuleSet) -> tuple[SignOff, ...]:
    """Return who answers for a version of a set, in the order they signed."""
    rows = connection.execute(
        select(
            rule_set_signed_off.c.digest,
            rule_set_signed_off.c.certificate_number,
            rule_set_signed_off.c.signed_at,
            staff.c.id,
            staff.c.name_sealed,
        )
        .join(staff, staff.c.id == rule_set_signed_off.c.physician_id)
        .where(*_of(rule_set.code, rule_set.version))
        .order_by(rule_set_signed_off.c.journal_seq)
    )
    return tuple(
        SignOff(
            open_name(keyring, row.id, row.name_sealed),
            row.certificate_number,
            row.signed_at,
            holds=row.digest == rule_set.digest,
        )
        for row in rows
    )


def _of(code: str, version: int) -> tuple[ColumnElement[bool], ...]:
    return rule_set_signed_off.c.rule_set_code == code, rule_set_signed_off.c.rule_set_version == version


def _signed(connection: Connection, code: str, version: int) -> set[tuple[UUID, str]]:
    """Return who signed which words of a version."""
    rows = connection.execute(
        select(rule_set_signed_off.c.physician_id, rule_set_signed_off.c.digest).where(*_of(code, version))
    )
    return {(UUID(int=row.physician_id.int), row.digest) for row in rows}


def _certificate_number(tx: Tx, physician_id: UUID) -> str:
    """Return the number of the physician's certificate that is valid today."""
    held = certificates_of(tx.connection, physician_id)
    return next(
        one.certificate_number
        for one in held
        if one.kind is QualificationKind.PHYSICIAN and one.is_valid_on(tx.local_date)
    )


def _is_changed(code: str, version: int, digest: str) -> bool:
    try:
        unchanged(rule_sets.shipped(), code, version, digest)
    except RuleSetChanged:
        return True
    return False


def _relied_on(adopted: Adoption, today: date) -> RuleSet:
    """Return the very words that were adopted, while they are in force."""
    rule_set = unchanged(rule_sets.shipped(), adopted.code, adopted.version, adopted.digest)
    refuse_out_of_force(rule_set, today)
    return rule_set


def _used(connection: Connection, programme: str, today: date) -> str | None:
    """Return the digest of the set a programme works by today; None when it works by none."""
    try:
        return rule_set_in_use(connection, programme, today).digest
    except (RuleSetChanged, RuleSetNotInForce, NothingInForce):
        return None


def _adopted_at(adoption: Adoption | None, rule_set: RuleSet) -> datetime | None:
    is_this = adoption is not None and (adoption.code, adoption.version) == (rule_set.code, rule_set.version)
    return adoption.adopted_at if adoption and is_this else None
