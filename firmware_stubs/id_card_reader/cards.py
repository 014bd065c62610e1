"""Synthetic people on synthetic cards. No number here can be a person's: county codes 99 were never issued."""

from dataclasses import dataclass
from datetime import date
from random import Random

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"
NEVER_ISSUED_COUNTY = "119900"
FAMILY_NAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
GIVEN_NAMES = ("安", "宁", "康", "平", "晓明", "小雨", "春燕", "志远", "若溪", "子墨", "思源", "雅琴")


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticCard:
    """What is printed on a card, as the card stores it: text only, dates as YYYYMMDD. `kind` is the type flag."""

    kind: str = " "
    name: str = ""
    latin_name: str = ""
    sex: str = "1"
    ethnicity: str = "01"
    born: str = "19900101"
    address: str = ""
    number: str = ""
    issuer: str = ""
    valid_from: str = "20200101"
    valid_until: str = "20400101"
    nationality: str = ""
    travel_permit_number: str = ""

    def text_block(self) -> bytes:
        """Return the 256 bytes of the card's text, laid out by its kind."""
        characters = [" "] * 128
        for start, length, text in self._fields():
            if len(text) > length:
                raise ValueError(f"{length} characters are the room for this field, got {len(text)}")
            characters[start : start + len(text)] = text
        characters[124] = self.kind
        return "".join(characters).encode("utf-16-le")

    def _fields(self) -> list[tuple[int, int, str]]:
        """Return (first character, room, text) of every field."""
        if self.kind == "I":
            return [
                (0, 60, self.latin_name),
                (60, 1, self.sex),
                (61, 15, self.number),
                (76, 3, self.nationality),
                (79, 15, self.name),
                (94, 8, self.valid_from),
                (102, 8, self.valid_until),
                (110, 8, self.born),
                (118, 2, "01"),
                (120, 4, self.issuer),
            ]
        common = [
            (0, 15, self.name),
            (15, 1, self.sex),
            (18, 8, self.born),
            (61, 18, self.number),
            (94, 8, self.valid_from),
            (102, 8, self.valid_until),
        ]
        if self.kind == "Y":
            first, rest = self.latin_name[:35], self.latin_name[35:]
            return [*common, (16, 2, "00"), (26, 35, first), (110, 11, rest), (121, 3, self.nationality)]
        common += [(26, 35, self.address), (79, 15, self.issuer)]
        if self.kind == "J":
            return [*common, (110, 9, self.travel_permit_number), (119, 2, "01")]
        return [*common, (16, 2, self.ethnicity)]


def with_check_digit(first_17: str) -> str:
    """Return an 18-character number with its MOD 11-2 check digit."""
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, first_17, strict=True))
    return first_17 + CHECK_DIGITS[total % 11]


def synthetic_resident(seed: int) -> SyntheticCard:
    """Return a resident's card; the same seed gives the same person, and two seeds below 900,000 two numbers."""
    chance = Random(seed)  # noqa: S311 - the point is that it can be repeated
    born = date.fromordinal(date(1940, 1, 1).toordinal() + (seed // 900) % 30_000)
    sequence = 100 + seed % 900
    number = with_check_digit(f"{NEVER_ISSUED_COUNTY}{born:%Y%m%d}{sequence:03d}")
    return SyntheticCard(
        name=chance.choice(FAMILY_NAMES) + chance.choice(GIVEN_NAMES),
        sex="1" if sequence % 2 else "2",
        born=f"{born:%Y%m%d}",
        address=f"演示省演示市演示路{1 + seed % 999}号",
        number=number,
        issuer="演示市公安局",
        valid_from="20200101",
        valid_until=chance.choice(("20400101", "长期")),
    )
