"""People who are given two vaccines at one stay, made through the real actions."""

from dataclasses import dataclass
from uuid import UUID

from clinic_server.consent.actions import NewConsent, sheet_of_visit, sign_consent
from clinic_server.consent.rules import InformedItem
from clinic_server.injection.actions import Given, Granted, PermitAsked, give_dose, grant_permit
from clinic_server.kit.access import Actor
from clinic_server.kit.db import Database
from clinic_server.observation.further.actions import ask_for_further
from clinic_server.people.signatures import Relationship, Signature, Signer
from clinic_server.screening.actions import Further, decide, questions_of_visit, record_screening
from clinic_server.screening.rules import Answer, DecisionOutcome, Measurements, Proposal
from clinic_server.settings import SiteSettings
from clinic_server.staff.rules import QualificationKind, Role
from clinic_server.stock.actions import NewProduct, add_product
from clinic_server.stock.rules import BodySite, Platform, Route
from tests.api.visitors import (
    CHECKED,
    SYSTEM,
    TODAY,
    a_colleague,
    a_lot,
    a_physician,
    a_visit,
    an_open_site,
    signed_in,
    somebody_for_emergencies,
)

SITE = SiteSettings()
HEP, FLU = "vaccine-hep", "vaccine-flu"
LEFT, RIGHT = BodySite.LEFT_UPPER_ARM, BodySite.RIGHT_UPPER_ARM
PROGRAMMES = {HEP: "routine", FLU: "influenza"}
REASON = "seen and weighed"


def two_products(db: Database) -> None:
    """Two vaccines that may be given on one day."""
    vaccines = {HEP: ("hepb-yeast", Platform.SUBUNIT), FLU: ("influenza-iiv4", Platform.INACTIVATED)}
    for code, vaccine in vaccines.items():
        kind = (*vaccine, Route.INTRAMUSCULAR)
        new = NewProduct(code, code.capitalize(), "Maker", *kind, 500, 1)
        db.write_now(lambda tx, new=new: add_product(tx, new), SYSTEM)


@dataclass(frozen=True, slots=True)
class Staff:
    """Who does what on the way from the questions to the needle, and who watches after it."""

    physician: Actor
    vaccinator: Actor
    nurse: Actor


@dataclass(slots=True)
class Needles:
    """An open site with units of two vaccines, and the way to a needle at it."""

    db: Database
    staff: Staff
    units: dict[str, list[str]]

    @classmethod
    def at(cls, db: Database) -> "Needles":
        """Open the site, with four units of each vaccine at the bench."""
        an_open_site(db)
        two_products(db)
        units = {
            HEP: [f"8100000100000000000{n}" for n in range(4)],
            FLU: [f"8200000100000000000{n}" for n in range(4)],
        }
        for product, codes in units.items():
            a_lot(db, *codes, product=product)
        bench = a_colleague(db, Role.VACCINATOR, QualificationKind.VACCINATOR)
        nurse = signed_in(db, somebody_for_emergencies(db))
        return cls(db, Staff(a_physician(db), Actor(bench.label, bench.staff_id, "bench-1", bench.roles), nurse), units)

    def ordered(self, visit_id: UUID, product: str, *, is_against_advice: bool = False) -> None:
        """Answer "no" to everything, or that they are ill, let the physician order the product, and consent to it."""
        programme = PROGRAMMES[product]
        asked = self.db.read_now(lambda c: questions_of_visit(c, self.db.keyring, visit_id, TODAY, programme))
        given = dict.fromkeys((one.code for one in asked.questions), Answer.NO)
        if is_against_advice:
            given["acute_illness"] = Answer.YES
        further = Further(programme=programme)
        answered = self.db.write_now(lambda tx: record_screening(tx, visit_id, given, Measurements(), further), SYSTEM)
        proposal = Proposal(DecisionOutcome.RECOMMENDED, product, REASON)
        self.db.write_now(lambda tx: decide(tx, SITE, visit_id, answered.screening_id, proposal), self.staff.physician)
        sheet = self.db.read_now(lambda c: sheet_of_visit(c, self.db.keyring, visit_id, "en", TODAY))
        signed = [Signature(Signer.RECIPIENT, Relationship.SELF, paper_reason="pad broken")]
        text = sheet.text
        consent = NewConsent(
            sheet.decision_id, text.language, text.version, frozenset(InformedItem), signed, advice_note=REASON
        )
        self.db.write_now(lambda tx: sign_consent(tx, visit_id, consent), SYSTEM)

    def permitted(self, visit_id: UUID, product: str) -> Granted:
        """Ask for a permit with the next unit, everything confirmed."""
        asked = PermitAsked(self.units[product].pop(), str(CHECKED["check_list"]), frozenset(CHECKED["confirmed"]))
        return self.db.write_now(lambda tx: grant_permit(tx, SITE, visit_id, asked), self.staff.vaccinator)

    def given(self, visit_id: UUID, product: str, body_site: BodySite, reason: str = "") -> Given:
        """Permit the next unit and give it."""
        permit_id = self.permitted(visit_id, product).permit_id
        return self.db.write_now(lambda tx: give_dose(tx, SITE, permit_id, body_site, reason), self.staff.vaccinator)

    def injected(self, *, is_against_advice: bool = False) -> UUID:
        """Somebody given the first vaccine into the left arm, who is watched."""
        visit_id = a_visit(self.db)
        self.ordered(visit_id, HEP, is_against_advice=is_against_advice)
        self.given(visit_id, HEP, LEFT)
        return visit_id

    def asked(self, visit_id: UUID) -> UUID:
        """Ask for a further vaccine at the seat."""
        return self.db.write_now(lambda tx: ask_for_further(tx, SITE, visit_id), self.staff.nurse).visit_id

    def ready_for_more(self, visit_id: UUID) -> UUID:
        """Ask for a further vaccine, and bring its visit to the needle."""
        further = self.asked(visit_id)
        self.ordered(further, FLU)
        return further
