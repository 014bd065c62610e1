"""The story of two vaccines at one stay, with one mishap between asking for the further one and its needle."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any
from uuid import UUID

from clinic_server.adverse_events.care.actions import call_team
from clinic_server.consent.rules import InformedItem
from clinic_server.observation.actions import extend
from clinic_server.observation.rules import ExtensionReason
from clinic_server.people.signatures import Relationship, Signature, Signer
from clinic_server.screening.rules import DecisionOutcome, Measurements, Proposal
from clinic_server.stock.rules import BodySite
from tests.proof.clinic import FURTHER, Clinic


class Mishap(StrEnum):
    """What happens between asking for a further vaccine and its needle, or at it."""

    NONE = "none"
    SAME_ARM = "same arm"
    SAME_ARM_SAID_WHY = "same arm, said why"
    STAYS_LONGER = "stays longer"
    REACTS = "reacts"
    UNWELL = "unwell"
    LEAVES = "leaves"
    LEAVES_EARLY = "leaves early"
    GONE = "gone"
    TAKEN_BACK = "taken back"
    ASKED_TWICE = "asked twice"


def given_more(clinic: Clinic, first: UUID, mishap: Mishap) -> None:
    """Let somebody who is watched be given a further vaccine, and show both slips at the exit."""
    further: UUID | None = getattr(clinic.ask_for_further(first), "visit_id", None)
    if further is None:
        return
    permit_id = _permit(clinic, further)
    _happens(clinic, first, mishap)
    if permit_id is not None:
        is_same = mishap in {Mishap.SAME_ARM, Mishap.SAME_ARM_SAID_WHY}
        arm = BodySite.LEFT_UPPER_ARM if is_same else BodySite.RIGHT_UPPER_ARM
        reason = "the other is in plaster" if mishap is Mishap.SAME_ARM_SAID_WHY else ""
        clinic.give(clinic.cast.vaccinators[0], permit_id, arm, reason)
    clinic.show_slip(first)
    clinic.clock.pass_time(minutes=31)
    clinic.show_slip(further)


def _permit(clinic: Clinic, further: UUID) -> UUID | None:
    bench = clinic.cast.vaccinators[0]
    clinic.answer(further, {}, Measurements(), "routine")
    clinic.decide(
        further, clinic.cast.physicians[0], Proposal(DecisionOutcome.RECOMMENDED, FURTHER, "seen and weighed")
    )
    clinic.sign(further, (Signature(Signer.RECIPIENT, Relationship.SELF, paper_reason="pad"),), frozenset(InformedItem))
    clinic.receive(FURTHER, 1, clinic.today())
    clinic.fetch(bench, clinic.codes[-1])
    return getattr(clinic.ask_permit(further, bench, clinic.codes[-1]), "permit_id", None)


def _happens(clinic: Clinic, first: UUID, mishap: Mishap) -> None:
    physician = clinic.cast.physicians[0]
    acts: dict[Mishap, Callable[[], Any]] = {
        Mishap.STAYS_LONGER: lambda: clinic.act(physician, lambda tx: extend(tx, first, 60, ExtensionReason.ORDERED)),
        Mishap.REACTS: lambda: clinic.act(physician, lambda tx: call_team(tx, first, "a3")),
        Mishap.UNWELL: lambda: clinic.look_at(first, is_well=False),
        Mishap.LEAVES: lambda: (clinic.clock.pass_time(minutes=4), clinic.leave(first)),
        Mishap.LEAVES_EARLY: lambda: clinic.leave_early(first),
        Mishap.GONE: lambda: clinic.is_gone(first),
        Mishap.TAKEN_BACK: lambda: clinic.take_further_back(first),
        Mishap.ASKED_TWICE: lambda: clinic.ask_for_further(first),
    }
    if mishap in acts:
        acts[mishap]()
