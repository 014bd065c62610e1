"""What the probes of each place live on."""

from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, select

from clinic_server.alerts.rules import Alarm, AlertKind
from clinic_server.cold_chain.supply.limits import shipped
from clinic_server.cold_chain.supply.rules import Supply, SupplyAt, alarms_of, is_of
from clinic_server.cold_chain.supply.tables import supply_now
from clinic_server.cold_chain.tables import places_of_probes

_FOLD = tuple(supply_now.c[name] for name in Supply.__dataclass_fields__)


def supply_alarms(connection: Connection) -> Mapping[AlertKind, Mapping[str, Alarm]]:
    """Return what is to be said of batteries and mains now, by kind and place."""
    return alarms_of(supplies_in_places(connection), shipped())


def supplies_in_places(connection: Connection) -> Iterator[SupplyAt]:
    """Return what every sender in a place told; one that carries probes of several places tells of each."""
    standing = {probe_id: code for probe_id, code in places_of_probes(connection).items() if code is not None}
    for row in connection.execute(select(supply_now.c.part, *_FOLD).order_by(supply_now.c.part)):
        supply = Supply(*row[1:])
        for code in sorted({code for probe_id, code in standing.items() if is_of(probe_id, row.part)}):
            yield SupplyAt(code, supply)
