"""The ambulance's log of an opening."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from clinic_server.kit.crypto import Keyring
from clinic_server.opening.ambulance.rules import Presence
from clinic_server.opening.ambulance.tables import ambulance_move
from clinic_server.opening.lookup import SaidOf, all_said
from clinic_server.opening.rules import Safeguard
from clinic_server.staff.lookup import name_of


@dataclass(frozen=True, slots=True)
class Logged:
    """One line of the log; ``said`` holds the names or the reason, the opening's own line knows no more."""

    said: SaidOf
    presence: Presence
    minutes_away: int | None
    recorded_by: str = field(repr=False)


def ambulance_log(connection: Connection, keyring: Keyring) -> Sequence[Logged]:
    """Return where the ambulance was since the latest opening, the latest first."""
    moves = {row.statement_id: row for row in connection.execute(select(ambulance_move))}
    lines = []
    for said in all_said(connection, keyring, Safeguard.AMBULANCE):
        move = moves.get(said.statement.statement_id)
        stands = Presence.ON_SITE if said.statement.stands else Presence.AWAY
        lines.append(
            Logged(
                said,
                move.presence if move else stands,
                move.minutes_away if move else None,
                name_of(connection, keyring, move.recorded_by) if move else "",
            )
        )
    return lines[::-1]
