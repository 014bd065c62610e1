"""What a site itself says of a product: shorter minutes of an opened vial, and that it is no longer used."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select

from clinic_server.kit.tx import Tx
from clinic_server.stock import vaccines
from clinic_server.stock.rules import NoOpenVialMinutes, OpenVialMinutesTooLong, ProductUnknown
from clinic_server.stock.tables import ProductTerms, product, product_terms, unit_now
from clinic_server.stock.whereabouts import STOCK


@dataclass(frozen=True, slots=True)
class NewTerms:
    """What a site says of a product from now on, whole: what is None does not apply."""

    open_vial_minutes: int | None = None
    withdrawn_on: date | None = None


def set_terms(tx: Tx, product_code: str, new: NewTerms) -> UUID:
    """Record what the site says of a product, or raise what ``append_terms`` raises."""
    terms_id = append_terms(tx, product_code, new)
    tx.journal("product_terms_set", terms_id, STOCK)
    return terms_id


def append_terms(tx: Tx, product_code: str, new: NewTerms) -> UUID:
    """Append terms, or raise ProductUnknown, OpenVialMinutesTooLong or NoOpenVialMinutes; the action journals."""
    found = tx.execute(select(product.c.id, product.c.vaccine_code).where(product.c.code == product_code)).first()
    if found is None:
        raise ProductUnknown
    if new.open_vial_minutes is not None:
        _refuse_longer(found.vaccine_code, new.open_vial_minutes, tx.local_date)
    return tx.append(
        ProductTerms,
        product_id=found.id,
        open_vial_minutes=new.open_vial_minutes,
        withdrawn_on=new.withdrawn_on,
        told_by=tx.actor.staff_id,
        told_at=tx.now,
    )


def standing_terms() -> Any:
    """Say of a row of ``product_terms`` beside one of ``product`` that it is the latest of that product."""
    later = product_terms.alias()
    latest = select(func.max(later.c.journal_seq)).where(later.c.product_id == product.c.id).correlate(product)
    return and_(product_terms.c.product_id == product.c.id, product_terms.c.journal_seq == latest.scalar_subquery())


def minutes_said_at_opening() -> Any:
    """Return an expression for the minutes the site gave an opened unit's product when the unit was opened."""
    said_before = (product_terms.c.product_id == product.c.id, product_terms.c.told_at <= unit_now.c.opened_at)
    latest = select(product_terms.c.open_vial_minutes).where(*said_before).order_by(product_terms.c.journal_seq.desc())
    return latest.limit(1).correlate(product, unit_now).scalar_subquery()


def _refuse_longer(vaccine_code: str, minutes: int, today: date) -> None:
    most = vaccines.open_vial_minutes(vaccine_code, today)
    if most is None:
        raise NoOpenVialMinutes
    if minutes > most:
        raise OpenVialMinutesTooLong(most=most)
