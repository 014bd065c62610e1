"""What each sender lives on, as far as it told."""

from sqlalchemy import BigInteger
from sqlmodel import Field

from clinic_server.kit.tables import State, table_of, text


class SupplyNow(State, table=True):
    """The fold of what a probe, or a device with several, told of battery and mains (``rules.Supply``).

    Charges come as often as temperatures and are not kept one by one; what came of them is on record as alerts.
    ``limits`` is the edition by which its newest word was judged.
    """

    __tablename__ = "supply_now"

    part: str = text(128, primary_key=True)
    low_unix_ms: int = Field(sa_type=BigInteger)
    well_unix_ms: int = Field(sa_type=BigInteger)
    off_unix_ms: int = Field(sa_type=BigInteger)
    on_unix_ms: int = Field(sa_type=BigInteger)
    battery_unix_ms: int = Field(sa_type=BigInteger)
    battery_percent: int | None = None
    limits: str = text(50)


supply_now = table_of(SupplyNow)
