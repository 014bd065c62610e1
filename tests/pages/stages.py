"""The steps of a visit, taken by the same actions as real ones, as they go for most people."""

from datetime import date
from uuid import UUID

from clinic_server.check_in.actions import Arrival, check_in
from clinic_server.check_in.admission import admission_shipped
from clinic_server.check_in.rules import How, TypedReason
from clinic_server.consent.actions import NewConsent, sheet_of_visit, sign_consent
from clinic_server.consent.rules import InformedItem
from clinic_server.injection import check_lists
from clinic_server.injection.actions import PermitAsked, give_dose, grant_permit
from clinic_server.kit.tx import Tx
from clinic_server.people.documents import Document, DocumentKind, Sex
from clinic_server.people.rules import IdentityFacts
from clinic_server.people.signatures import Relationship, Signature, Signer
from clinic_server.screening.actions import decide, latest_screening, questions_of_visit
from clinic_server.screening.measured import Taken, record_round
from clinic_server.screening.rule_sets import Quantity
from clinic_server.screening.rules import Answer, DecisionOutcome, Measurements, Proposal
from clinic_server.settings import SiteSettings
from clinic_server.stock.rules import BodySite

SITE = SiteSettings(separate_physician=False)  # one person plays everybody


def arrive(tx: Tx, number: str, name: str, born_on: date = date(1980, 1, 9), sex: Sex = Sex.MALE) -> UUID:
    """Check somebody in by a passport; return their visit."""
    stated = IdentityFacts.stated(
        Document.of(DocumentKind.PASSPORT, number, "UTO"), name=name, sex=sex, born_on=born_on
    )
    return check_in(tx, SITE, Arrival(stated, How.TYPED, TypedReason.FOREIGN_DOCUMENT), admission_shipped).visit_id


def answer(tx: Tx, visit_id: UUID, *, feels_ill: bool = False) -> None:
    """Answer every question with no, but perhaps one; 36.5 degrees by the ear."""
    asked = questions_of_visit(tx.connection, tx.keyring, visit_id, tx.local_date).questions
    answers = {question.code: Answer.NO for question in asked}
    if feels_ill:
        answers["acute_illness"] = Answer.YES
    record_round(tx, visit_id, answers, Taken(Measurements(36_500), {Quantity.MILLI_CELSIUS: "耳温枪 2"}))


def recommend(tx: Tx, visit_id: UUID, product: str, reason: str | None = None) -> None:
    """Decide in favour, with a reason where a finding is overridden."""
    screening_id = latest_screening(tx.connection, tx.keyring, visit_id).screening_id
    decide(tx, SITE, visit_id, screening_id, Proposal(DecisionOutcome.RECOMMENDED, product, reason))


def sign(tx: Tx, visit_id: UUID) -> None:
    """Tell everything and let them sign on paper."""
    sheet = sheet_of_visit(tx.connection, tx.keyring, visit_id, "zh-CN", tx.local_date)
    signed = Signature(Signer.RECIPIENT, Relationship.SELF, paper_reason="手部受伤")
    told = frozenset(InformedItem)
    sign_consent(tx, visit_id, NewConsent(sheet.decision_id, "zh-CN", sheet.text.version, told, (signed,)))


def permit(tx: Tx, visit_id: UUID, trace_code: str) -> UUID:
    """Make all confirmations and return the permit for a unit."""
    check_list = check_lists.active(check_lists.shipped(), SITE.check_list, tx.local_date)
    asked = PermitAsked(trace_code, check_list.edition, frozenset(check_list.codes))
    return grant_permit(tx, SITE, visit_id, asked).permit_id


def inject(tx: Tx, visit_id: UUID, trace_code: str) -> None:
    """Give the dose."""
    give_dose(tx, SITE, permit(tx, visit_id, trace_code), BodySite.LEFT_UPPER_ARM)
