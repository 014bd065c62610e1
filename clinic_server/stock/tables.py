"""Products, lots, units, the places they stand in, and the ledger: the database itself counts the doses."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field

from clinic_server.kit.tables import Record, State, instant, one_of, sealed, table_of, text
from clinic_server.stock.rules import Doubt, Platform, Route, StopScope
from clinic_server.stock.whereabouts import HoldEnd, HoldReason, MovementKind, PlaceKind


class Product(Record, table=True):
    """A vaccine product as the site uses it; ``vaccine_code`` says what it is in the catalogue (``vaccines/``)."""

    __tablename__ = "product"

    code: str = text(40, unique=True)
    name: str = text(80)
    manufacturer: str = text(80)
    vaccine_code: str = text(40)
    platform: Platform = one_of(Platform)
    route: Route = one_of(Route)
    volume_ul: int
    doses_per_unit: int


class ProductTerms(Record, table=True):
    """What the site itself says of a product from then on; the latest counts, whole."""

    __tablename__ = "product_terms"
    __table_args__ = (Index(None, "product_id", "journal_seq"),)

    product_id: UUID = Field(foreign_key="product.id")
    open_vial_minutes: int | None = None
    withdrawn_on: date | None = None
    told_by: UUID | None = Field(default=None, foreign_key="staff.id")
    told_at: datetime = instant()


class Lot(Record, table=True):
    """A lot of a product received here."""

    __tablename__ = "lot"
    __table_args__ = (UniqueConstraint("product_id", "number"),)

    product_id: UUID = Field(foreign_key="product.id")
    number: str = text(40)
    expires_on: date


class Unit(Record, table=True):
    """One vial or syringe, known by its own trace code."""

    __tablename__ = "unit"
    __table_args__ = (UniqueConstraint("id", "doses_per_unit"), Index(None, "lot_id"))

    lot_id: UUID = Field(foreign_key="lot.id")
    trace_code: str = text(50, unique=True)
    doses_per_unit: int
    received_at: datetime = instant()


class Draw(Record, table=True):
    """One dose drawn from a unit. No unit has more draws than doses: the constraints say so, not the program.

    A draw that was returned lets one more follow, which names the return in ``after_return_id``: a ``UnitReturn``.
    A draw beyond what the unit says names the movement that gained it in ``gain_id``.
    """

    __tablename__ = "draw"
    __table_args__ = (
        Index(
            "uq_draw_unit_id_draw_number",
            "unit_id",
            "draw_number",
            unique=True,
            sqlite_where=sql("after_return_id IS NULL"),
            postgresql_where=sql("after_return_id IS NULL"),
        ),
        Index(None, "unit_id", "journal_seq"),  # the one above knows no draws after a return
        ForeignKeyConstraint(["unit_id", "doses_per_unit"], ["unit.id", "unit.doses_per_unit"]),
        CheckConstraint(
            "draw_number >= 1 AND (draw_number <= doses_per_unit OR gain_id IS NOT NULL)", name="within_unit"
        ),
    )

    unit_id: UUID
    doses_per_unit: int
    draw_number: int
    drawn_at: datetime = instant()
    after_return_id: UUID | None = Field(default=None, unique=True)
    gain_id: UUID | None = Field(default=None, unique=True)


class UnitReturn(Record, table=True):
    """A draw that never was: the unit lies closed and untouched in stock again, as somebody saw."""

    __tablename__ = "unit_return"

    draw_id: UUID = Field(foreign_key="draw.id", unique=True)
    confirmed_by: UUID = Field(foreign_key="staff.id")
    returned_at: datetime = instant()


class Place(Record, table=True):
    """Where vaccine stands: a fridge, a cold box, the box of one bench; ``profile`` names its limits."""

    __tablename__ = "place"

    code: str = text(32, unique=True)
    name: str = text(80)
    kind: PlaceKind = one_of(PlaceKind)
    profile: str = text(40)
    station: str | None = text(32, default=None, unique=True)
    capacity_units: int | None = None
    added_at: datetime = instant()


class Movement(Record, table=True):
    """Doses of one lot went from one account to another. An account is a place's code or one of ``Outside``.

    ``record_id`` is what made it so (a delivery, a draw, a count, a destruction); ``unit_id`` is set where one unit is
    meant. ``reason`` is a word of the movement's kind. ``moved_by`` is None where the server itself did it.
    """

    __tablename__ = "movement"
    __table_args__ = (
        CheckConstraint("doses > 0", name="doses_positive"),
        CheckConstraint("from_account <> to_account", name="goes_somewhere"),
        Index(None, "lot_id", "journal_seq"),
        Index(None, "unit_id"),
        Index(None, "moved_at"),
    )

    kind: MovementKind = one_of(MovementKind)
    lot_id: UUID = Field(foreign_key="lot.id")
    doses: int
    from_account: str = text(34)
    to_account: str = text(34)
    unit_id: UUID | None = Field(default=None, foreign_key="unit.id")
    record_id: UUID | None = None
    reason: str | None = text(40, default=None)
    note: str | None = text(200, default=None)
    station: str | None = text(32, default=None)
    moved_by: UUID | None = Field(default=None, foreign_key="staff.id")
    moved_at: datetime = instant()


class LedgerEntry(Record, table=True):
    """One side of a movement: an account's ``number``-th entry of a lot, with the balance before and after it.

    Each entry rests on the one before it and no place's balance is negative: the constraints say so.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        UniqueConstraint("account", "lot_id", "number"),
        UniqueConstraint("account", "lot_id", "number", "balance"),
        UniqueConstraint("movement_id", "account"),
        ForeignKeyConstraint(
            ["account", "lot_id", "previous_number", "balance_before"],
            ["ledger_entry.account", "ledger_entry.lot_id", "ledger_entry.number", "ledger_entry.balance"],
            name="fk_ledger_entry_previous",
        ),
        CheckConstraint(
            "(number = 1 AND previous_number IS NULL AND balance_before = 0) OR previous_number = number - 1",
            name="follows",
        ),
        CheckConstraint("balance = balance_before + doses", name="adds_up"),
        CheckConstraint("balance >= 0 OR account LIKE '=%'", name="never_negative"),
    )

    movement_id: UUID = Field(foreign_key="movement.id")
    account: str = text(34)
    lot_id: UUID = Field(foreign_key="lot.id")
    number: int
    previous_number: int | None = None
    doses: int
    balance_before: int
    balance: int


class UnitMove(Record, table=True):
    """A unit went into a place, or out of all of them; its latest move tells where it is."""

    __tablename__ = "unit_move"
    __table_args__ = (
        UniqueConstraint("unit_id", "number"),
        Index(None, "to_place_id", "moved_at"),
        Index(None, "movement_id"),
    )

    movement_id: UUID = Field(foreign_key="movement.id")
    unit_id: UUID = Field(foreign_key="unit.id")
    number: int
    from_place_id: UUID | None = Field(default=None, foreign_key="place.id")
    to_place_id: UUID | None = Field(default=None, foreign_key="place.id")
    moved_at: datetime = instant()


class UnitOpened(Record, table=True):
    """A unit of several doses was opened; its minutes run from here."""

    __tablename__ = "unit_opened"

    unit_id: UUID = Field(foreign_key="unit.id", unique=True)
    station: str | None = text(32, default=None)
    opened_by: UUID | None = Field(default=None, foreign_key="staff.id")
    opened_at: datetime = instant()


class UnitNow(State, table=True):
    """Where each unit stands and what is left in it: the fold of its moves, draws, waste and gains."""

    __tablename__ = "unit_now"
    __table_args__ = (
        CheckConstraint("doses_left >= 0", name="never_negative"),
        *(
            Index(f"ix_unit_now_{name}", column, sqlite_where=sql(where), postgresql_where=sql(where))
            for name, column, where in (
                ("place_id", "place_id", "doses_left > 0"),
                ("lot_id", "lot_id", "doses_left > 0"),
                ("opened_at", "opened_at", "opened_at IS NOT NULL"),
                ("open", "opened_at", "opened_at IS NOT NULL AND doses_left > 0"),
            )
        ),
    )

    unit_id: UUID = Field(primary_key=True, foreign_key="unit.id")
    lot_id: UUID = Field(foreign_key="lot.id")
    place_id: UUID | None = Field(default=None, foreign_key="place.id")
    moves: int
    doses_left: int
    opened_at: datetime | None = instant(default=None)


class UnitHold(Record, table=True):
    """A unit that may not be used until somebody has decided about it; ``cause_id`` is what the hold came from."""

    __tablename__ = "unit_hold"
    __table_args__ = (Index(None, "unit_id"), Index(None, "cause_id"))

    unit_id: UUID = Field(foreign_key="unit.id")
    reason: HoldReason = one_of(HoldReason)
    note: str | None = text(200, default=None)
    cause_id: UUID | None = None
    held_by: UUID | None = Field(default=None, foreign_key="staff.id")
    held_at: datetime = instant()


class UnitHoldEnded(Record, table=True):
    """A named person's decision about a held unit, and on what it rests."""

    __tablename__ = "unit_hold_ended"

    hold_id: UUID = Field(foreign_key="unit_hold.id", unique=True)
    end: HoldEnd = one_of(HoldEnd)
    note: str = text(200)
    ended_by: UUID = Field(foreign_key="staff.id")
    ended_at: datetime = instant()


class PlaceHold(Record, table=True):
    """A place where whatever comes in is set apart, for as long as the cause lasts there (``place_holds.py``)."""

    __tablename__ = "place_hold"
    __table_args__ = (Index(None, "place_id"), Index(None, "cause_id"))

    place_id: UUID = Field(foreign_key="place.id")
    reason: HoldReason = one_of(HoldReason)
    cause_id: UUID
    held_at: datetime = instant()


class PlaceHoldEnded(Record, table=True):
    """From here on units may come into the place again without being set apart."""

    __tablename__ = "place_hold_ended"

    hold_id: UUID = Field(foreign_key="place_hold.id", unique=True)
    ended_at: datetime = instant()


class StopOrder(Record, table=True):
    """An order not to give something; it stands until it is lifted (``stops.py``)."""

    __tablename__ = "stop_order"

    scope: StopScope = one_of(StopScope)
    target: str = text(90)
    reason: str = text(200)
    placed_by: UUID = Field(foreign_key="staff.id")
    placed_at: datetime = instant()


class StopLiftProposed(Record, table=True):
    """The first of the two people whom the lifting of a stop order takes; the latest proposal counts."""

    __tablename__ = "stop_lift_proposed"

    stop_id: UUID = Field(foreign_key="stop_order.id", index=True)
    reason: str = text(200)
    proposed_by: UUID = Field(foreign_key="staff.id")
    proposed_at: datetime = instant()


class StopLifted(Record, table=True):
    """The second of the two: from here on the stop order no longer stands."""

    __tablename__ = "stop_lifted"
    __table_args__ = (CheckConstraint("confirmed_by <> proposed_by", name="two_people"),)

    stop_id: UUID = Field(foreign_key="stop_order.id", unique=True)
    proposal_id: UUID = Field(foreign_key="stop_lift_proposed.id", unique=True)
    proposed_by: UUID = Field(foreign_key="staff.id")
    confirmed_by: UUID = Field(foreign_key="staff.id")
    lifted_at: datetime = instant()


class SuspectScan(Record, table=True):
    """A code that was refused because it may be a counterfeit or a double.

    It is sealed, and found again by its blind index: people scan documents into the wrong field.
    """

    __tablename__ = "suspect_scan"
    __table_args__ = (Index(None, "code_index", "scanned_at"),)

    code_sealed: bytes = sealed()
    code_index: bytes = Field(sa_type=LargeBinary)
    doubt: Doubt = one_of(Doubt)
    station: str | None = text(32, default=None)
    scanned_by: UUID | None = Field(default=None, foreign_key="staff.id")
    scanned_at: datetime = instant()


class SuspectAssessed(Record, table=True):
    """What the site lead found out about a doubtful code."""

    __tablename__ = "suspect_assessed"

    suspect_id: UUID = Field(foreign_key="suspect_scan.id", unique=True)
    comment: str = text(200)
    assessed_by: UUID = Field(foreign_key="staff.id")
    assessed_at: datetime = instant()


product = table_of(Product)
product_terms = table_of(ProductTerms)
lot = table_of(Lot)
unit = table_of(Unit)
draw = table_of(Draw)
unit_return = table_of(UnitReturn)
place = table_of(Place)
movement = table_of(Movement)
ledger_entry = table_of(LedgerEntry)
unit_move = table_of(UnitMove)
unit_opened = table_of(UnitOpened)
unit_now = table_of(UnitNow)
unit_hold = table_of(UnitHold)
unit_hold_ended = table_of(UnitHoldEnded)
place_hold = table_of(PlaceHold)
place_hold_ended = table_of(PlaceHoldEnded)
stop_order = table_of(StopOrder)
stop_lift_proposed = table_of(StopLiftProposed)
stop_lifted = table_of(StopLifted)
suspect_scan = table_of(SuspectScan)
suspect_assessed = table_of(SuspectAssessed)
