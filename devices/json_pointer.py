"""JSON pointers as RFC 6901 writes them: "" is the whole document, "/a/0" a place in it, ~1 is /, ~0 is ~. Pure."""

import re
from typing import Any, Final

POINTER: Final = re.compile(r"(?:/(?:[^/~]|~[01])*){0,16}")
LONGEST_POINTER: Final = 200
INDEX: Final = re.compile(r"0|[1-9][0-9]{0,5}")
MISSING: Final = object()


def is_pointer(text: str) -> bool:
    """Return whether a text is a JSON pointer of sane length."""
    return len(text) <= LONGEST_POINTER and POINTER.fullmatch(text) is not None


def pointer_to(*keys: str) -> str:
    """Return the pointer that follows keys from the top."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


def found_at(pointer: str, document: Any) -> Any:
    """Return what a pointer points to, or MISSING."""
    place = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(place, dict):
            place = place.get(key, MISSING)
        elif isinstance(place, list) and INDEX.fullmatch(key) and int(key) < len(place):
            place = place[int(key)]
        else:
            return MISSING
    return place
