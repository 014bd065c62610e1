"""Opening the file of an event that was heard of after the visit, also of somebody who never came."""

from dataclasses import dataclass
from uuid import UUID

from clinic_server.adverse_events.actions import classify, file_event
from clinic_server.adverse_events.report.rules import DiscoveryImpossible, LaterEvent
from clinic_server.adverse_events.rules import ADVERSE_EVENTS, EventRef, NewEvent
from clinic_server.kit.tx import Tx
from clinic_server.people.actions import find_or_register
from clinic_server.people.lookup import person
from clinic_server.people.rules import IdentityFacts, Source
from clinic_server.staff.actions import require_signed_in


@dataclass(frozen=True, slots=True)
class OnRecord:
    """Who somebody is on record."""

    person_id: UUID


def put_on_record(tx: Tx, stated: IdentityFacts) -> OnRecord:
    """Register somebody whose event is told and who never came; whose document is known keeps what is held of them."""
    require_signed_in(tx)
    registered = find_or_register(tx, stated, Source.TYPED)
    tx.journal("person_put_on_record", registered.person_id)
    return OnRecord(registered.person_id)


def open_later(tx: Tx, person_id: UUID, new: LaterEvent) -> EventRef:
    """Open the file of an event that was heard of after the visit; each such event has a file of its own."""
    require_signed_in(tx)
    person(tx.connection, tx.keyring, person_id)
    discovered_at = new.discovered_at or tx.now
    event = file_event(
        tx,
        NewEvent(
            person_id=person_id,
            visit_id=None,
            found_how=new.found_how,
            discovered_at=discovered_at,
            onset_at=new.onset_at,
            dose_ids=new.dose_ids,
            elsewhere=new.elsewhere,
        ),
    )
    if not new.onset_at <= discovered_at <= tx.now:
        raise DiscoveryImpossible
    if new.classed is not None:
        classify(tx, event.event_id, new.classed)
    tx.journal("adverse_event_opened", event.event_id, ADVERSE_EVENTS)
    return event
