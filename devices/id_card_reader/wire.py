"""The SAM protocol of resident-ID readers: AA AA AA 96 69, two length bytes, command or status, content, XOR.

Source: GA 450 and GA 467, as published by makers of readers.
"""

from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from functools import reduce
from itertools import accumulate, pairwise
from operator import xor
from typing import Final

from devices.errors import BadFrame
from devices.events import IdCard
from devices.framing import PreambleSplitter
from devices.id_card_text import decode_card_text, padded_text

PREAMBLE: Final = bytes.fromhex("AAAAAA9669")
HEADER_LENGTH: Final = 7
CONTENT_LIMIT: Final = 4096
SHORTEST_CONTENT: Final = 4  # three status bytes and the checksum
SAM_ID_LENGTH: Final = 16
ADDRESS_LENGTH: Final = 70


class Command(Enum):
    """What the host may ask: command byte and parameter byte."""

    RESET = bytes.fromhex("10FF")
    STATUS = bytes.fromhex("11FF")
    SAM_ID = bytes.fromhex("12FF")
    FIND_CARD = bytes.fromhex("2001")
    SELECT_CARD = bytes.fromhex("2002")
    READ_TEXT_AND_PHOTO = bytes.fromhex("3001")
    READ_NEWEST_ADDRESS = bytes.fromhex("3003")
    READ_CHIP_NUMBER = bytes.fromhex("3005")
    READ_TEXT_PHOTO_AND_FINGERS = bytes.fromhex("3010")
    SET_BAUD_115200 = bytes.fromhex("6000")
    SET_BAUD_57600 = bytes.fromhex("6001")
    SET_BAUD_38400 = bytes.fromhex("6002")
    SET_BAUD_19200 = bytes.fromhex("6003")
    SET_BAUD_9600 = bytes.fromhex("6004")
    SET_RF_FRAME_LENGTH = bytes.fromhex("61FF")


class Status(StrEnum):
    """The reader's own status byte (SW3)."""

    OK = "ok"
    CARD_FOUND = "card_found"
    ITEM_EMPTY = "item_empty"
    HOST_CHECKSUM_WRONG = "host_checksum_wrong"
    HOST_LENGTH_WRONG = "host_length_wrong"
    COMMAND_WRONG = "command_wrong"
    NOT_PERMITTED = "not_permitted"
    UNRECOGNISED_ERROR = "unrecognised_error"
    CARD_REFUSED_READER = "card_refused_reader"
    READER_REFUSED_CARD = "reader_refused_card"
    VERIFICATION_FAILED = "verification_failed"
    CARD_TYPE_UNKNOWN = "card_type_unknown"
    READ_FAILED = "read_failed"
    RANDOM_FAILED = "random_failed"
    SELF_TEST_FAILED = "self_test_failed"
    NOT_AUTHORISED = "not_authorised"
    NO_CARD = "no_card"
    SELECT_FAILED = "select_failed"
    UNLISTED = "unlisted"


STATUS_OF_BYTE: Final = {
    0x90: Status.OK,
    0x9F: Status.CARD_FOUND,
    0x91: Status.ITEM_EMPTY,
    0x10: Status.HOST_CHECKSUM_WRONG,
    0x11: Status.HOST_LENGTH_WRONG,
    0x21: Status.COMMAND_WRONG,
    0x23: Status.NOT_PERMITTED,
    0x24: Status.UNRECOGNISED_ERROR,
    0x31: Status.CARD_REFUSED_READER,
    0x32: Status.READER_REFUSED_CARD,
    0x33: Status.VERIFICATION_FAILED,
    0x40: Status.CARD_TYPE_UNKNOWN,
    0x41: Status.READ_FAILED,
    0x47: Status.RANDOM_FAILED,
    0x60: Status.SELF_TEST_FAILED,
    0x66: Status.NOT_AUTHORISED,
    0x80: Status.NO_CARD,
    0x81: Status.SELECT_FAILED,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the reader. The content may be a person's, so it stays out of the repr."""

    status: Status
    status_bytes: bytes
    content: bytes = field(repr=False)


def encode(command: Command, argument: bytes = b"") -> bytes:
    """Return the whole frame of a command."""
    asked = command.value + argument
    counted = (len(asked) + 1).to_bytes(2, "big") + asked
    return PREAMBLE + counted + bytes([reduce(xor, counted)])


def answer_splitter() -> PreambleSplitter:
    """Return a splitter that cuts the reader's bytes into frames for `decode_answer`."""
    return PreambleSplitter(PREAMBLE, HEADER_LENGTH, _frame_length, _is_sound)


def decode_answer(frame: bytes) -> Answer:
    """Decode one frame. Raises BadFrame and nothing else."""
    if frame[: len(PREAMBLE)] != PREAMBLE or len(frame) < HEADER_LENGTH:
        raise BadFrame("preamble_missing")
    if len(frame) != _frame_length(frame[:HEADER_LENGTH]):
        raise BadFrame("length_wrong")
    if not _is_sound(frame):
        raise BadFrame("checksum_wrong")
    status_bytes = frame[HEADER_LENGTH : HEADER_LENGTH + 3]
    return Answer(STATUS_OF_BYTE.get(status_bytes[2], Status.UNLISTED), status_bytes, frame[HEADER_LENGTH + 3 : -1])


def decode_card(content: bytes, *, parts: int = 2, keep_photo: bool = False) -> IdCard:
    """Decode the content of an ok READ_TEXT_AND_PHOTO answer. Raises BadFrame and nothing else.

    Two length bytes for each part, then the parts: text, photo and, as the third, fingers, which are never kept.
    """
    text, photo, *_ = _parts_of(content, parts)
    card = decode_card_text(text)
    return replace(card, photo=photo) if keep_photo else card


def decode_newest_address(content: bytes) -> str:
    """Decode the content of an ok READ_NEWEST_ADDRESS answer. Raises BadFrame and nothing else."""
    if len(content) != ADDRESS_LENGTH:
        raise BadFrame("address_length_wrong")
    return padded_text(content)


def decode_sam_id(content: bytes) -> str:
    """Decode the content of an ok SAM_ID answer as readers print it: 05.01-20201231-0000000000-0000000000."""
    if len(content) != SAM_ID_LENGTH:
        raise BadFrame("sam_id_length_wrong")
    if not any(content):
        raise BadFrame("sam_id_blank")  # a reader that has not woken up, and no number to know it by
    kind, variant = int.from_bytes(content[0:2], "little"), int.from_bytes(content[2:4], "little")
    made_on, serial, further = (int.from_bytes(content[start : start + 4], "little") for start in (4, 8, 12))
    return f"{kind:02d}.{variant:02d}-{made_on:08d}-{serial:010d}-{further:010d}"


def _parts_of(content: bytes, count: int) -> list[bytes]:
    lengths = [int.from_bytes(content[place : place + 2], "big") for place in range(0, 2 * count, 2)]
    if len(content) != 2 * count + sum(lengths):
        raise BadFrame("parts_do_not_add_up")
    edges = accumulate(lengths, initial=2 * count)
    return [content[start:end] for start, end in pairwise(edges)]


def _frame_length(header: bytes) -> int | None:
    content = int.from_bytes(header[5:7], "big")
    return HEADER_LENGTH + content if SHORTEST_CONTENT <= content <= CONTENT_LIMIT else None


def _is_sound(frame: bytes) -> bool:
    return reduce(xor, frame[len(PREAMBLE) :]) == 0
