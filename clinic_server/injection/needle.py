"""Everything the needle rests on, read in one transaction; ``rules.findings_for_needle`` decides over it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection

from clinic_server.adverse_events.lookup import under_care
from clinic_server.immunisations.lookup import foreseen_of, past_of
from clinic_server.immunisations.outlooks import Case, Past, case_on, findings_at_needle
from clinic_server.injection import check_lists
from clinic_server.injection.check_lists import CheckList
from clinic_server.injection.identity import is_another
from clinic_server.injection.rules import Followed, NeedleFacts, OrderFacts
from clinic_server.kit.crypto import Keyring
from clinic_server.kit.tx import Tx
from clinic_server.opening.lookup import pauses
from clinic_server.settings import SiteSettings
from clinic_server.stock import vaccines
from clinic_server.stock.actions import require_product
from clinic_server.stock.rules import AtBench, Stop, UnitFacts, stop_findings, stops_on
from clinic_server.stock.stops import standing_stops
from clinic_server.stock.units import opened_in
from clinic_server.stock.vials import open_vial_first
from clinic_server.visits.chain import followed_by
from clinic_server.visits.doses import DoseGiven, given_on_day_of
from clinic_server.visits.flow import Stage
from clinic_server.visits.lookup import standing
from clinic_server.visits.orders import Order, standing_order


@dataclass(frozen=True, slots=True)
class Bench:
    """Where facts are read: at one site, in one transaction, for one vaccinator, at one instant."""

    connection: Connection
    keyring: Keyring = field(repr=False)
    site: SiteSettings
    vaccinator_id: UUID | None
    station: str | None
    now: datetime

    @classmethod
    def of(cls, tx: Tx, site: SiteSettings) -> "Bench":
        """Return the bench of whoever acts in a transaction."""
        return cls(tx.connection, tx.keyring, site, tx.actor.staff_id, tx.actor.station, tx.now)

    @property
    def today(self) -> date:
        """The calendar date at the site."""
        return self.now.astimezone(self.site.zone).date()

    @property
    def at(self) -> AtBench:
        """Where and when a unit is drawn from."""
        return AtBench(self.station, self.now, self.today)

    @property
    def check_list(self) -> CheckList:
        """The list of confirmations in force."""
        return check_lists.active(check_lists.shipped(), self.site.check_list, self.today)


@dataclass(frozen=True, slots=True)
class Hand:
    """What the bench itself says: which confirmations were made, and under which permit, once there is one."""

    confirmed: frozenset[str]
    permit_id: UUID | None = None


def needle_facts(
    bench: Bench, visit_id: UUID, order: OrderFacts | None, unit: UnitFacts | None, hand: Hand
) -> NeedleFacts:
    """Return the facts for one person, one order and one unit. What else may forbid a needle is asked here."""
    person_id = standing(bench.connection, visit_id).person_id
    past = past_of(bench.connection, bench.keyring, person_id, bench.site.zone)
    return NeedleFacts(
        at=bench.at,
        person_id=person_id,
        order=order,
        unit=unit,
        vaccine=vaccines.shipped().get(unit.vaccine_code) if unit else None,
        born_on=past.born_on,
        vaccinator_id=bench.vaccinator_id,
        is_physician_separate=bench.site.separate_physician,
        required=bench.check_list.codes,
        confirmed=hand.confirmed,
        box=_about_box(bench, unit),
        stops=stop_findings(standing_stops_on(bench, unit)),
        pauses=pauses(bench.connection, bench.now, bench.site.zone),
        outlook=_against(bench, past, order) if order else (),
        sites_used=frozenset(one.body_site for one in given_today(bench, person_id)),
        followed=_followed(bench.connection, visit_id),
        is_another=is_another(bench.connection, visit_id, bench.station, hand.permit_id),
    )


def _about_box(bench: Bench, unit: UnitFacts | None) -> tuple[str, ...]:
    """Return what the other vials of the unit's box say against it; only units of several doses stand open."""
    if unit is None or unit.doses_per_unit == 1 or unit.place_id is None:
        return ()
    return open_vial_first(unit, opened_in(bench.connection, unit.place_id, unit.product_code), bench.at)


def _against(bench: Bench, past: Past, order: OrderFacts) -> tuple[str, ...]:
    """Return what of the recipient's past forbids the dose that its decision did not accept."""
    was = foreseen_of(bench.connection, bench.keyring, order.decision_id)
    return findings_at_needle(was, case_at_needle(bench, past, order))


def case_at_needle(bench: Bench, past: Past, order: OrderFacts) -> Case:
    """Return what the ordered dose would be today by the recipient's past."""
    vaccine = vaccines.shipped()[require_product(bench.connection, order.product_code).vaccine_code]
    return case_on(past, vaccines.shipped(), vaccine, bench.today)


def given_today(bench: Bench, person_id: UUID) -> Sequence[DoseGiven]:
    """Return the doses that somebody was given on this clinic day, the earliest first."""
    return given_on_day_of(bench.connection, bench.site, person_id, bench.now)


def _followed(connection: Connection, visit_id: UUID) -> Followed | None:
    before = followed_by(connection, visit_id)
    if before is None:
        return None
    is_watched = standing(connection, before).stage is Stage.OBSERVED
    return Followed(is_watched, under_care(connection, before) is not None)


def standing_stops_on(bench: Bench, unit: UnitFacts | None) -> Sequence[Stop]:
    """Return the stop orders in the way of this unit, those of the bench and of the whole site among them."""
    return stops_on(unit, standing_stops(bench.connection), bench.station)


def order_facts(connection: Connection, visit_id: UUID) -> OrderFacts | None:
    """Return what was decided and consented to for a visit, as it stands now."""
    order = standing_order(connection, visit_id)
    return None if order is None else facts_of(order)


def facts_of(order: Order) -> OrderFacts:
    """Return an order as the needle rests on it."""
    return OrderFacts(
        order_id=order.order_id,
        decision_id=order.decision_id,
        product_code=order.product_code,
        consent_id=order.consent_id,
        valid_until=order.valid_until,
        physician_id=order.decided_by,
        observation_minutes=order.observation_minutes,
    )
