"""What a rule set is made of: questions with their follow-ups, thresholds, and the set itself."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
SetCode = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{2,40}$")]
Version = Annotated[int, msgspec.Meta(ge=1)]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
Days = Annotated[int, msgspec.Meta(ge=1, le=3650)]
Minutes = Annotated[int, msgspec.Meta(ge=30, le=240)]
OwnWeight = Literal["contraindication", "deferral", "precaution"]
Effect = Literal["contraindication", "deferral", "precaution", "nothing"]


class Weight(StrEnum):
    """How much a finding weighs."""

    CONTRAINDICATION = "contraindication"
    PRECAUTION = "precaution"
    DEFERRAL = "deferral"
    UNCLEAR = "unclear"


class Quantity(StrEnum):
    """What may be measured before a dose, by its unit."""

    MILLI_CELSIUS = "milli_celsius"
    SYSTOLIC_MMHG = "systolic_mmhg"
    DIASTOLIC_MMHG = "diastolic_mmhg"


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every part of a set is: fixed, and without unknown keys."""


class FollowUp(_Part, frozen=True):
    """What is asked after a "yes", and what each answer makes of the finding; it lightens and never adds weight.

    What is not said, or not known, leaves the question's own weight. ``yes_no`` has ``yes`` and ``no``; ``date`` has
    ``within`` for less than ``within_days`` ago, else ``beyond``; ``choice`` an effect for each of its ``choices``;
    ``ingredients`` offers words of the catalogue of vaccines: a vaccine with none of those named has ``beyond``.
    """

    code: Code
    kind: Literal["yes_no", "date", "choice", "ingredients"]
    source: Words
    yes: Effect | None = None
    no: Effect | None = None
    within_days: Days | None = None
    within: Effect | None = None
    beyond: Effect | None = None
    choices: Mapping[Code, Effect] = {}
    ingredients: tuple[Code, ...] = ()

    def makes(self) -> Mapping[str, Effect]:
        """Return what each answer makes of the finding, where that is said."""
        said = {"yes": self.yes, "no": self.no, "within": self.within, "beyond": self.beyond, **self.choices}
        return {answer: effect for answer, effect in said.items() if effect}


class Question(_Part, frozen=True):
    """One question: "yes" gives its finding; the gates say who is asked, by whole years and by whole months.

    ``defer_days`` is how long a deferral lasts where the source says so; ``observe_minutes`` how long the person is
    watched after a dose in spite of the finding.
    """

    code: Code
    finding: Code
    weight: OwnWeight
    source: Words
    only_sex: Literal["female", "male"] | None = None
    from_age: Annotated[int, msgspec.Meta(ge=0, le=150)] = 0
    below_age: Annotated[int, msgspec.Meta(ge=1, le=200)] = 200
    from_months: Annotated[int, msgspec.Meta(ge=0, le=1800)] = 0
    below_months: Annotated[int, msgspec.Meta(ge=1, le=2400)] = 2400
    defer_days: Days | None = None
    observe_minutes: Minutes | None = None
    follow_up: tuple[FollowUp, ...] = ()


class Threshold(_Part, frozen=True):
    """A measured value that gives a finding: ``at_least`` and above, ``at_most`` and below, or from one to the other.

    A source that says "X or above" or "X or below" means the value itself too.
    """

    code: Code
    quantity: Quantity
    finding: Code
    weight: OwnWeight
    source: Words
    at_least: int | None = None
    at_most: int | None = None
    defer_days: Days | None = None
    observe_minutes: Minutes | None = None

    def is_met_by(self, value: int) -> bool:
        """Tell whether a measured value gives the finding."""
        is_high = self.at_least is None or value >= self.at_least
        return is_high and (self.at_most is None or value <= self.at_most)


class Included(_Part, frozen=True):
    """Another set whose questions and thresholds are part of this one, but for those of the same code."""

    code: SetCode
    version: Version


class AgeBand(_Part, frozen=True):
    """Whom the set is for, in whole years; everybody else has the finding."""

    from_age: Annotated[int, msgspec.Meta(ge=0, le=150)]
    below_age: Annotated[int, msgspec.Meta(ge=1, le=200)]
    finding: Code
    weight: OwnWeight
    source: Words


class Admitted(_Part, frozen=True):
    """From which age, in whole months, a site that adopted the set gives tickets: a desk does not know yet for what."""

    from_months: Annotated[int, msgspec.Meta(ge=0, le=1800)]
    source: Words


class Written(_Part, frozen=True):
    """A set as its file says it, before what it includes.

    Its programme is what a person comes for, ``antigens`` what the vaccines of it protect from (itself unless said).
    It is valid from one day to another, both included. ``sign_off`` says that a physician has yet to answer for the
    set: who did stands in the records.
    """

    code: SetCode
    version: Version
    programme: Code
    jurisdiction: Words
    source: Words
    valid_from: date
    owner: Words
    sign_off: Words
    observation_minutes: Minutes
    valid_until: date | None = None
    antigens: tuple[Code, ...] = ()
    includes: tuple[Included, ...] = ()
    ages: AgeBand | None = None
    admission: Admitted | None = None
    question: tuple[Question, ...] = ()
    threshold: tuple[Threshold, ...] = ()


class RuleSet(Written, frozen=True):
    """One version of one set, with all it includes; ``digest`` stands for every word of its files."""

    digest: str = ""

    def is_valid_on(self, day: date) -> bool:
        """Tell whether the set may be used on a day."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)
