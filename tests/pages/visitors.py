"""Made-up people at every stage of a clinic day, brought there by the same actions as real ones."""

from datetime import date, timedelta
from uuid import UUID

from clinic_server.check_in.actions import Arrival, check_in
from clinic_server.check_in.rules import How, TypedReason
from clinic_server.cold_chain.actions import add_place
from clinic_server.cold_chain.rules import PlaceKind
from clinic_server.consent.actions import NewConsent, sheet_of_visit, sign_consent
from clinic_server.consent.rules import InformedItem, Relationship, Signature, Signer
from clinic_server.injection.actions import give_dose, grant_permit
from clinic_server.kit.tx import Tx
from clinic_server.opening import checklists
from clinic_server.opening.actions import NewOpening, add_kit_item, open_site
from clinic_server.opening.rules import Variant
from clinic_server.people.documents import Document, DocumentKind, Sex
from clinic_server.people.rules import IdentityFacts
from clinic_server.screening.actions import decide, latest_screening, questions_of_visit, record_screening
from clinic_server.screening.rules import Answer, DecisionOutcome, Measurements, Proposal
from clinic_server.settings import Settings, SiteSettings
from clinic_server.stock.actions import NewLot, NewProduct, add_product, receive_lot
from clinic_server.stock.rules import BodySite, Platform, Route
from clinic_server.visits.steps import call_visit
from clinic_server.visits.watch import start_watch

NAMES = ("王小明", "欧阳静", "李雷", "韩梅梅", "赵一", "钱二多", "孙三", "周四海", "吴五", "郑六七", "冯八", "陈九")
OBSERVED = ("褚十", "卫十一", "蒋十二", "沈十三", "韩十四", "Anna Lind")
PRODUCT = "sample-inactivated"
SITE = SiteSettings()


def fill(tx: Tx) -> dict[str, str]:
    """Put three people at each stage before the needle, some called, six under observation; name one of each."""
    _open(tx)
    _stock(tx)
    visit_ids = [_arrive(tx, place, name) for place, name in enumerate(NAMES + OBSERVED)]
    for visit_id in visit_ids[3:]:
        _answer(tx, visit_id)
    for visit_id in visit_ids[6:]:
        _decide(tx, visit_id)
    for visit_id in visit_ids[9:]:
        _sign(tx, visit_id)
    for place, visit_id in enumerate(visit_ids[12:]):
        _inject(tx, visit_id, _trace_code(place), minutes_ago=6 * (5 - place))
    for place, station in ((0, "desk-2"), (9, "bench-1"), (10, "bench-3")):
        call_visit(tx, visit_ids[place], station)
    shown = {"waiting": 1, "decision": 4, "consent": 7, "bench": 11, "observed": 15}
    return {name: str(visit_ids[place]) for name, place in shown.items()}


def _open(tx: Tx) -> None:
    add_kit_item(tx, "样例肾上腺素", tx.local_date + timedelta(days=365))
    asked = checklists.shipped()[Variant.ADULT].asked
    names = {safeguard: dict.fromkeys(wanted, "样例") for safeguard, wanted in asked.items()}
    open_site(tx, Settings(_env_file=None), NewOpening(Variant.ADULT, names))


def _stock(tx: Tx) -> None:
    kind = ("covid19-bbibp-corv", Platform.INACTIVATED, Route.INTRAMUSCULAR)
    sample = NewProduct(PRODUCT, "样例灭活疫苗", "样例生物", *kind, 500, 1)
    add_product(tx, sample)
    codes = [_trace_code(place) for place in range(20)]
    receive_lot(tx, NewLot(PRODUCT, "S2026-01", tx.local_date + timedelta(days=200), codes))
    add_place(tx, "fridge-1", "冰箱 1", PlaceKind.FRIDGE, profile="cn-clinic-2-8")


def _arrive(tx: Tx, place: int, name: str) -> UUID:
    stated = IdentityFacts.stated(
        Document.of(DocumentKind.PASSPORT, f"T{place:08d}", "UTO"), name=name, sex=Sex.MALE, born_on=date(1980, 1, 9)
    )
    return check_in(tx, SITE, Arrival(stated, How.TYPED, TypedReason.FOREIGN_DOCUMENT)).visit_id


def _answer(tx: Tx, visit_id: UUID) -> None:
    asked = questions_of_visit(tx.connection, tx.keyring, visit_id, tx.local_date).questions
    record_screening(tx, visit_id, {question.code: Answer.NO for question in asked}, Measurements(36_500))


def _decide(tx: Tx, visit_id: UUID) -> None:
    screening_id = latest_screening(tx.connection, tx.keyring, visit_id).screening_id
    decide(tx, SITE, visit_id, screening_id, Proposal(DecisionOutcome.RECOMMENDED, PRODUCT))


def _sign(tx: Tx, visit_id: UUID) -> None:
    sheet = sheet_of_visit(tx.connection, tx.keyring, visit_id, "zh-CN", tx.local_date)
    signed = Signature(Signer.RECIPIENT, Relationship.SELF, paper_reason="手部受伤")
    told = frozenset(InformedItem)
    sign_consent(tx, visit_id, NewConsent(sheet.decision_id, "zh-CN", sheet.text.version, told, (signed,)))


def _inject(tx: Tx, visit_id: UUID, trace_code: str, minutes_ago: int) -> None:
    permit = grant_permit(tx, visit_id, trace_code)
    give_dose(tx, permit.permit_id, BodySite.LEFT_UPPER_ARM, SITE.observation_minutes)
    start_watch(tx, visit_id, tx.now - timedelta(minutes=minutes_ago), SITE.observation_minutes)
    tx.journal("furnished", visit_id)


def _trace_code(place: int) -> str:
    """Return a made-up trace code: 20 digits, as on Chinese vaccine."""
    return f"{83450000000000000000 + place:020d}"
