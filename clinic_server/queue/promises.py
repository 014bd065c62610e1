"""What the tickets given so far promise, beside what could be given: no more tickets than usable doses."""

from datetime import date

from sqlalchemy import Connection

from clinic_server.queue.rules import DosesPromised
from clinic_server.settings import SiteSettings
from clinic_server.stock.usable import usable_doses
from clinic_server.visits.lookup import count_before_needle


def doses_promised(connection: Connection, site: SiteSettings, today: date) -> DosesPromised | None:
    """Return how the doses cover those who wait, None where the site does not count them.

    All products count alike: which of them somebody will be given is decided after the ticket.
    """
    if not site.limit_tickets:
        return None
    waiting = count_before_needle(connection)
    return DosesPromised(waiting, usable_doses(connection, today, enough=waiting + 1), site.overbook_doses)
