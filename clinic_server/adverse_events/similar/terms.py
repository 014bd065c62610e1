"""What makes events similar: what happened, and round what."""

from enum import StrEnum


class KindGroup(StrEnum):
    """Kinds of reaction that count as one when they gather."""

    ALLERGIC = "allergic"
    PSYCHOGENIC = "psychogenic"
    FEVER = "fever"
    LOCAL = "local"
    OTHER = "other"


class SimilarScope(StrEnum):
    """Round what events gather."""

    LOT = "lot"
    BENCH = "bench"
    SESSION = "session"
