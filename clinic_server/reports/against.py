"""Doses that were given against a rule: what a day's report shows of them."""

from collections.abc import Callable, Sequence
from datetime import date

from sqlalchemy import Connection

from clinic_server.kit.call import Call
from clinic_server.reports.overrides import tells_health
from clinic_server.visits.against import GivenAgainstRule, given_against_rule
from clinic_server.visits.tables import visit


def as_seen_by(call: Call, business_on: date) -> Callable[[Connection], Sequence[GivenAgainstRule]]:
    """Return the question for a day's doses against a rule; reasons are opened for physicians alone."""
    keyring, opens = call.house.db.keyring, tells_health(call)
    return lambda connection: given_against_rule(
        connection, keyring, visit.c.business_on == business_on, with_reasons=opens
    )
