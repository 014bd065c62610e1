"""One desk PC as the server knows it: what it last said of itself, and what is still to be told to it."""

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from clinic_server.device_hub.desk_actions import AgentKept
from devices.adapter import DeviceSpec
from devices.agent.messages import SILENT_AFTER_S, DeviceList, Health, Line, RetryNow, Told
from devices.attendance import DeviceStatus
from devices.events import DeviceState
from devices.words import DeviceWord, PrintSlip

MOST_WAITING: Final = 100
_REMEMBERED: Final = 1000
AWAY: Final = "desk_away"


@dataclass(slots=True)
class Desk:
    """State of one desk PC; lives on the event loop."""

    kept: AgentKept
    devices: dict[str, DeviceSpec] = field(default_factory=dict)
    health: Health | None = None
    heard_at: datetime | None = None
    heard_at_s: float = 0.0
    turn: int = 0  # of its stream: a newer one ends the older
    is_streaming: bool = False
    has_ended: bool = False
    has_witnessed: bool = False  # what it remembers was held against the journal of this run
    was_connected: bool = False
    _ever: set[str] = field(default_factory=set)
    _is_list_due: bool = True
    _seq: int = 0
    _lines: deque[Line] = field(default_factory=deque)
    _unheard: deque[Told] = field(default_factory=deque)
    _printing: dict[str, str] = field(default_factory=dict)
    _orphans: set[str] = field(default_factory=set)
    _handed_in: OrderedDict[str, None] = field(default_factory=OrderedDict)

    @property
    def topic(self) -> str:
        """What wakes its stream."""
        return f"agent-{self.kept.agent_id}"

    def is_connected(self, now_s: float) -> bool:
        """Tell whether words reach it and it is heard: a line that only looks open is not."""
        return self.is_streaming and self.health is not None and now_s - self.heard_at_s <= SILENT_AFTER_S

    def attends(self, device_id: str) -> bool:
        """Tell whether a device hangs here now."""
        return device_id in self.devices

    def may_speak_for(self, device_id: str) -> bool:
        """Tell whether a device hangs or hung here: what it read before it was retired still counts."""
        return device_id in self.kept.carried or device_id in self._ever

    def put(self, device_id: str, word: DeviceWord) -> bool:
        """Queue a word for its stream; False when too much waits already."""
        if len(self._lines) >= MOST_WAITING or len(self._unheard) >= MOST_WAITING:
            return False
        self._seq += 1
        told = Told(self._seq, device_id, word)
        self._lines.append(told)
        if isinstance(word, PrintSlip):
            self._unheard.append(told)
            self._printing[word.job_id] = device_id
        return True

    def put_retry(self, device_id: str) -> None:
        """Queue a nudge."""
        self._lines.append(RetryNow(device_id))

    def attend(self, spec: DeviceSpec) -> None:
        """Have a device attended; the desk PC is given its list anew."""
        self.devices[spec.device_id] = spec
        self._ever.add(spec.device_id)
        self._is_list_due = True

    def leave(self, device_id: str) -> None:
        """Have a device let go."""
        self.devices.pop(device_id, None)
        self._is_list_due = True

    def begin_stream(self) -> int:
        """Start a stream: verdicts nobody heard are stale, slips nobody heard come again."""
        self.turn += 1
        self.is_streaming = True
        self._is_list_due = True
        self._lines = deque(self._unheard)
        return self.turn

    def end_stream(self, turn: int) -> None:
        """End a stream, unless a newer one has begun."""
        if turn == self.turn:
            self.is_streaming = False
            self._lines.clear()

    def is_current(self, turn: int) -> bool:
        """Tell whether a stream may go on."""
        return turn == self.turn and not self.has_ended

    def take_lines(self) -> Iterator[Line]:
        """Yield what waits, in order; first the list of its devices, if that changed."""
        if self._is_list_due:
            self._is_list_due = False
            yield DeviceList(tuple(self.devices.values()))
        while self._lines:
            yield self._lines.popleft()

    def hear(self, health: Health, server_run: str) -> None:
        """Note what it says of itself: words it heard are told, a new process has forgotten them."""
        if self.health is not None and self.health.run != health.run:
            waiting = {told.word.job_id for told in self._unheard if isinstance(told.word, PrintSlip)}
            self._orphans |= self._printing.keys() - waiting
        if health.server_run == server_run:
            while self._unheard and self._unheard[0].seq <= health.heard_seq:
                self._unheard.popleft()
        self.health = health

    def printed(self, job_id: str) -> None:
        """Note that a slip was answered for."""
        self._printing.pop(job_id, None)
        self._orphans.discard(job_id)

    def forgotten_slips(self) -> list[tuple[str, str]]:
        """Return device and job of slips that a process heard and took with it, once all it had spooled is in."""
        if self.health is None or self.health.spool_depth:
            return []
        gone = [(self._printing.pop(job_id), job_id) for job_id in sorted(self._orphans)]
        self._orphans.clear()
        return gone

    def is_new(self, message_id: str) -> bool:
        """Tell whether a message was not handed in before."""
        return message_id not in self._handed_in

    def note(self, message_id: str) -> None:
        """Remember a message."""
        self._handed_in[message_id] = None
        if len(self._handed_in) > _REMEMBERED:
            self._handed_in.popitem(last=False)

    def states(self, now_s: float) -> Iterator[DeviceStatus]:
        """Yield how each of its devices stands; of a desk that is away nobody knows, and that is said."""
        reports = {one.device_id: one for one in self.health.devices} if self.health else {}
        is_here = self.is_connected(now_s)
        for spec in self.devices.values():
            one = reports.get(spec.device_id)
            heard_at = self.heard_at or self.kept.paired_at
            if one is None:
                state, detail = (DeviceState.CONNECTING, "") if is_here else (DeviceState.OFFLINE, AWAY)
                yield DeviceStatus(spec, state, detail, heard_at)
            elif is_here:
                yield DeviceStatus(spec, one.state, one.detail, one.since, one.last_event_at, one.described)
            else:
                yield DeviceStatus(spec, DeviceState.OFFLINE, AWAY, heard_at, one.last_event_at, one.described)
