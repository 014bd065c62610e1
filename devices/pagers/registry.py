"""Which driver serves which kind of channel: a new kind is one line here."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from devices.errors import KindRefused
from devices.pagers.page import Pager, PagerSpec

PagerFactory = Callable[[PagerSpec], Pager]

PAGER_KINDS: Final[Mapping[str, PagerFactory]] = MappingProxyType({})


def pager_for(spec: PagerSpec) -> Pager:
    """Build the driver of a channel. Raises SpecRefused with a sentence that names the mistake."""
    factory = PAGER_KINDS.get(spec.kind)
    if factory is None:
        raise KindRefused(f"unknown kind of pager {spec.kind!r}, expected one of {', '.join(sorted(PAGER_KINDS))}")
    return factory(spec)
