"""By what somebody is sought who shows no document, and when what they say lets them be checked in."""

from dataclasses import dataclass, field
from datetime import date
from typing import Self

from clinic_server.kit.errors import Refused
from clinic_server.people.rules import name_key, phone_key


class NobodyDescribed(Refused):
    """Neither a name nor a telephone number was typed; the findings name both fields."""

    code = "nobody_described"


class BirthDateNotTheirs(Refused):
    """Who stands at the desk told another birth date than the one held of whom the desk chose."""

    code = "birth_date_not_theirs"


@dataclass(frozen=True, slots=True)
class Description:
    """What is known of somebody sought; make it with ``of``. What is empty narrows nothing."""

    name: str = field(repr=False)
    phone: str = field(repr=False)
    born_on: date | None = field(repr=False)

    @classmethod
    def of(cls, name: str, phone: str, born_on: date | None) -> Self:
        """Return what was typed, or raise NobodyDescribed; signs that are no part of a name or number describe none."""
        described = cls(name if name_key(name) else "", phone if phone_key(phone) else "", born_on)
        if not (described.name or described.phone):
            raise NobodyDescribed(findings=["name", "phone"])
        return described


def refuse_another(told: date, held: date) -> None:
    """Raise unless the birth date told is the one held."""
    if told != held:
        raise BirthDateNotTheirs(findings=["born_on"])
