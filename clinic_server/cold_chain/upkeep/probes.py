"""Probes through their life: where each one is and was, how its calibration stands, and its end."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, select

from clinic_server.alerts.raising import close, open_alerts
from clinic_server.alerts.rules import Alarm, AlertFacts, AlertKind, CloseReason, Severity
from clinic_server.alerts.telling import Phrase, Told, tell
from clinic_server.cold_chain.actions import refuse_retired
from clinic_server.cold_chain.rules import COLD_CHAIN, ProbeEnd, ProbeState, ProbeUnknown
from clinic_server.cold_chain.tables import Probe, ProbeReason, heard_probe, probe, probe_reason
from clinic_server.cold_chain.upkeep.appliances import in_service
from clinic_server.cold_chain.upkeep.certificates import standing_certificates
from clinic_server.cold_chain.upkeep.rules import Certificate, CertificateState, certificate_state
from clinic_server.kit.tx import Tx
from clinic_server.staff.actions import require_signed_in
from clinic_server.stock.places import places
from clinic_server.stock.whereabouts import PlaceFacts, PlaceKind

OF_THE_PROBE = frozenset(
    {
        AlertKind.NO_DATA,
        AlertKind.PROBE_FAULT,
        AlertKind.FLAT_LINE,
        AlertKind.CLOCK_WRONG,
        AlertKind.PROBES_SWAPPED,
        AlertKind.BATTERY_LOW,
        AlertKind.POWER_LOST,
        AlertKind.CALIBRATION_DUE,
    }
)
OF_THE_TEMPERATURE = frozenset({AlertKind.TOO_WARM, AlertKind.TOO_COLD, AlertKind.FROZEN})


@dataclass(frozen=True, slots=True)
class ProbeStep:
    """One step of a probe's life, and why it was taken."""

    place_code: str | None
    ended_as: ProbeEnd | None
    reason: str | None
    assigned_at: datetime

    @property
    def state(self) -> ProbeState:
        """Where in its life the probe was from then on."""
        if self.ended_as is not None:
            return ProbeState(self.ended_as.value)
        return ProbeState.SPARE if self.place_code is None else ProbeState.PLACED


@dataclass(frozen=True, slots=True)
class ProbeSeen:
    """A probe that was ever heard or assigned; ``steps`` has the latest first."""

    probe_id: str
    steps: Sequence[ProbeStep]
    certificate: Certificate | None
    certificate_state: CertificateState

    @property
    def state(self) -> ProbeState:
        """Where it is in its life; one that only spoke so far lies ready."""
        return self.steps[0].state if self.steps else ProbeState.SPARE

    @property
    def place_code(self) -> str | None:
        """The place it stands in."""
        return self.steps[0].place_code if self.steps else None


def end_probe(tx: Tx, probe_id: str, ended_as: ProbeEnd, reason: str) -> UUID:
    """Record that a probe was lost or is retired, and end the alerts that only it could end.

    A temperature that somebody already took in hand has nobody left to say that it is over. Raises ProbeUnknown or
    ProbeIsRetired.
    """
    told_by = require_signed_in(tx)
    refuse_retired(tx.connection, probe_id)
    known = {one.probe_id: one for one in probes(tx.connection, tx.local_date)}
    if probe_id not in known:
        raise ProbeUnknown
    record_id = tx.append(Probe, probe_id=probe_id, place_code=None, assigned_at=tx.now)
    tx.append(ProbeReason, assignment_id=record_id, ended_as=ended_as, reason=reason, told_by=told_by)
    left = known[probe_id].place_code
    if left is not None:
        stand_there = Counter(one.place_code for one in known.values())
        for one in open_alerts(tx.connection):
            if one.place_code == left and _ends_with(one, is_last=stand_there[left] == 1):
                close(tx, one.alert_id, CloseReason.PROBE_RETIRED)
    tx.journal(f"probe_{ended_as.value}", record_id, COLD_CHAIN)
    return record_id


def probes(connection: Connection, today: date) -> Sequence[ProbeSeen]:
    """Return every probe that was ever heard or assigned, by its name."""
    steps: dict[str, list[ProbeStep]] = defaultdict(list)
    told = select(probe, probe_reason.c.ended_as, probe_reason.c.reason).outerjoin(
        probe_reason, probe_reason.c.assignment_id == probe.c.id
    )
    for row in connection.execute(told.order_by(probe.c.journal_seq.desc())):
        steps[row.probe_id].append(ProbeStep(row.place_code, row.ended_as, row.reason, row.assigned_at))
    heard = connection.execute(select(heard_probe.c.probe_id)).scalars()
    certificates = standing_certificates(connection)
    seen = []
    for probe_id in sorted({*steps, *heard}):
        held = certificates.get(probe_id)
        state = certificate_state(held.valid_until if held else None, today)
        seen.append(ProbeSeen(probe_id, steps[probe_id], held, state))
    return seen


def places_without_probe(connection: Connection, seen: Sequence[ProbeSeen]) -> Sequence[PlaceFacts]:
    """Return the places in service that no probe watches; a bench's box is watched by who works there."""
    watched = {one.place_code for one in seen}
    return [
        one
        for one in places(connection)
        if one.code not in watched and one.kind is not PlaceKind.BENCH_BOX and in_service(connection, one.place_id)
    ]


def overdue_alarms(connection: Connection, today: date) -> Mapping[str, Alarm]:
    """Return what is to be said of places whose probes have a certificate that ran out."""
    overdue: dict[str, list[date]] = defaultdict(list)
    for one in probes(connection, today):
        if one.place_code and one.certificate and one.certificate_state is CertificateState.OVERDUE:
            overdue[one.place_code].append(one.certificate.valid_until)
    return {
        code: Alarm(AlertKind.CALIBRATION_DUE, Severity.WARNING, _ended_on(min(ended)), code)
        for code, ended in overdue.items()
    }


def _ended_on(day: date) -> Told:
    return tell(Phrase.CALIBRATION_ENDED, day=f"{day}")


def _ends_with(one: AlertFacts, *, is_last: bool) -> bool:
    if one.kind in OF_THE_PROBE:
        return True
    return is_last and one.kind in OF_THE_TEMPERATURE and one.acknowledged_at is not None
