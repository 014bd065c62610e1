"""What vitals say: whether they fell below the protocol's limits, and whether somebody is well again."""

from collections.abc import Iterable
from enum import StrEnum

from clinic_server.adverse_events.care.protocols import Protocol
from clinic_server.adverse_events.care.rules import Consciousness, Vitals


class VitalsFinding(StrEnum):
    """What is wrong with vitals."""

    SYSTOLIC_LOW = "systolic_low"
    SYSTOLIC_FELL = "systolic_fell"
    SPO2_LOW = "spo2_low"
    NOT_ALERT = "not_alert"
    NOT_MEASURED = "not_measured"


def findings_of(
    vitals: Vitals, baseline_mmhg: int | None, age_months: int, protocol: Protocol
) -> tuple[VitalsFinding, ...]:
    """Return what is wrong with vitals, by the protocol's limits for the age and against those before the needle."""
    found = list(_pressure(vitals.systolic_mmhg, baseline_mmhg, age_months, protocol))
    if vitals.spo2_percent is not None and vitals.spo2_percent < protocol.least_spo2_percent:
        found.append(VitalsFinding.SPO2_LOW)
    if vitals.consciousness not in {None, Consciousness.ALERT}:
        found.append(VitalsFinding.NOT_ALERT)
    return tuple(found)


def is_low(findings: Iterable[VitalsFinding]) -> bool:
    """Tell whether the blood pressure is that of a shock."""
    return bool({VitalsFinding.SYSTOLIC_LOW, VitalsFinding.SYSTOLIC_FELL} & set(findings))


def keeps_from_release(
    vitals: Vitals | None, baseline_mmhg: int | None, age_months: int, protocol: Protocol
) -> tuple[VitalsFinding, ...]:
    """Return why somebody is not well again: something is wrong, or what must be known was not measured."""
    if vitals is None or None in {vitals.systolic_mmhg, vitals.spo2_percent, vitals.consciousness}:
        return (VitalsFinding.NOT_MEASURED,)
    return findings_of(vitals, baseline_mmhg, age_months, protocol)


def _pressure(
    systolic_mmhg: int | None, baseline_mmhg: int | None, age_months: int, protocol: Protocol
) -> Iterable[VitalsFinding]:
    if systolic_mmhg is None:
        return
    if systolic_mmhg < protocol.low_systolic_mmhg(age_months):
        yield VitalsFinding.SYSTOLIC_LOW
    if baseline_mmhg and 100 * systolic_mmhg <= (100 - protocol.systolic_drop_percent) * baseline_mmhg:
        yield VitalsFinding.SYSTOLIC_FELL
