"""Looking at somebody, and a physician's word against what was found."""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from clinic_server.adverse_events.care import protocols
from clinic_server.adverse_events.care.rules import NothingSaid, Vitals, refuse_unsaid
from clinic_server.kit.tx import Tx
from clinic_server.observation.checks import plans
from clinic_server.observation.checks.lookup import check_standings, reason_context, said_context
from clinic_server.observation.checks.rules import (
    CHECKS,
    MOST_WORDS,
    CheckSaid,
    CheckStanding,
    HowIs,
    Limits,
    NothingOverruled,
    OutsideReleaseBand,
    OverrulingReasonNeeded,
    findings_in,
    refuse_unreleased,
)
from clinic_server.observation.checks.tables import CheckOverruled, ObservationCheck
from clinic_server.people.lookup import birth_facts
from clinic_server.people.rules import age_in_months
from clinic_server.staff.actions import require_qualification, require_signed_in
from clinic_server.staff.rules import QualificationKind
from clinic_server.visits.baseline import baseline_of
from clinic_server.visits.flow import Outcome, Stage
from clinic_server.visits.further import end_further_visit
from clinic_server.visits.lookup import standing
from clinic_server.visits.steps import VISITS, require_stage
from clinic_server.visits.watch import Standing, standing_watch


@dataclass(frozen=True, slots=True)
class CheckRef:
    """A check as recorded; whether it lets the person go."""

    check_id: UUID
    lets_go: bool


def record_check(tx: Tx, visit_id: UUID, vitals: Vitals, how: HowIs, words: str = "") -> CheckRef:
    """Record what was found at a look, judged by the plan of now; at risk or not, anybody may be looked at."""
    checked_by, watch = require_signed_in(tx), _watch(tx, visit_id)
    refuse_unsaid(vitals)
    if len(words) > MOST_WORDS:
        raise NothingSaid
    said = _judged(tx, visit_id, vitals, how, words.strip())
    check_id = tx.new_id()
    tx.append(
        ObservationCheck,
        id=check_id,
        visit_id=visit_id,
        given_at=watch.given_at,
        minutes_in=watch.minutes_in,
        said_sealed=tx.keyring.seal(msgspec.json.encode(said).decode(), said_context(check_id)),
        checked_by=checked_by,
        checked_at=tx.now,
    )
    if said.findings:
        end_further_visit(tx, visit_id)  # whoever is not well is given no further vaccine on what was asked before
    tx.journal("person_checked", check_id, CHECKS, VISITS)
    return CheckRef(check_id, not said.findings)


def overrule(tx: Tx, visit_id: UUID, reason: str) -> UUID:
    """Let a physician answer for what keeps somebody: a check that is not made, or one outside the band."""
    physician_id, watch = require_qualification(tx, QualificationKind.PHYSICIAN), _watch(tx, visit_id)
    if not reason.strip():
        raise OverrulingReasonNeeded
    stands = _stands(tx, visit_id, watch)
    if stands.wanted is None and not stands.findings:
        raise NothingOverruled
    overruled_id = tx.new_id()
    tx.append(
        CheckOverruled,
        id=overruled_id,
        visit_id=visit_id,
        given_at=watch.given_at,
        minutes_in=watch.minutes_in,
        reason_sealed=tx.keyring.seal(reason.strip(), reason_context(overruled_id)),
        physician_id=physician_id,
        overruled_at=tx.now,
    )
    tx.journal("check_overruled", overruled_id, CHECKS)
    return overruled_id


def refuse_unchecked(tx: Tx, visit_id: UUID, watch: Standing) -> None:
    """Keep somebody whom the checks do not let go, or raise CheckDue or OutsideReleaseBand (invariant 31)."""
    refuse_unreleased(_stands(tx, visit_id, watch))


def refuse_unwell(tx: Tx, visit_id: UUID, watch: Standing) -> None:
    """Raise OutsideReleaseBand while the latest look at somebody would keep them; one still due says nothing."""
    if findings := _stands(tx, visit_id, watch).findings:
        raise OutsideReleaseBand(findings=findings)


def _stands(tx: Tx, visit_id: UUID, watch: Standing) -> CheckStanding:
    return check_standings(tx.connection, tx.keyring, {visit_id: watch})[visit_id]


def _watch(tx: Tx, visit_id: UUID) -> Standing:
    require_stage(tx, visit_id, Stage.OBSERVED, Outcome.LEFT)
    watch = standing_watch(tx.connection, visit_id)
    assert watch is not None  # noqa: S101  # nobody is observed without a watch: the dose begins it
    return watch


def _judged(tx: Tx, visit_id: UUID, vitals: Vitals, how: HowIs, words: str) -> CheckSaid:
    born_on = birth_facts(tx.connection, standing(tx.connection, visit_id).person_id).born_on
    before = baseline_of(tx.connection, tx.keyring, visit_id).systolic_mmhg
    limits = Limits(plans.shipped(), protocols.shipped(), age_in_months(born_on, tx.local_date), before)
    return CheckSaid(vitals, how, words, findings_in(vitals, how, limits), limits.name)
