"""The care as its page and the hand-over sheet show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.adverse_events.brighton import Assessment
from clinic_server.adverse_events.care import drug_tables, protocols
from clinic_server.adverse_events.care.anaphylaxis import assessment_of
from clinic_server.adverse_events.care.drug_tables import DrugTable, Reference
from clinic_server.adverse_events.care.lookup import ending_of, log_of, shortfalls_of, weight_of
from clinic_server.adverse_events.care.references import (
    StatedProtocol,
    TableSignature,
    stated_protocol,
    table_signatures,
)
from clinic_server.adverse_events.care.rules import Ambulance, CareEntry, Ending, Vitals, that_count
from clinic_server.adverse_events.care.vitals import VitalsFinding, findings_of, is_low
from clinic_server.adverse_events.lookup import event_by_number, suspect_doses
from clinic_server.adverse_events.rules import EventFacts
from clinic_server.kit.crypto import Keyring
from clinic_server.opening.emergency_kit.lookup import standing_kit
from clinic_server.opening.emergency_kit.rules import KitItem, KitThing
from clinic_server.opening.hospitals.lookup import designated
from clinic_server.opening.lookup import said_of_safeguards
from clinic_server.opening.rules import Named, Safeguard, Variant
from clinic_server.people.lookup import person
from clinic_server.people.rules import PersonFacts, age_in_months
from clinic_server.staff.actions import members
from clinic_server.stock.actions import ProductFacts, require_product
from clinic_server.stock.rules import BodySite, Route
from clinic_server.stock.tables import lot
from clinic_server.visits.baseline import Baseline, baseline_of
from clinic_server.visits.doses import body_site_now
from clinic_server.visits.tables import dose, visit

CHILD_UNTIL_MONTHS = 14 * 12  # up to this birthday Chinese hospitals admit to paediatrics


@dataclass(frozen=True, slots=True)
class DoseBefore:
    """A dose the event is suspected to follow."""

    product: ProductFacts
    lot_number: str
    dose_number: int | None
    volume_ul: int
    route: Route
    body_site: BodySite
    given_at: datetime


@dataclass(frozen=True, slots=True)
class MappedHospital:
    """Where somebody is taken: the hospital designated for their age, else where the opening's green channel leads."""

    name: str = ""
    phone: str = ""
    green_contact: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class CareSheet:
    """Everything of one event's care: who, after what, what was seen and done, and what may be looked up beside it."""

    event: EventFacts
    person: PersonFacts
    age_months: int
    weight_g: int | None
    ticket_number: int | None
    doses: Sequence[DoseBefore]
    baseline: Baseline
    entries: Sequence[CareEntry]
    ending: Ending | None
    table: DrugTable
    signatures: Sequence[TableSignature]
    stated: StatedProtocol | None
    kit: Sequence[KitItem]
    shortfalls: Sequence[KitThing]
    hospital: MappedHospital
    names: Mapping[UUID, str]

    @property
    def references(self) -> Sequence[Reference]:
        """What the table says of each drug at the person's age."""
        found = (self.table.reference_for(one.code, self.age_months) for one in self.table.drug)
        return [one for one in found if one is not None]

    @property
    def vitals(self) -> Sequence[CareEntry]:
        """The vitals that count, in the order they were measured."""
        return [one for one in that_count(self.entries) if isinstance(one.said, Vitals)]

    @property
    def ambulance(self) -> Mapping[str, datetime]:
        """When the ambulance was called, arrived and left, as far as it did."""
        told = (one for one in that_count(self.entries) if isinstance(one.said, Ambulance))
        return {one.said.step.value: one.happened_at for one in told if isinstance(one.said, Ambulance)}

    @property
    def assessment(self) -> Assessment:
        """How certain anaphylaxis is by what the log says."""
        had_low_pressure = any(
            is_low(self.findings_in(one.said)) for one in self.vitals if isinstance(one.said, Vitals)
        )
        return assessment_of([one.said for one in that_count(self.entries)], had_low_pressure=had_low_pressure)

    def findings_in(self, vitals: Vitals) -> Sequence[VitalsFinding]:
        """Return what is wrong with vitals of this person."""
        return findings_of(vitals, self.baseline.systolic_mmhg, self.age_months, protocols.shipped())


def care_sheet(connection: Connection, keyring: Keyring, number: int, zone: tzinfo) -> CareSheet:
    """Return everything of an event's care, or raise EventUnknown."""
    event = event_by_number(connection, number)
    whose = person(connection, keyring, event.person_id)
    age_months = age_in_months(whose.born_on, event.onset_at.astimezone(zone).date())
    entries = log_of(connection, keyring, event.event_id)
    return CareSheet(
        event=event,
        person=whose,
        age_months=age_months,
        weight_g=weight_of(entries),
        ticket_number=connection.execute(select(visit.c.ticket_number).where(visit.c.id == event.visit_id)).scalar(),
        doses=_doses(connection, event.event_id),
        baseline=baseline_of(connection, keyring, event.visit_id) if event.visit_id else Baseline(),
        entries=entries,
        ending=ending_of(connection, keyring, event.event_id),
        table=drug_tables.shipped(),
        signatures=table_signatures(connection, keyring),
        stated=stated_protocol(connection, keyring),
        kit=standing_kit(connection),
        shortfalls=shortfalls_of(connection, event.event_id),
        hospital=mapped_hospital(connection, keyring, age_months),
        names={one.staff_id: one.name for one in members(connection, keyring)},
    )


def mapped_hospital(connection: Connection, keyring: Keyring, age_months: int) -> MappedHospital:
    """Return where somebody of this age is taken; nothing where neither a hospital nor a green channel is named."""
    whose = Variant.PAEDIATRIC if age_months < CHILD_UNTIL_MONTHS else Variant.ADULT
    known = designated(connection, keyring).get(whose)
    if known is not None:
        return MappedHospital(known.name, known.phone, known.green_contact)
    for said in said_of_safeguards(connection, keyring):
        if said.statement.safeguard is Safeguard.GREEN_CHANNEL and said.statement.stands:
            return MappedHospital(said.names.get(Named.HOSPITAL, ""), said.names.get(Named.PHONE, ""))
    return MappedHospital()


def _doses(connection: Connection, event_id: UUID) -> Sequence[DoseBefore]:
    wanted = suspect_doses(connection, event_id)
    given = dose.c
    rows = connection.execute(
        select(
            given.id,
            given.product_code,
            lot.c.number,
            given.dose_number,
            given.volume_ul,
            given.route,
            body_site_now(),
            given.given_at,
        )
        .join(lot, lot.c.id == given.lot_id)
        .where(given.id.in_(wanted))
    )
    found = {row.id: DoseBefore(require_product(connection, row.product_code), *row[2:]) for row in rows}
    return [found[dose_id] for dose_id in wanted]
