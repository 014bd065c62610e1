"""The lines of the log as the page's forms send them: in the units people say, a number of minutes ago."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, model_validator

from clinic_server.adverse_events.care.actions import NewEntry
from clinic_server.adverse_events.care.rules import (
    MOST_NOTE_CHARACTERS,
    Ambulance,
    AmbulanceStep,
    BodyPosition,
    CareKind,
    Consciousness,
    DrugGiven,
    DrugRoute,
    DrugSite,
    Laid,
    Note,
    Oxygen,
    Said,
    Symptoms,
    Vitals,
)
from clinic_server.kit.call import EMPTY_IS_NONE, Form

Whole = Annotated[int | None, EMPTY_IS_NONE]
Measured = Annotated[Annotated[Decimal, Field(max_digits=7)] | None, EMPTY_IS_NONE]
_SYMPTOM = "symptom-"
_THOUSAND = 1000


class LineForm(Form):
    """What every line tells: how many minutes ago it was."""

    minutes_ago: int = Field(0, ge=0, le=24 * 60)

    @property
    def said(self) -> Said:
        """What it tells."""
        raise NotImplementedError

    def line(self, now: datetime) -> NewEntry:
        """Return the line as it is written into the log."""
        return NewEntry(self.said, now - timedelta(minutes=self.minutes_ago))


class MeasuredForm(Form):
    """What was measured, as far as it was."""

    systolic_mmhg: Whole = Field(None, repr=False)
    diastolic_mmhg: Whole = Field(None, repr=False)
    pulse_per_min: Whole = Field(None, repr=False)
    spo2_percent: Whole = Field(None, repr=False)
    breaths_per_min: Whole = Field(None, repr=False)
    celsius: Measured = Field(None, repr=False)
    consciousness: Annotated[Consciousness | None, EMPTY_IS_NONE] = Field(None, repr=False)

    @property
    def vitals(self) -> Vitals:
        """The vitals it tells."""
        told = self.model_dump(include=set(MeasuredForm.model_fields) - {"celsius"})
        return Vitals(**told, milli_celsius=_thousandths(self.celsius))


class VitalsForm(LineForm, MeasuredForm):
    """What was measured, and a weight."""

    weight_kg: Measured = Field(None, repr=False)

    @property
    def said(self) -> Said:
        """The vitals it tells."""
        return replace(self.vitals, weight_g=_thousandths(self.weight_kg))


class SymptomsForm(LineForm):
    """One field ``symptom-<code>`` for each symptom seen."""

    codes: frozenset[str] = Field(repr=False)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: Mapping[str, str]) -> dict[str, Any]:
        codes = {name.removeprefix(_SYMPTOM) for name in given if name.startswith(_SYMPTOM)}
        return {name: said for name, said in given.items() if not name.startswith(_SYMPTOM)} | {"codes": codes}

    @property
    def said(self) -> Said:
        """The symptoms it tells."""
        return Symptoms(tuple(sorted(self.codes)))


class PositionForm(LineForm):
    """How the person was laid."""

    position: BodyPosition = Field(repr=False)

    @property
    def said(self) -> Said:
        """The position it tells."""
        return Laid(self.position)


class OxygenForm(LineForm):
    """How much oxygen flows."""

    litres_per_min: Annotated[Decimal, Field(max_digits=7)] = Field(repr=False)

    @property
    def said(self) -> Said:
        """The flow it tells."""
        return Oxygen(int(self.litres_per_min * _THOUSAND))


class DrugForm(LineForm):
    """A drug as it was given, and what of the kit it took."""

    drug: str = Field(min_length=1, max_length=80, repr=False)
    concentration: str = Field("", max_length=80, repr=False)
    dose_mg: Annotated[Decimal, Field(max_digits=9, gt=0)] = Field(repr=False)
    volume_ml: Measured = Field(None, repr=False)
    route: DrugRoute = Field(repr=False)
    site: DrugSite = Field(repr=False)
    reason: str = Field("", max_length=200, repr=False)
    kit_item_id: Annotated[UUID | None, EMPTY_IS_NONE] = None

    @property
    def said(self) -> Said:
        """The drug it tells."""
        dose_ug, volume_ul = int(self.dose_mg * _THOUSAND), _thousandths(self.volume_ml)
        given = (self.drug, self.concentration, dose_ug, self.route, self.site, self.reason)
        return DrugGiven(*given, volume_ul=volume_ul)

    def line(self, now: datetime) -> NewEntry:
        """Return the line with what it took of the kit."""
        return NewEntry(self.said, now - timedelta(minutes=self.minutes_ago), self.kit_item_id)


class AmbulanceForm(LineForm):
    """How far the ambulance is."""

    step: AmbulanceStep

    @property
    def said(self) -> Said:
        """The step it tells."""
        return Ambulance(self.step)


class NoteForm(LineForm):
    """Something in words."""

    words: str = Field(min_length=1, max_length=MOST_NOTE_CHARACTERS, repr=False)

    @property
    def said(self) -> Said:
        """The words it tells."""
        return Note(self.words)


FORMS: Mapping[CareKind, type[LineForm]] = {
    CareKind.VITALS: VitalsForm,
    CareKind.SYMPTOMS: SymptomsForm,
    CareKind.POSITION: PositionForm,
    CareKind.OXYGEN: OxygenForm,
    CareKind.DRUG: DrugForm,
    CareKind.AMBULANCE: AmbulanceForm,
    CareKind.NOTE: NoteForm,
}


def _thousandths(told: Decimal | None) -> int | None:
    return None if told is None else int(told * _THOUSAND)
