"""A page on its way: from a contact's first address to the next until one takes it, and what is written down of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from uuid import UUID

from sqlalchemy import func, select

from clinic_server.alerts.contacts import Address
from clinic_server.alerts.due import DuePage, finish, put_back
from clinic_server.alerts.raising import raise_alarm, recover
from clinic_server.alerts.rules import ALERTS, Alarm, AlertKind, DueKind, Severity
from clinic_server.alerts.telling import Phrase, tell
from clinic_server.kit.tx import Tx
from clinic_server.paging.actions import Attempt, record_attempt
from clinic_server.paging.rules import PAGING, is_taken, tried_again_after_s
from clinic_server.paging.tables import page_attempt
from devices.pagers.page import Outcome, Reached


@dataclass(frozen=True, slots=True)
class Errand:
    """A due page and which of its contact's addresses is next."""

    page: DuePage
    addresses: tuple[Address, ...]

    @property
    def address(self) -> Address:
        """Where it goes now."""
        return self.addresses[0]

    @property
    def is_last(self) -> bool:
        """Tell whether the contact has no address after this one."""
        return len(self.addresses) == 1

    def onward(self) -> "Errand":
        """Return it on its way to the next address."""
        return replace(self, addresses=self.addresses[1:])


def errands_for(pages: Iterable[DuePage], taken: Mapping[UUID, frozenset[str]]) -> Sequence[Errand]:
    """Return the errands of pages, past those channels that took them before a crash."""
    nothing = frozenset[str]()
    return [
        Errand(page, tuple(one for one in page.addresses if one.channel not in taken.get(page.due_id, nothing)))
        for page in pages
    ]


def by_address(errands: Iterable[Errand]) -> Sequence[Sequence[Errand]]:
    """Return together what goes to one address for one reason, so that it becomes one message; urgent ones first."""
    groups = [list(group) for _, group in groupby(sorted(errands, key=_way), key=_way)]
    return sorted(groups, key=lambda group: not any(one.page.is_urgent for one in group))


def _way(errand: Errand) -> tuple[str, str, str]:
    return errand.page.kind, errand.address.channel, errand.address.address


def record_sent(tx: Tx, outcome: Outcome, errands: Sequence[Errand]) -> Sequence[Errand]:
    """Write down what became of one message; return the errands that go on to their next address."""
    code = errands[0].address.channel
    onward = [one for one in errands if _goes_on(one, outcome)]
    attempts = [record_attempt(tx, Attempt(code, outcome, one.page.due_id, one.page.contact_id)) for one in errands]
    given_up = [one for one in errands if one not in onward and not _is_settled(tx, one, outcome)]
    _tell_of_the_channel(tx, code, outcome, Severity.ALARM if given_up else Severity.WARNING)
    tx.journal("page_attempted", attempts[0], PAGING, ALERTS)
    return [one.onward() for one in onward]


def give_up(tx: Tx, errands: Sequence[Errand]) -> None:
    """Settle what has no address to go to: it stays visibly undelivered."""
    for one in errands:
        finish(tx, one.page.due_id, is_reached=False)
    tx.signal(PAGING)


def _goes_on(errand: Errand, outcome: Outcome) -> bool:
    is_wanted = errand.page.kind is DueKind.TEST or not is_taken(outcome.reached)
    return is_wanted and not errand.is_last


def _is_settled(tx: Tx, errand: Errand, outcome: Outcome) -> bool:
    """Finish a page at its last address, or have it tried again; False where it is given up.

    A page that a service only put off is never given up.
    """
    due_id, is_reached = errand.page.due_id, is_taken(outcome.reached)
    after_s = None if is_reached else outcome.wait_s or tried_again_after_s(_times_tried(tx, errand))
    if after_s is not None:
        put_back(tx, due_id, after_s)
        return True
    finish(tx, due_id, is_reached=is_reached)
    return is_reached


def _times_tried(tx: Tx, errand: Errand) -> int:
    """Count how often its last address was tried, this time included.

    A claim that came to nothing, because the server died or the channel was busy, is no try.
    """
    tried, code = page_attempt.c, errand.address.channel
    through_it = (tried.due_id == errand.page.due_id, tried.channel_code == code)
    attempts: int = tx.execute(select(func.count()).select_from(page_attempt).where(*through_it)).scalar_one()
    return attempts // sum(one.channel == code for one in errand.page.addresses)


def _tell_of_the_channel(tx: Tx, code: str, outcome: Outcome, severity: Severity) -> None:
    """Raise the alarm over a channel: at once where it refuses, else once a page is given up at it."""
    is_refusal = outcome.reached is Reached.FAILED and not outcome.wait_s
    if is_taken(outcome.reached):
        recover(tx, AlertKind.PAGER_FAILED, code)
    elif is_refusal or severity is Severity.ALARM:
        told = tell(Phrase.CHANNEL_FAILS, reason=outcome.reason)
        raise_alarm(tx, Alarm(AlertKind.PAGER_FAILED, severity, told, code))
