"""When silence is told: pure, on seconds that never go back."""

from dataclasses import dataclass
from enum import StrEnum


class Said(StrEnum):
    """What the people who watch are told."""

    SILENT = "silent"
    STILL_SILENT = "still_silent"
    BACK = "back"


@dataclass(slots=True)
class DeadMan:
    """Counts since the last beat, from its own start on: a server that was dead before is told as well.

    Silence is told after ``silent_after_s``, again every ``repeats_after_s``, and once more when the beats are back.
    """

    silent_after_s: float
    repeats_after_s: float
    beaten_at_s: float
    told_at_s: float | None = None

    def beat(self, now_s: float) -> Said | None:
        """Note a beat; return BACK after a silence that was told."""
        self.beaten_at_s = now_s
        was_silent, self.told_at_s = self.told_at_s is not None, None
        return Said.BACK if was_silent else None

    def look(self, now_s: float) -> Said | None:
        """Return what is to be told now; whoever asks does tell it."""
        if now_s - self.beaten_at_s < self.silent_after_s:
            return None
        if self.told_at_s is None:
            self.told_at_s = now_s
            return Said.SILENT
        if now_s - self.told_at_s < self.repeats_after_s:
            return None
        self.told_at_s = now_s
        return Said.STILL_SILENT

    def silent_minutes(self, now_s: float) -> int:
        """Return for how many whole minutes nothing was heard."""
        return int((now_s - self.beaten_at_s) // 60)
