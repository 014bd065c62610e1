"""A card begun with everything the site knows of an event; what it does not know is left for whoever files it."""

from datetime import date, datetime, tzinfo

from clinic_server.adverse_events import kinds
from clinic_server.adverse_events.brighton import Level
from clinic_server.adverse_events.care import symptoms
from clinic_server.adverse_events.care.rules import Vitals
from clinic_server.adverse_events.care.shown import DoseBefore
from clinic_server.adverse_events.kinds import Kind
from clinic_server.adverse_events.report.card import Card, CardVaccine
from clinic_server.adverse_events.report.record import EventRecord, HealthRecord
from clinic_server.adverse_events.report.rules import fever_band
from clinic_server.adverse_events.report.terms import CaseOutcome, FirstClass, FoundBy
from clinic_server.adverse_events.report.wording import course_of
from clinic_server.adverse_events.rules import CareEnd, Seriousness, SuspectElsewhere
from clinic_server.adverse_events.similar.terms import KindGroup
from clinic_server.kit.i18n import current_language
from clinic_server.kit.labels import label
from clinic_server.settings import SiteSettings


def begun_card(record: EventRecord, health: HealthRecord, site: SiteSettings, now: datetime) -> Card:
    """Return the card of an event as far as the site can fill it in, in the reader's language."""
    event, sheet, zone = record.event, health.sheet, site.zone
    serious = health.classed.seriousness if health.classed else ()
    was_transferred = event.care_ended is CareEnd.TRANSFERRED
    has_died = event.care_ended is CareEnd.DIED or Seriousness.DEATH in serious
    return Card(
        name=sheet.person.name,
        sex=sheet.person.sex,
        born_on=sheet.person.born_on,
        phone=health.phone,
        vaccines=(
            *(_given_here(one, zone) for one in sheet.doses),
            *(_given_elsewhere(one) for one in health.elsewhere),
        ),
        began_on=_local(event.onset_at, zone),
        seen_on=_local(event.discovered_at, zone),
        seen_at=sheet.ending.hospital if sheet.ending and sheet.ending.hospital else "",
        course=course_of(sheet.entries, symptoms.shipped(), sheet.table, zone),
        fever=fever_band(_hottest(health)),
        diagnosis=_diagnosis(health),
        in_hospital=True if was_transferred or Seriousness.HOSPITAL in serious else None,
        outcome=CaseOutcome.DIED if has_died else None,
        first_class=FirstClass.PENDING if serious else None,
        found_by=FoundBy.PASSIVE,
        reported_on=_local(now, zone),
        reported_by=site.name,
        reporter_phone=site.hotline,
    )


def _given_here(dose: DoseBefore, zone: tzinfo) -> CardVaccine:
    return CardVaccine(
        name=dose.product.name,
        specification=_millilitres(dose.volume_ul * dose.product.doses_per_unit),
        maker=dose.product.manufacturer,
        lot_number=dose.lot_number,
        given_on=_local(dose.given_at, zone),
        dose_number=dose.dose_number,
        amount=_millilitres(dose.volume_ul),
        route=dose.route,
        body_site=dose.body_site,
    )


def _given_elsewhere(told: SuspectElsewhere) -> CardVaccine:
    given_on = date.fromisoformat(told.given_on)
    return CardVaccine(name=told.product, maker=told.maker, lot_number=told.lot_number, given_on=given_on)


def _hottest(health: HealthRecord) -> int | None:
    measured = [one.said.milli_celsius for one in health.sheet.vitals if isinstance(one.said, Vitals)]
    return max((one for one in measured if one is not None), default=None)


def _diagnosis(health: HealthRecord) -> str:
    """Return the kind in words, and how certain anaphylaxis is where the kind may be one."""
    kind = kinds.shipped().by_code.get(health.classed.kind) if health.classed else None
    if kind is None:
        return ""
    level = health.sheet.assessment.level
    is_graded = kind.group is KindGroup.ALLERGIC and level < Level.TOO_LITTLE_KNOWN
    return f"{kind_words(kind)} ({label('brighton_level', str(level.value)).text})" if is_graded else kind_words(kind)


def kind_words(kind: Kind) -> str:
    """Return what a kind of event is called in the reader's language."""
    return kind.words.get(current_language.get(), kind.words["en"])


def _local(at: datetime, zone: tzinfo) -> date:
    return at.astimezone(zone).date()


def _millilitres(volume_ul: int) -> str:
    return f"{volume_ul / 1000:g} ml"
