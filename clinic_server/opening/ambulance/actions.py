"""The ambulance comes and goes; its safeguard goes and comes in the same act."""

from clinic_server.kit.tx import Tx
from clinic_server.opening import checklists
from clinic_server.opening.actions import OpeningRef, append_statement, only_asked, require_open
from clinic_server.opening.ambulance.rules import Move, is_near_enough, require_whole
from clinic_server.opening.ambulance.tables import AmbulanceMove
from clinic_server.opening.lookup import names_said_last, standing_statements
from clinic_server.opening.pausing import OPENING, tell_pauses
from clinic_server.opening.rules import ChecklistIncomplete, Named, Opened, Safeguard, SafeguardWithdrawn, missing_names
from clinic_server.staff.actions import require_signed_in


def move_ambulance(tx: Tx, within_minutes: int, move: Move) -> OpeningRef:
    """Record where the ambulance is: too far, and injections pause; near enough, and they go on."""
    staff_id = require_signed_in(tx)
    opened = require_open(tx)
    require_whole(move)
    stands = is_near_enough(move, within_minutes)
    if not stands and not standing_statements(tx.connection)[Safeguard.AMBULANCE].stands:
        raise SafeguardWithdrawn
    said = _named(tx, opened, move) if stands else move.reason.strip()
    statement_id = append_statement(tx, opened.opening_id, Safeguard.AMBULANCE, said)
    tx.append(
        AmbulanceMove,
        statement_id=statement_id,
        presence=move.presence,
        minutes_away=move.minutes_away,
        recorded_by=staff_id,
    )
    tell_pauses(tx)
    tx.journal("ambulance_moved", statement_id, OPENING)
    return OpeningRef(opened.opening_id, opened.business_on)


def _named(tx: Tx, opened: Opened, move: Move) -> dict[Named, str]:
    """Return vehicle, crew and telephone as they are now: what is not said anew is as it was said last."""
    asked = checklists.shipped()[opened.variant].asked[Safeguard.AMBULANCE]
    anew = {name: said for name, said in move.named.items() if said.strip()}
    named = {**names_said_last(tx.connection, tx.keyring, Safeguard.AMBULANCE), **anew}
    if missing := missing_names({Safeguard.AMBULANCE: asked}, {Safeguard.AMBULANCE: named}):
        raise ChecklistIncomplete(findings=missing)
    return only_asked(asked, named)
