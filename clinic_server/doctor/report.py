"""What a check says: a stable code with its facts. Words, verdict and fix stand in ``labels.toml``, by group."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from clinic_server.kit.labels import Label, Tone, label

_WORST_FIRST = (Tone.STOP, Tone.WARN, Tone.GOOD)


@dataclass(frozen=True, slots=True)
class Said:
    """One answer of one check; facts are names and numbers a person may read, never a secret."""

    code: str
    facts: dict[str, str] = field(default_factory=dict)
    group: str = "doctor"

    @property
    def words(self) -> Label:
        """The sentence and its fix in the current language."""
        return label(self.group, self.code, **self.facts)

    @property
    def verdict(self) -> Tone:
        """Good, warn or stop."""
        return self.words.tone


def said(code: str, **facts: object) -> Said:
    """Say something with its facts."""
    return Said(code, {name: str(fact) for name, fact in facts.items()})


def verdict_of(answers: Sequence[Said]) -> Tone:
    """Return the worst verdict."""
    tones = {answer.verdict for answer in answers}
    return next((tone for tone in _WORST_FIRST if tone in tones), Tone.GOOD)


def as_facts(answers: Sequence[Said]) -> dict[str, object]:
    """Return the report for programs."""
    checks = [
        {"code": one.code, "verdict": one.verdict, "text": one.words.text, "fix": one.words.fix, "facts": one.facts}
        for one in answers
    ]
    return {"verdict": verdict_of(answers), "checks": checks}
