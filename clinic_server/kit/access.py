"""Who is calling: the actor of a request."""

from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person at a station, or a part of the system acting on its own (``staff_id`` is None)."""

    name: str = field(repr=False)
    staff_id: UUID | None = None
    station: str | None = None
    roles: frozenset[str] = frozenset()
    session_id: UUID | None = None
    language: str | None = None

    @property
    def label(self) -> str:
        """What the journal writes: an identifier, never a person's name."""
        return str(self.staff_id) if self.staff_id else self.name


def system_actor(part: str) -> Actor:
    """Return the actor for writes no person asked for, such as stored readings."""
    return Actor(name=f"system:{part}")
