"""The injection benches, whoever fetches new vials, and whoever opens the site."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from typing import Any

from firmware_stubs.rehearsal import deeds
from firmware_stubs.rehearsal.cast import Player
from firmware_stubs.rehearsal.floor import Course, Floor
from firmware_stubs.rehearsal.hardware import Hardware
from firmware_stubs.rehearsal.ledger import Outcome, Write
from firmware_stubs.rehearsal.roles import QueueRole, Role
from firmware_stubs.rehearsal.visitors import Plan

OBSERVED_FOR_S = 30 * 60.0
WALK_S = 30.0
NEW_VIALS = 100
ON_A_TRAY = 10
FETCHED_BELOW = 20
LOOK_AT_BENCH_S = 0.02
LOOK_WHETHER_OPEN_S = 0.1
_SCAN_ROUTE = "/api/v1/station/scan"
_PAUSED = frozenset(
    {
        *("site_not_opened", "site_closed", "site_opened_on_another_day", "too_few_physicians"),
        *("nobody_for_emergencies", "emergency_kit_empty", "emergency_kit_expired", "emergency_staff_gone"),
        *("emergency_equipment_gone", "ambulance_gone", "green_channel_gone"),
    }
)
_VIAL_IS_WRONG = frozenset({"unit_used_up", "unit_unknown", "unit_elsewhere", "lot_expired", "other_product"})


class Vaccinator(QueueRole):
    """Calls, scans, asks for the permit, gives the dose."""

    stages = ("waiting_for_injection",)
    takes_s = 30.0

    def __init__(self, floor: Floor, player: Player, hardware: Hardware) -> None:
        super().__init__(floor, player)
        self._scanner = hardware.scanners[player.station]
        self._station = player.station
        self._tray: list[str] = list(floor.cast.trays.get(player.station, ()))
        self._fetching: list[str] = []
        self._shows_scans: bool | None = None
        self._check_list: dict[str, Any] = {}

    def serve(self, course: Course) -> None:
        """See QueueRole."""
        if not self.floor.manner.in_full and not self.do(course, deeds.call_to_bench(course.visit_id)):
            return
        plan = course.visitor.plan
        if plan is Plan.WITHDRAWS:
            sheet = self.seat.ask(f"/api/v1/visits/{course.visit_id}/consent?language=zh-CN")
            self.do(course, deeds.withdraw(course.visit_id, sheet["consent_id"], "recipient", "不想接种了"))
        elif plan is Plan.SENT_BACK and "sent_back" not in course.steps:
            self.do(course, deeds.send_back(course.visit_id, "unwell"))
        elif self._refuses_wrong_vial(course):
            self._give(course)

    def _give(self, course: Course) -> None:
        """Take vials until the server permits one, and give the dose; send back whom no vial helps."""
        while (vial := self._take_vial()) is not None:
            permit = self._ask_for_permit(course, vial)
            if permit.is_accepted:
                self._inject(course, permit)
                if course.stage != "waiting_for_injection" or self.floor.is_lost(course):
                    return
            elif permit.outcome is Outcome.UNKNOWN:
                return
            elif _PAUSED & set(permit.findings):
                self._tray.append(vial)
                self.floor.wait(LOOK_WHETHER_OPEN_S)
                return
            elif not _VIAL_IS_WRONG & set(permit.findings):
                self._tray.append(vial)
                break
        self.do(course, deeds.send_back(course.visit_id, "answers_doubted"))

    def _inject(self, course: Course, permit: Write) -> None:
        vial, permit_id = permit.trace_code, permit.answer["permit_id"]
        if self.do(course, deeds.give_dose(course.visit_id, permit_id, "left_upper_arm", vial)):
            self.floor.throw_away(vial)
            course.over_at = self.floor.after(0 if course.visitor.plan is Plan.LEAVES_EARLY else OBSERVED_FOR_S)
            course.due_at = self.floor.after(WALK_S) if self.floor.manner.in_full else course.over_at
        elif not self.floor.is_lost(course):
            self._tray.append(vial)

    def _take_vial(self) -> str | None:
        """Take a vial off the tray; an empty tray is filled from the fridge first, and the server told of it."""
        if not self._tray:
            self._fetching = self._fetching or self.floor.take_vials(ON_A_TRAY)
            if not self._fetching:
                return None
            write = self.seat.do(deeds.fetch_units(self._station, self._fetching))
            if write.outcome is Outcome.UNKNOWN:
                return None
            self._tray, self._fetching = self._fetching, []
        return self._tray.pop()

    def _refuses_wrong_vial(self, course: Course) -> bool:
        """Let the visitor whose plan it is meet a wrong vial first, and see it refused."""
        wrong = {Plan.UNKNOWN_VIAL: "80000000000000000404", Plan.USED_VIAL: self.floor.used_vial()}
        vial = wrong.get(course.visitor.plan)
        if vial is None:
            return True
        permit = self._ask_for_permit(course, vial)
        if permit.is_accepted:
            self.floor.ledger.fault("a wrong vial was permitted")
        return permit.outcome is Outcome.REFUSED

    def _ask_for_permit(self, course: Course, vial: str) -> Write:
        scanned = self._scanned(vial)
        self._check_list = self._check_list or self.seat.ask("/api/v1/check-list")
        write = self.seat.do(deeds.ask_for_permit(course.visit_id, scanned, self._check_list), course.visitor.number)
        self.floor.follow(course, write)
        return write

    def _scanned(self, vial: str) -> str:
        """Scan a vial and return what the bench shows; typed from the vial when the scanner does not get through."""
        if self._shows_scans is None:
            self._shows_scans = self.seat.has(_SCAN_ROUTE)
        self._scanner.scan(vial, "]C0")
        deadline = time.monotonic() + self.floor.manner.patience_s
        while self._shows_scans and time.monotonic() < deadline:
            shown: dict[str, Any] | None = self.seat.ask(_SCAN_ROUTE)
            if shown is not None and shown["text"] == vial:
                self.floor.ledger.count("vials scanned at the bench")
                return str(shown["text"])
            self.floor.wait(LOOK_AT_BENCH_S)
        return vial


class Lead(Role):
    """Opens the site each clinic day, once everybody and everything it takes is there."""

    def serve_one(self) -> bool:
        """See Role."""
        told = self.seat.ask("/api/v1/opening")
        if told is None or told["is_open"] or told["missing"]:
            self.floor.wait(LOOK_WHETHER_OPEN_S)
            return False
        return self.seat.do(deeds.open_site()).is_accepted


class Keeper(Role):
    """Takes new lots into stock before the vials run out."""

    def __init__(self, floor: Floor, player: Player) -> None:
        super().__init__(floor, player)
        self._chance = SystemRandom()

    def serve_one(self) -> bool:
        """See Role."""
        if self.floor.vials_left >= FETCHED_BELOW:
            return False
        number = self._chance.randrange(10**10)
        codes = [f"8{number:010d}{place:09d}" for place in range(NEW_VIALS)]
        is_in_stock = self._receive(f"L{number:010d}", codes)
        if is_in_stock:
            self.floor.stock_up(codes)
        return is_in_stock

    def _receive(self, number: str, codes: Sequence[str]) -> bool:
        now = datetime.now(UTC)
        lot = {
            "product_code": self.floor.cast.product_code,
            "lot_number": number,
            "expires_on": (now + timedelta(days=365)).date().isoformat(),
            "expected_units": len(codes),
            "release_number": number,
        }
        begun = self.seat.do(deeds.begin_delivery(number, lot, now - timedelta(minutes=5)))
        if not begun.is_accepted:
            return False
        scanned = self.seat.do(deeds.scan_delivery(begun.ref, begun.answer["line_ids"][0], codes))
        return scanned.is_accepted and self.seat.do(deeds.finish_delivery(begun.ref)).is_accepted
