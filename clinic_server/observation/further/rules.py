"""When a further vaccine may be asked for on the day, and what takes it back."""

from typing import Final

from clinic_server.kit.errors import Conflict, Malformed

MOST_WORDS: Final = 200


class NoFurtherAsked(Conflict):
    """No further vaccine waits for this person: none was asked for, or it was given, or its visit has ended."""

    code = "no_further_asked"


class WithdrawalUnexplained(Malformed):
    """Whoever takes a further vaccine back says why."""

    code = "withdrawal_unexplained"


def refuse_unexplained(words: str) -> None:
    """Raise unless somebody said why, in no more than MOST_WORDS characters."""
    if not words.strip() or len(words) > MOST_WORDS:
        raise WithdrawalUnexplained
