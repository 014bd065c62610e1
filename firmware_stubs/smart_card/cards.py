"""Virtual chip cards, one class for each kind, with bytes of their own: see WIRE.md. Their people are synthetic."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from firmware_stubs.id_card_reader.cards import SyntheticCard, synthetic_resident

OK, NOT_FOUND, NOT_PERMITTED, NO_SUCH_COMMAND, NO_SUCH_RECORD = (
    b"\x90\x00",
    b"\x6a\x82",
    b"\x69\x82",
    b"\x6d\x00",
    b"\x6a\x83",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose card it is; dates as YYYYMMDD of the common era."""

    name: str
    number: str
    latin_name: str = ""
    sex: str = "1"
    born: str = "19900101"
    address: str = ""


def synthetic_holder(seed: int, country: str) -> Holder:
    """Return somebody of a country who cannot exist; the same seed gives the same person."""
    chance = Random(seed)  # noqa: S311 - the point is that it can be repeated
    born = f"{1950 + seed % 50}{1 + seed % 12:02d}{1 + seed % 28:02d}"
    sex = chance.choice("12")
    if country == "CHN":
        resident = synthetic_resident(seed)
        return Holder(name=resident.name, number=resident.number, sex=resident.sex, born=resident.born)
    if country == "TWN":  # the digit after the letter is 1, 2, 8 or 9 on every number ever given
        return Holder(name=f"演示{'甲乙丙丁'[seed % 4]}", number=f"A0{seed % 10**8:08d}", sex=sex, born=born)
    if country == "THA":  # none begins with two noughts
        latin = f"Demo Person{seed}"
        number, address = f"00{seed:011d}", f"{seed} ถนนสาธิต"
        return Holder(name="สาธิต ตัวอย่าง", latin_name=latin, number=number, sex=sex, born=born, address=address)
    if country == "MYS":  # 00 is no place of birth
        name, number = f"DEMO BIN CONTOH {seed}", f"{born[2:]}00{seed % 10**4:04d}"
        return Holder(name=name, latin_name=name, number=number, sex=sex, born=born, address=f"{seed} JALAN CONTOH")
    number = f"{'3' if sex == '1' else '4'}{born[2:]}{seed % 1000:03d}0"
    return Holder(name=f"NÄIDIS{seed} ÕUNAPUU", number=number, sex=sex, born=born)


class VirtualCard(ABC):
    """A card's own program. Long answers wait to be fetched, as on every card that speaks T=0."""

    atr: bytes
    speaks_t0 = False
    get_response = b"\x00\xc0\x00\x00"

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._waiting = b""

    def answer(self, apdu: bytes) -> bytes:
        """Return what the card says to a command."""
        self.heard.append(apdu)
        if apdu[1:2] == b"\xc0":
            return self._fetched(apdu)
        said = self.obey(apdu)
        if not self.speaks_t0 or not said[:-2]:
            return said
        self._waiting = said[:-2]
        return b"\x61" + bytes([min(len(self._waiting), 256) % 256])

    @abstractmethod
    def obey(self, apdu: bytes) -> bytes:
        """Return content and status of a command."""

    def reset(self) -> None:
        """Forget what was selected."""
        self._waiting = b""

    def _fetched(self, apdu: bytes) -> bytes:
        if apdu[:4] != self.get_response:
            return b"\x6b\x00"
        wanted = apdu[4] or 256
        said, self._waiting = self._waiting[:wanted], self._waiting[wanted:]
        return said + (OK if not self._waiting else b"\x61" + bytes([min(len(self._waiting), 256) % 256]))


class UnknownCard(VirtualCard):
    """A card of a shop, say: it knows none of the applications asked for."""

    atr = bytes.fromhex("3B021450")

    def obey(self, apdu: bytes) -> bytes:
        """See VirtualCard."""
        return NOT_FOUND if apdu[1:2] == b"\xa4" else NO_SUCH_COMMAND


class PlainResidentId(UnknownCard):
    """A resident identity card on a contactless reader without the police SAM."""

    atr = bytes.fromhex("3B888001D10386050080800058")


FREE_ON_3_0 = {(5, 1), (5, 3), (5, 7)}


class SocialSecurityCard(VirtualCard):
    """社会保障卡 of a version. `by_tag_only` is a card that does not know the short file numbers."""

    atr = bytes.fromhex("3B6D000000814D2286071586")
    speaks_t0 = True

    def __init__(
        self, holder: Holder, version: str = "2.00", *, by_tag_only: bool = False, locked: bool = False
    ) -> None:
        super().__init__()
        self._by_tag_only = by_tag_only
        self._is_locked = locked or version.startswith("3")
        self._file = 0
        name = holder.name.encode("gbk")
        self._files: Mapping[int, Mapping[int, bytes]] = {
            5: {
                1: bytes.fromhex("330300D15600000599110145FFFFFFFF"),
                3: version.encode(),
                5: bytes.fromhex("20200115"),
                6: bytes.fromhex("20300115"),
                7: b"A12345678",
            },
            6: {
                0x08: holder.number.encode(),
                0x09: name[:30].ljust(30, b"\0"),
                0x4E: name[30:].ljust(20, b"\0"),
                0x0A: holder.sex.encode(),
                0x0B: b"\x01",
                0x0C: bytes.fromhex("330300"),
                0x0D: bytes.fromhex(holder.born),
            },
        }

    def obey(self, apdu: bytes) -> bytes:
        """See VirtualCard."""
        if apdu[:2] == b"\x00\xa4":
            return self._select(apdu)
        if apdu[:2] == b"\x00\xb2":
            return self._record(apdu)
        return NO_SUCH_COMMAND

    def _select(self, apdu: bytes) -> bytes:
        if apdu[2:3] == b"\x04":
            is_ours = apdu[5:20] == b"sx1.sh." + "社会保障".encode("gbk")
            return bytes.fromhex("6F058403535343") + OK if is_ours else NOT_FOUND
        if apdu[5:7] not in (b"\xef\x05", b"\xef\x06"):
            return NOT_FOUND
        self._file = apdu[6]
        return OK

    def _record(self, apdu: bytes) -> bytes:
        file = apdu[3] >> 3 or self._file
        if apdu[3] and self._by_tag_only:
            return b"\x6a\x86"
        if self._is_locked and (file, apdu[2]) not in FREE_ON_3_0:
            return NOT_PERMITTED
        value = self._files.get(file, {}).get(apdu[2])
        if value is None:
            return NO_SUCH_RECORD
        record = bytes([apdu[2], len(value)]) + value
        return record + OK if apdu[4] == len(record) else b"\x6c" + bytes([len(record)])


class TaiwanNhiCard(VirtualCard):
    """健保卡."""

    atr = bytes.fromhex("3BEE00008131FE4580318066409093060F17830F9000F3")

    def __init__(self, holder: Holder) -> None:
        super().__init__()
        born = f"{int(holder.born[:4]) - 1911:03d}{holder.born[4:]}"
        name = holder.name.encode("big5").ljust(20, b"\0")
        sex = "M" if holder.sex == "1" else "F"
        self._record = b"000012345678" + name + f"{holder.number}{born}{sex}1090101".encode()

    def obey(self, apdu: bytes) -> bytes:
        """See VirtualCard."""
        if apdu[:2] == b"\x00\xa4":
            return OK if apdu[5:7] == b"\xd1\x58" else NOT_FOUND
        return self._record + OK if apdu[:4] == b"\x00\xca\x11\x00" else NO_SUCH_COMMAND


class ThaiCard(VirtualCard):
    """A citizen's card; `generation` names its ATR. The older one is asked for the rest of an answer in its own way."""

    speaks_t0 = True

    def __init__(self, holder: Holder, *, is_old: bool = False) -> None:
        super().__init__()
        self.atr = bytes.fromhex("3B670000546861694E4944" if is_old else "3B781800005448204E49442031")
        self.get_response = b"\x00\xc0\x00\x01" if is_old else b"\x00\xc0\x00\x00"
        first, _, last = holder.name.partition(" ")
        latin_first, _, latin_last = holder.latin_name.partition(" ")
        self._memory = bytearray(b" " * 0x1600)
        for offset, text in (
            (0x0004, holder.number),
            (0x0011, f"นาย#{first}##{last}"),
            (0x0075, f"Mr.#{latin_first}##{latin_last}"),
            (0x00D9, _buddhist(holder.born)),
            (0x00E1, holder.sex),
            (0x00F6, "อำเภอสาธิต"),
            (0x0167, _buddhist("20200501")),
            (0x016F, _buddhist("20290430")),
            (0x1579, holder.address.replace(" ", "#")),
        ):
            raw = text.encode("tis-620")
            self._memory[offset : offset + len(raw)] = raw

    def obey(self, apdu: bytes) -> bytes:
        """See VirtualCard."""
        if apdu[:2] == b"\x00\xa4":
            name = bytes.fromhex("A000000054480001")
            return b"\x6f\x0a\x84\x08" + name + OK if apdu[5:13] == name else NOT_FOUND
        if apdu[:2] != b"\x80\xb0":
            return NO_SUCH_COMMAND
        offset = int.from_bytes(apdu[2:4], "big")
        return bytes(self._memory[offset : offset + apdu[6]]) + OK


class MyKad(VirtualCard):
    """The Malaysian card: length, place, data."""

    atr = bytes.fromhex("3B6700007320006C689000")

    def __init__(self, holder: Holder) -> None:
        super().__init__()
        self._length = self._start = self._number = 0
        holder_file, home = bytearray(459), bytearray(171)
        for where, raw in (
            (3, holder.name.encode().ljust(150)),
            (273, holder.number.encode() + b" "),
            (286, b"L" if holder.sex == "1" else b"P"),
            (295, bytes.fromhex(holder.born)),
            (328, b"WARGANEGARA".ljust(18)),
        ):
            holder_file[where : where + len(raw)] = raw
        street, town = holder.address.encode().ljust(30), b"KUALA CONTOH".ljust(25)
        for where, raw in ((3, street), (93, b"\x50\x00\x00"), (96, town)):
            home[where : where + len(raw)] = raw
        self._files = {1: bytes(holder_file), 4: bytes(home)}

    def obey(self, apdu: bytes) -> bytes:
        """See VirtualCard."""
        if apdu[:2] == b"\x00\xa4":
            return OK if apdu[5:15] == bytes.fromhex("A0000000744A504E0010") else NOT_FOUND
        if apdu[:2] == b"\xc8\x32":
            self._length = int.from_bytes(apdu[8:10], "little")
            return b"\x91\x08"
        if apdu[:2] == b"\xcc\x00":
            self._number, self._start = int.from_bytes(apdu[5:7], "little"), int.from_bytes(apdu[9:11], "little")
            return b"\x94\x00"
        if apdu[:2] == b"\xcc\x06":
            return self._files[self._number][self._start : self._start + self._length] + OK
        return NO_SUCH_COMMAND


class EstonianCard(VirtualCard):
    """The card of 2018: a small file for each line."""

    atr = bytes.fromhex("3BDB960080B1FE451F830012233F536549440F9000F1")

    def __init__(self, holder: Holder) -> None:
        super().__init__()
        given, _, family = holder.name.partition(" ")
        sex = "M" if holder.sex == "1" else "N"
        self._lines = {1: family, 2: given, 3: sex, 4: "EST", 6: holder.number, 7: "AS0000000", 8: "01 08 2030"}
        self._line = 0

    def obey(self, apdu: bytes) -> bytes:
        """See VirtualCard."""
        if apdu[:4] == b"\x00\xa4\x04\x00":
            return OK if apdu[5:10] == bytes.fromhex("A000000077") else NOT_FOUND
        if apdu[:4] == b"\x00\xa4\x02\x0c":
            self._line = apdu[6]
            return OK if self._line in self._lines else NOT_FOUND
        if apdu[:2] == b"\x00\xa4":
            return OK
        return self._lines[self._line].encode() + OK if apdu[:2] == b"\x00\xb0" else NO_SUCH_COMMAND


class ResidentIdPages(VirtualCard):
    """A resident identity card on a reader that has the police SAM: the reader answers, not the card."""

    atr = bytes.fromhex("3B8F80010000000000000000009000A5")

    def __init__(self, card: SyntheticCard) -> None:
        super().__init__()
        photo = bytes.fromhex("574C66007E00320000FF85").ljust(1024, b"\x5a")
        self._stream = b"\x01\x00\x04\x00" + card.text_block() + photo

    def obey(self, apdu: bytes) -> bytes:
        """See VirtualCard."""
        page = self._stream[apdu[2] * 256 : apdu[2] * 256 + 256]
        return page + OK if apdu[:2] == b"\xff\xb0" and page else NO_SUCH_COMMAND


def _buddhist(day: str) -> str:
    return f"{int(day[:4]) + 543}{day[4:]}"
