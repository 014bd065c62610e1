"""Synthetic travel documents: passports of Utopia, and permits whose numbers begin with four zeros."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
FAMILY_NAMES = ("ZHAO", "QIAN", "SUN", "LI", "WU", "OUYANG", "ERIKSSON", "NGUYEN")
GIVEN_NAMES = ("AN", "NING", "XIAOMING", "RUOXI", "ANNA MARIA", "JOHN", "VAN A")


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticDocument:
    """What is printed on the data page; dates are YYMMDD, `form` is 1, 2 or 3 as in TD1 to TD3."""

    form: int = 3
    code: str = "P"
    issuer: str = "UTO"
    number: str = "T00000001"
    family_name: str = "ERIKSSON"
    given_names: str = "ANNA MARIA"
    nationality: str = "UTO"
    born: str = "740812"
    sex: str = "F"
    expires: str = "340415"
    optional: str = ""

    def lines(self) -> list[str]:
        """Return the lines of its machine readable zone."""
        return {1: self._td1, 2: self._td2, 3: self._td3}[self.form]()

    def _td1(self) -> list[str]:
        field, rest = self._number_field()
        upper = filled(self.code, 2) + filled(self.issuer, 3) + field + filled(rest + self.optional, 15)
        birth, expiry = with_digit(self.born), with_digit(self.expires)
        further = "<" * 11
        digit = digit_of(upper[5:] + birth + expiry + further)
        middle = birth + self.sex + expiry + filled(self.nationality, 3) + further + digit
        return [upper, middle, filled(self._names(), 30)]

    def _td2(self) -> list[str]:
        field, rest = self._number_field()
        birth, expiry, optional = with_digit(self.born), with_digit(self.expires), filled(rest + self.optional, 7)
        lower = field + filled(self.nationality, 3) + birth + self.sex + expiry + optional
        return [self._upper(36), lower + digit_of(field + birth + expiry + optional)]

    def _td3(self) -> list[str]:
        field = with_digit(filled(self.number, 9))
        birth, expiry = with_digit(self.born), with_digit(self.expires)
        optional = with_digit(filled(self.optional, 14)) if self.optional else "<" * 15
        lower = field + filled(self.nationality, 3) + birth + self.sex + expiry + optional
        return [self._upper(44), lower + digit_of(field + birth + expiry + optional)]

    def _upper(self, length: int) -> str:
        return filled(filled(self.code, 2) + filled(self.issuer, 3) + self._names(), length)

    def _names(self) -> str:
        return f"{self.family_name}<<{self.given_names}".replace(" ", "<").rstrip("<")

    def _number_field(self) -> tuple[str, str]:
        """Return ten characters, and what a long number leaves for the optional data."""
        if len(self.number) <= 9:  # noqa: PLR2004 - the room for a number
            return with_digit(filled(self.number, 9)), ""
        return self.number[:9] + "<", with_digit(self.number)[9:] + "<"


def filled(text: str, length: int) -> str:
    """Return a field cut or filled to its length."""
    return text[:length].ljust(length, "<")


def digit_of(characters: str) -> str:
    """Return the check digit: weights 7, 3, 1, letters from 10, fillers nothing."""
    total = 0
    for place, character in enumerate(characters):
        total += max(0, ALPHABET.find(character)) * (7, 3, 1)[place % 3]
    return str(total % 10)


def with_digit(field: str) -> str:
    """Return a field with its check digit behind it."""
    return field + digit_of(field)


def synthetic_passport(seed: int) -> SyntheticDocument:
    """Return a passport of Utopia; the same seed gives the same person, and two seeds below 10,000 two numbers."""
    return replace(_holder(seed), number=f"T{seed:08d}")


def synthetic_permit(seed: int) -> SyntheticDocument:
    """Return the mainland travel permit of somebody from Hong Kong."""
    number = f"H0000{seed % 10_000:04d}"
    return replace(_holder(seed), form=1, code="CR", issuer="CHN", nationality="CHN", number=number)


def synthetic_taiwan_permit(seed: int) -> SyntheticDocument:
    """Return the mainland travel permit of somebody from Taiwan."""
    number = f"0000{seed % 10_000:04d}"
    return replace(_holder(seed), form=1, code="CT", issuer="CHN", nationality="CHN", number=number)


def _holder(seed: int) -> SyntheticDocument:
    chance = Random(seed)  # noqa: S311 - the point is that it can be repeated
    born = date(1950, 1, 1) + timedelta(days=seed * 37 % 20_000)
    return SyntheticDocument(
        family_name=chance.choice(FAMILY_NAMES),
        given_names=chance.choice(GIVEN_NAMES),
        born=f"{born:%y%m%d}",
        sex=chance.choice("MF"),
    )
