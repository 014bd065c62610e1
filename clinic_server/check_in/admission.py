"""From which age this site gives tickets: what an adopted rule set says, else what is shipped.

Rule sets are known to another stage of the day: whoever puts the server together says where from.
"""

from collections.abc import Callable
from datetime import date

from sqlalchemy import Connection

from clinic_server.check_in import admissions
from clinic_server.kit.call import Call
from clinic_server.visits.rules import Admission

AdmissionOn = Callable[[Connection, date], Admission]
AdoptedOn = Callable[[Connection, date], Admission | None]  # by the sets a site adopted, None where none says an age


def admission_of(call: Call) -> AdmissionOn:
    """Return how this server knows from which age it admits on a day."""
    adopted: AdoptedOn = call.request.app.state.admission_adopted

    def admission_on(connection: Connection, day: date) -> Admission:
        return adopted(connection, day) or admission_shipped(connection, day)

    return admission_on


def admission_shipped(connection: Connection, day: date) -> Admission:  # noqa: ARG001  # one form for both
    """Return from which age a site admits that adopted nothing about it."""
    return admissions.shipped().admission
