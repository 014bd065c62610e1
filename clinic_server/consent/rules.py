"""What must have been told before a consent, who refuses or takes one back, and why one falls: pure."""

from collections.abc import Collection
from enum import StrEnum

from clinic_server.kit.errors import Conflict, NotFound, Refused
from clinic_server.people.signatures import MOST_REASON_CHARACTERS, NoteTooLong


class InformedItem(StrEnum):
    """The five things told before a dose (疫苗管理法 art. 45)."""

    KIND = "kind"
    EFFECT = "effect"
    CONTRAINDICATIONS = "contraindications"
    ADVERSE_REACTIONS = "adverse_reactions"
    OBSERVATION = "observation"


class RefusedBy(StrEnum):
    """Whose refusal it is: three different facts."""

    RECIPIENT = "recipient"
    GUARDIAN = "guardian"
    STAFF = "staff"


class WithdrawnBy(StrEnum):
    """Who takes a consent back: only those who may give one."""

    RECIPIENT = "recipient"
    GUARDIAN = "guardian"


class InformingIncomplete(Refused):
    """Not all five items were told; the findings name the missing ones."""

    code = "informing_incomplete"


class AdviceNoteMissing(Refused):
    """A dose against advice is consented to with a note of what the person was told about it."""

    code = "advice_note_missing"


class ConsentNotStanding(Conflict):
    """This consent does not stand any more: it was used, replaced or has fallen."""

    code = "consent_not_standing"


class ConsentTextUnknown(NotFound):
    """No consent text stands in this language."""

    code = "consent_text_unknown"


class ConsentTextChanged(Conflict):
    """A newer version of the text must be read."""

    code = "consent_text_changed"


class RefusalReasonMissing(Refused):
    """A refusal says why, in at most ``most`` characters."""

    code = "refusal_reason_missing"


class VoidingReasonMissing(Refused):
    """What makes a consent fall says why, in at most ``most`` characters."""

    code = "voiding_reason_missing"


def refuse_uninformed(told: Collection[InformedItem]) -> None:
    """Raise InformingIncomplete unless all five items were told."""
    missing = [item.value for item in InformedItem if item not in told]
    if missing:
        raise InformingIncomplete(findings=missing)


def refuse_unnoted(asked: str, advice_note: str, *, is_against_advice: bool) -> None:
    """Raise AdviceNoteMissing for a dose against advice without its note, NoteTooLong for a note nobody reads."""
    if is_against_advice and not advice_note.strip():
        raise AdviceNoteMissing
    if max(len(asked), len(advice_note)) > MOST_REASON_CHARACTERS:
        raise NoteTooLong(most=MOST_REASON_CHARACTERS)


def refuse_unfounded_voiding(reason: str) -> None:
    """Raise VoidingReasonMissing unless it says why a consent is to fall, or a dispute to end."""
    if not reason.strip() or len(reason) > MOST_REASON_CHARACTERS:
        raise VoidingReasonMissing(most=MOST_REASON_CHARACTERS)


def refuse_unexplained(reason: str) -> None:
    """Raise RefusalReasonMissing unless a refusal says why."""
    if not reason.strip() or len(reason) > MOST_REASON_CHARACTERS:
        raise RefusalReasonMissing(most=MOST_REASON_CHARACTERS)
