"""The ambulance's log beside what was said about its safeguard."""

from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlmodel import Field

from clinic_server.kit.tables import Record, one_of, table_of
from clinic_server.opening.ambulance.rules import Presence


class AmbulanceMove(Record, table=True):
    """Where the ambulance went: vehicle, crew and telephone, or why it left, stand in the statement made with it."""

    __tablename__ = "ambulance_move"
    __table_args__ = (CheckConstraint("minutes_away BETWEEN 1 AND 240", name="minutes_away"),)

    statement_id: UUID = Field(foreign_key="safeguard_statement.id", unique=True)
    presence: Presence = one_of(Presence)
    minutes_away: int | None
    recorded_by: UUID = Field(foreign_key="staff.id")


ambulance_move = table_of(AmbulanceMove)
