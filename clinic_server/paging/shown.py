"""What desks and programs see of channels, trials and tests: never what a channel is reached by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from clinic_server.kit.call import Call
from clinic_server.paging.lookup import last_attempts, stored_channels
from clinic_server.paging.rules import Deafness, HowAnswered, deafness
from clinic_server.paging.trials import Trial
from clinic_server.paging.trust import WeeklyTestSeen, hearing
from devices.pagers.page import Reached


@dataclass(frozen=True, slots=True)
class ChannelShown:
    """A channel as anybody sees it after it was set up: without what it is reached by."""

    code: str
    kind: str
    options: Mapping[str, str]
    set_at: datetime
    last: Reached | None
    last_reason: str
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class TrialShown:
    """How a channel's trial stands; nothing is known while it runs."""

    code: str
    begun_at: datetime
    reached: Reached | None
    reason: str


@dataclass(frozen=True, slots=True)
class PersonTested:
    """How one person stands in a weekly test."""

    contact_id: UUID
    reached: Mapping[str, Reached]
    is_reached: bool
    answered: HowAnswered | None


@dataclass(frozen=True, slots=True)
class WeeklyTestShown:
    """A weekly test and everybody it went to."""

    test_id: UUID
    number: int
    due_on: date
    begun_at: datetime
    people: Sequence[PersonTested]


async def channels_shown(call: Call) -> Sequence[ChannelShown]:
    """Return the channels in use, in the order of their codes."""
    keyring = call.house.db.keyring
    channels, last = await call.read(
        lambda connection: (stored_channels(connection, keyring), last_attempts(connection))
    )
    return [
        ChannelShown(
            one.code,
            one.kind,
            one.options,
            one.set_at,
            attempt.reached if (attempt := last.get(one.code)) else None,
            attempt.reason if attempt else "",
            attempt.attempted_at if attempt else None,
        )
        for one in channels
    ]


def trial_shown(trial: Trial) -> TrialShown:
    """Return a trial as it stands."""
    outcome = trial.outcome
    return TrialShown(
        trial.code, trial.begun_at, outcome.reached if outcome else None, outcome.reason if outcome else ""
    )


def weekly_test_shown(test: WeeklyTestSeen) -> WeeklyTestShown:
    """Return a weekly test with how each person stands in it."""
    people = [PersonTested(one.contact_id, one.reached, one.is_reached, one.answered) for one in test.people]
    return WeeklyTestShown(test.test_id, test.number, test.due_on, test.begun_at, people)


async def deafness_now(call: Call) -> Sequence[Deafness]:
    """Return why an alarm might wake nobody now."""
    db, now = call.house.db, call.house.db.clock.now()
    return deafness(await call.read(lambda connection: hearing(connection, db.keyring, now)), now)
