"""What the ledger owes: recomputed from the records of every unit, without the program's own sums."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from clinic_server.counting.tables import difference_settled
from clinic_server.stock.tables import (
    draw,
    ledger_entry,
    lot,
    movement,
    place,
    unit,
    unit_hold,
    unit_hold_ended,
    unit_move,
    unit_now,
    unit_opened,
    unit_return,
)

TABLES = (
    *(unit, lot, place, movement, ledger_entry, unit_move, unit_now, unit_opened),
    *(draw, unit_return, unit_hold, unit_hold_ended, difference_settled),
)
LEFT_FOR = {  # the account a unit is on once it left the places, by the kind of its last move
    "missing": "=difference",
    "destroyed": "=destroyed",
    "sent_away": "=sent_away",
}
MOVES_BY_HAND = {"moved", "issued", "lent", "taken_back"}
Key = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class Folded:
    """A unit as its own records tell it."""

    lot_id: Any
    account: str
    place_id: Any
    moves: int
    doses: int
    opened_at: Any


class Stock:
    """Every row that speaks of stock, in the order of the journal."""

    def __init__(self, connection: Connection) -> None:
        self._rows: dict[str, list[RowMapping]] = {}
        for table in TABLES:
            wanted = select(table) if table is unit_now else select(table).order_by(table.c.journal_seq)
            self._rows[table.name] = list(connection.execute(wanted).mappings())
        self._by: dict[tuple[str, str], dict[Any, list[RowMapping]]] = {}

    def all(self, table: str) -> list[RowMapping]:
        """Return a table's rows."""
        return self._rows[table]

    def of(self, table: str, column: str, value: Any) -> list[RowMapping]:
        """Return the rows whose column has a value."""
        if (table, column) not in self._by:
            index = self._by[table, column] = defaultdict(list)
            for row in self._rows[table]:
                index[row[column]].append(row)
        return self._by[table, column].get(value, [])

    def balances(self) -> dict[Key, int]:
        """Return what each account holds of each lot by its last entry."""
        last: dict[Key, RowMapping] = {}
        for entry in self.all("ledger_entry"):
            key = (entry["account"], entry["lot_id"])
            if key not in last or entry["number"] > last[key]["number"]:
                last[key] = entry
        return {key: entry["balance"] for key, entry in last.items() if entry["balance"]}


def faults(stock: Stock) -> list[str]:
    """Return everything that is not as it must be."""
    folds = {row["id"]: _fold(stock, row) for row in stock.all("unit")}
    checks = (_sides(stock), _chains(stock), _draws(stock), _two_people(stock), _held_stay(stock))
    return [what for check in (*checks, _caches(stock, folds), _sums(stock, folds)) for what in check]


def _fold(stock: Stock, row: RowMapping) -> Folded:
    returned = {one["draw_id"] for one in stock.all("unit_return")}
    drawn = sum(one["id"] not in returned for one in stock.of("draw", "unit_id", row["id"]))
    own = Counter({"gained": 0, "wasted": 0})
    for one in stock.of("movement", "unit_id", row["id"]):
        own[one["kind"]] += one["doses"]
    moves = sorted(stock.of("unit_move", "unit_id", row["id"]), key=lambda one: one["number"])
    last = moves[-1]
    ((cause),) = stock.of("movement", "id", last["movement_id"])
    codes = {one["id"]: one["code"] for one in stock.all("place")}
    opened = stock.of("unit_opened", "unit_id", row["id"])
    return Folded(
        lot_id=row["lot_id"],
        account=codes[last["to_place_id"]] if last["to_place_id"] else LEFT_FOR[cause["kind"]],
        place_id=last["to_place_id"],
        moves=len(moves),
        doses=row["doses_per_unit"] + own["gained"] - own["wasted"] - drawn,
        opened_at=opened[0]["opened_at"] if opened else None,
    )


def _sides(stock: Stock) -> Iterator[str]:
    for one in stock.all("movement"):
        sides = sorted((row["account"], row["doses"]) for row in stock.of("ledger_entry", "movement_id", one["id"]))
        if sides != sorted([(one["from_account"], -one["doses"]), (one["to_account"], one["doses"])]):
            yield f"movement {one['kind']} has sides {sides}"


def _chains(stock: Stock) -> Iterator[str]:
    chains: dict[Key, list[RowMapping]] = defaultdict(list)
    for entry in stock.all("ledger_entry"):
        chains[entry["account"], entry["lot_id"]].append(entry)
    for (account, _), entries in chains.items():
        balance = 0
        for number, entry in enumerate(sorted(entries, key=lambda one: one["number"]), 1):
            if (entry["number"], entry["balance_before"]) != (number, balance):
                yield f"{account}: entry {entry['number']} does not follow"
            balance += entry["doses"]
            if entry["balance"] != balance or (balance < 0 and not account.startswith("=")):
                yield f"{account}: entry {number} leaves {entry['balance']}"


def _caches(stock: Stock, folds: dict[Any, Folded]) -> Iterator[str]:
    if {row["unit_id"] for row in stock.all("unit_now")} != folds.keys():
        yield "not every unit has one row that says how it stands"
    for row in stock.all("unit_now"):
        fold = folds[row["unit_id"]]
        doses = fold.doses if fold.place_id else 0
        told = (row["lot_id"], row["place_id"], row["moves"], row["doses_left"], row["opened_at"])
        if told != (fold.lot_id, fold.place_id, fold.moves, doses, fold.opened_at):
            yield f"unit {row['unit_id']} stands as {told}, its records say {fold}"


def _sums(stock: Stock, folds: dict[Any, Folded]) -> Iterator[str]:
    owed: Counter[Key] = Counter()
    for unit_id, fold in folds.items():
        own = Counter({row["kind"]: 0 for row in stock.of("movement", "unit_id", unit_id)})
        for row in stock.of("movement", "unit_id", unit_id):
            own[row["kind"]] += row["doses"]
        ((received),) = stock.of("unit", "id", unit_id)
        owed[fold.account, fold.lot_id] += fold.doses
        owed["=supplier", fold.lot_id] -= received["doses_per_unit"]
        owed["=wasted", fold.lot_id] += own["wasted"]
        owed["=gained", fold.lot_id] -= own["gained"]
        owed["=used", fold.lot_id] += received["doses_per_unit"] + own["gained"] - own["wasted"] - fold.doses
    told = stock.balances()
    for key in owed.keys() | told.keys():
        if owed[key] != told.get(key, 0):
            yield f"{key[0]} should hold {owed[key]}, the ledger says {told.get(key, 0)}"


def _draws(stock: Stock) -> Iterator[str]:
    returned = {one["draw_id"] for one in stock.all("unit_return")}
    for row in stock.all("unit"):
        gained = sum(one["doses"] for one in stock.of("movement", "unit_id", row["id"]) if one["kind"] == "gained")
        drawn = sum(one["id"] not in returned for one in stock.of("draw", "unit_id", row["id"]))
        if drawn > row["doses_per_unit"] + gained:
            yield f"unit {row['trace_code']} gave {drawn} doses"


def _two_people(stock: Stock) -> Iterator[str]:
    for row in stock.all("difference_settled"):
        if row["explained_by"] == row["confirmed_by"]:
            yield f"difference {row['difference_id']} was settled by one person"


def _held_stay(stock: Stock) -> Iterator[str]:
    """No unit is carried from one place to another while it is set apart."""
    for move in stock.all("unit_move"):
        ((cause),) = stock.of("movement", "id", move["movement_id"])
        if cause["kind"] not in MOVES_BY_HAND:
            continue
        for hold in stock.of("unit_hold", "unit_id", move["unit_id"]):
            ends = stock.of("unit_hold_ended", "hold_id", hold["id"])
            is_over = any(one["end"] == "released" and one["journal_seq"] < move["journal_seq"] for one in ends)
            if hold["journal_seq"] < move["journal_seq"] and not is_over:
                yield f"unit {move['unit_id']} was moved while it was set apart"
