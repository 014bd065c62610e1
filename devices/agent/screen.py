"""The state of a desk PC in a terminal: lines that redraw in place, or a log line where nothing can be redrawn."""

import json
import os
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Final, TextIO

from devices.agent.standing import Standing

_UP_AND_CLEAR: Final = "\x1b[{}A\x1b[J"
_MOST_DETAIL: Final = 60


def lines_of(standing: Standing) -> list[str]:
    """Return what is shown, from top to bottom."""
    return [
        f"Desk PC   {standing.name} at {standing.station}",
        _server_line(standing),
        f"Clock     {standing.clock_offset_ms / 1000:+.1f} s against this machine",
        _spool_line(standing),
        f"Moments   {standing.dropped} cards or scans came to nothing while the server was away",
        *(_device_line(one.device_id, one.state, one.detail, one.since) for one in standing.devices),
        *([] if standing.devices else ["Device    none: confirm one on the server's devices page"]),
        *(f"Found     {one.label} ({one.kind})" for one in standing.found),
    ]


def _server_line(standing: Standing) -> str:
    since = _clock(standing.reached_since)
    if standing.is_reached:
        return f"Server    {standing.server} reached since {since}"
    return f"Server    {standing.server} NOT REACHED since {since}: {standing.reason}"


def _spool_line(standing: Standing) -> str:
    trouble = f", {standing.spool_trouble}" if standing.spool_trouble else ""
    refused = f", {standing.refused} refused by the server" if standing.refused else ""
    lost = f", {standing.lost} LOST" if standing.lost else ""
    return f"Spool     {standing.spool_depth} waiting{trouble}{refused}{lost}"


def _device_line(device_id: str, state: str, detail: str, since: datetime) -> str:
    return f"Device    {device_id} {state} since {_clock(since)} {detail[:_MOST_DETAIL]}".rstrip()


def _clock(at: datetime | None) -> str:
    return at.astimezone().strftime("%H:%M:%S") if at else "the start"


class Screen:
    """Shows a desk PC's state; on a terminal in place, elsewhere a line of JSON for every change that matters."""

    def __init__(self, standing: Standing, out: TextIO, now: Callable[[], datetime]) -> None:
        self._standing = standing
        self._out = out
        self._now = now
        self._shown: list[str] = []
        self._logged = ""
        if os.name == "nt" and out.isatty():
            os.system("")  # noqa: S605, S607 - this wakes the escape codes of a Windows console

    def show(self) -> None:
        """Show what changed."""
        if self._out.isatty():
            self._redraw()
        else:
            self._log()

    def _redraw(self) -> None:
        lines = lines_of(self._standing)
        if lines != self._shown:
            back = _UP_AND_CLEAR.format(len(self._shown)) if self._shown else ""
            self._out.write(back + "\n".join(_printable(line) for line in lines) + "\n")
            self._out.flush()
            self._shown = lines

    def _log(self) -> None:
        shown = self._standing.shown()
        steady = {name: shown[name] for name in ("is_reached", "reason", "spool_trouble", "dropped", "refused", "lost")}
        steady["devices"] = {one["device_id"]: f"{one['state']} {one['detail']}".strip() for one in shown["devices"]}
        line = json.dumps(steady)
        if line != self._logged:
            self._out.write(f'{{"at": "{self._now().isoformat(timespec="seconds")}", {line[1:]}\n')
            self._out.flush()
            self._logged = line


def _printable(line: str) -> str:
    """Keep a device's own words from moving the cursor."""
    return "".join(sign if sign.isprintable() else "?" for sign in line)[: _width()]


def _width() -> int:
    try:
        return max(40, os.get_terminal_size(sys.stdout.fileno()).columns - 1)
    except (OSError, ValueError):
        return 120
