"""Storing what senders say of battery and mains, and calling somebody in the same transaction."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import select, update

from clinic_server.alerts.raising import open_alerts, raise_alarm, recover
from clinic_server.cold_chain.rules import COLD_CHAIN, event_time
from clinic_server.cold_chain.supply.limits import shipped
from clinic_server.cold_chain.supply.lookup import supply_alarms
from clinic_server.cold_chain.supply.rules import Supply, SupplyWord, after
from clinic_server.cold_chain.supply.tables import SupplyNow, supply_now
from clinic_server.cold_chain.tables import to_unix_ms
from clinic_server.cold_chain.upkeep.rules import to_raise, to_recover
from clinic_server.kit.tx import Tx


def store_supplies(tx: Tx, words: Sequence[SupplyWord]) -> None:
    """Take what was said of battery and mains into what is known, and raise or end what follows from it."""
    limits, parts = shipped(), sorted({word.part for word in words})
    columns = (supply_now.c[name] for name in ("part", *Supply.__dataclass_fields__))
    rows = tx.execute(select(*columns).where(supply_now.c.part.in_(parts)))
    known = {row.part: Supply(*row[1:]) for row in rows}
    now = dict(known)
    for word in words:
        at_unix_ms = to_unix_ms(event_time(word.told_at, tx.now))
        now[word.part] = after(now.get(word.part, Supply()), word, at_unix_ms, limits)
    news = {part: supply for part, supply in now.items() if supply != known.get(part)}
    for part, supply in news.items():
        values = {**asdict(supply), "limits": limits.name}
        if part in known:
            tx.execute(update(supply_now).where(supply_now.c.part == part).values(values))
        else:
            tx.insert(SupplyNow, part=part, **values)
    if news:
        _say(tx)


def _say(tx: Tx) -> None:
    standing = open_alerts(tx.connection)
    for kind, wanted in supply_alarms(tx.connection).items():
        for alarm in to_raise(wanted, standing):
            raise_alarm(tx, alarm)
        for place_code in to_recover(kind, wanted, standing):
            recover(tx, kind, place_code)
    if tx.owes_a_line:
        tx.journal("supply_judged", None, COLD_CHAIN)
