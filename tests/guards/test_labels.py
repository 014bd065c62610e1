"""Every code has words, and every sentence of the screens is said in all three languages."""

import importlib
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

import clinic_server
from clinic_server.kit.errors import ClinicError
from clinic_server.kit.labels import labels

ROOT = Path(__file__).parents[2]
LOCALE = ROOT / "clinic_server" / "locale"
CATALOGUES = {"zh_Hans_CN": "gb2312", "zh_Hant_TW": "big5"}  # and an encoding that lacks the other's characters
SHOWN = {  # enum: the group of labels its values are shown with
    "adverse_events.clocks.Urgency": "urgency",
    "adverse_events.deadlines.UrgentGround": "urgent_ground",
    "adverse_events.similar.terms.KindGroup": "kind_group",
    "adverse_events.similar.terms.SimilarScope": "similar_scope",
    "adverse_events.care.rules.AmbulanceStep": "ambulance",
    "adverse_events.care.rules.BodyPosition": "body_position",
    "adverse_events.care.rules.CareKind": "care_kind",
    "adverse_events.care.rules.Consciousness": "consciousness",
    "adverse_events.care.rules.DrugFinding": "finding",
    "adverse_events.care.rules.DrugRoute": "drug_route",
    "adverse_events.care.rules.DrugSite": "drug_site",
    "adverse_events.care.symptoms.BodySystem": "body_system",
    "adverse_events.care.vitals.VitalsFinding": "finding",
    "adverse_events.brighton.CourseNeeded": "course_needed",
    "adverse_events.brighton.Criterion": "brighton_criterion",
    "adverse_events.report.card.CardField": "finding",
    "adverse_events.report.copy_files.CopyColumn": "copy_column",
    "adverse_events.report.terms.CopyFor": "copy_for",
    "adverse_events.report.terms.BodyLevel": "body_level",
    "adverse_events.report.terms.CaseOutcome": "case_outcome",
    "adverse_events.report.terms.ClaimKind": "claim",
    "adverse_events.report.terms.ConcludingBody": "concluding_body",
    "adverse_events.report.terms.FeverBand": "fever_band",
    "adverse_events.report.terms.FinalClass": "final_class",
    "adverse_events.report.terms.FirstClass": "first_class",
    "adverse_events.report.terms.FoundBy": "found_by",
    "adverse_events.report.terms.HarmGrade": "harm_grade",
    "adverse_events.report.terms.Organised": "organised",
    "adverse_events.report.terms.Pregnancy": "pregnancy",
    "adverse_events.report.terms.Programme": "vaccine_programme",
    "adverse_events.report.terms.SizeBand": "size_band",
    "adverse_events.report.terms.WhoClass": "who_class",
    "adverse_events.report.windows.OnsetFinding": "finding",
    "adverse_events.rules.CareEnd": "care_end",
    "adverse_events.rules.EventStepKind": "event_step",
    "adverse_events.rules.FoundHow": "found_how",
    "adverse_events.rules.Seriousness": "seriousness",
    "alerts.rules.AlertKind": "alert",
    "alerts.rules.AlertState": "alert_state",
    "alerts.rules.AnswerWay": "answer_way",
    "alerts.rules.CloseReason": "alert_closed",
    "alerts.rules.DueKind": "due_kind",
    "alerts.rules.DueState": "due_state",
    "alerts.rules.Hush": "hush",
    "alerts.rules.Severity": "severity",
    "alerts.telling.Phrase": "told",
    "audit.rules.Subject": "look_subject",
    "check_in.group.rules.LineFault": "finding",
    "check_in.rules.Finding": "finding",
    "check_in.rules.How": "how",
    "check_in.rules.TypedReason": "typed_reason",
    "cold_chain.conditions.ProbeCondition": "probe_condition",
    "cold_chain.judging.BreachKind": "alert",
    "cold_chain.excursions.rules.DispositionKind": "disposition",
    "cold_chain.excursions.rules.Verdict": "verdict",
    "cold_chain.logger_files.rules.AlarmType": "logger_alarm",
    "cold_chain.course.asking.SpanName": "course_span",
    "cold_chain.course.calendar.Unit": "course_unit",
    "cold_chain.course.rules.Grain": "course_grain",
    "cold_chain.rules.Condition": "condition",
    "cold_chain.rules.Reach": "reach",
    "cold_chain.rules.Fault": "fault",
    "cold_chain.rules.ProbeEnd": "probe_state",
    "cold_chain.rules.ProbeState": "probe_state",
    "cold_chain.upkeep.rules.CertificateState": "certificate",
    "cold_chain.upkeep.rules.Half": "half",
    "cold_chain.upkeep.rules.RoundState": "round",
    "cold_chain.upkeep.rules.ServiceKind": "service",
    "queue.rules.PriorityReason": "priority",
    "recall.rules.CallOutcome": "call_outcome",
    "receiving.rules.ArrivalFinding": "finding",
    "receiving.rules.DeliveryState": "delivery_state",
    "receiving.rules.DeliveryDifference": "delivery_difference",
    "receiving.rules.PackageLevel": "package_level",
    "receiving.rules.RefusalReason": "delivery_refusal",
    "receiving.rules.TransportRecordKind": "transport_record",
    "counting.rules.DifferenceKind": "difference",
    "counting.rules.DifferenceReason": "difference_reason",
    "stock.rules.Doubt": "doubt",
    "stock.whereabouts.PlaceKind": "place_kind",
    "stock.whereabouts.MovementKind": "movement",
    "stock.whereabouts.WasteReason": "waste",
    "stock.whereabouts.GainReason": "gain",
    "stock.whereabouts.HoldReason": "hold",
    "stock.whereabouts.HoldEnd": "hold_end",
    "stock.whereabouts.Outside": "account",
    "closing.rules.DayFinding": "finding",
    "consent.rules.InformedItem": "informed_item",
    "consent.rules.RefusedBy": "refused_by",
    "people.signatures.Relationship": "relationship",
    "people.signatures.SignatureMethod": "signature_method",
    "people.signatures.Signer": "signer",
    "consent.rules.WithdrawnBy": "withdrawn_by",
    "corrections.rules.IncidentKind": "incident",
    "device_hub.rules.TrialKind": "trial",
    "device_hub.slips.rules.SlipKind": "slip_kind",
    "device_hub.slips.rules.SlipState": "slip_state",
    "doctor.health.Organ": "organ",
    "exchange.rules.CellFault": "import_fault",
    "exchange.rules.Column": "column",
    "exchange.rules.ExportKind": "list",
    "exchange.rules.ImportKind": "list",
    "immunisations.history.Precision": "precision",
    "immunisations.history.Proof": "proof",
    "immunisations.outlooks.HistoryFinding": "finding",
    "immunisations.terms.Certainty": "certainty",
    "immunisations.terms.DoseStatus": "dose_status",
    "immunisations.terms.FindingWeight": "weight",
    "immunisations.terms.Reason": "finding",
    "immunisations.terms.SeriesStatus": "series_status",
    "stock.rules.BodySite": "body_site",
    "injection.rules.IdentityCheck": "identity_check",
    "injection.rules.PermitFinding": "finding",
    "visits.body_sites.BodySiteFinding": "finding",
    "injection.rules.SentBackReason": "sent_back",
    "kit.moments.TurnKind": "clock_turn",
    "navigation.Group": "page_group",
    "observation.rules.ExtensionReason": "extension_reason",
    "observation.exit.rules.ExitAnswer": "exit_answer",
    "observation.checks.plans.Risk": "risk",
    "observation.checks.rules.CheckFinding": "finding",
    "observation.checks.rules.HowIs": "how_is",
    "observation.checks.rules.SlotState": "check_state",
    "observation.seats.rules.FoundBy": "found_by",
    "observation.unseen.rules.FollowUp": "follow_up_by_phone",
    "observation.rules.EarlyReason": "early_reason",
    "opening.ambulance.rules.Presence": "presence",
    "opening.hospitals.rules.HospitalKind": "hospital_kind",
    "opening.emergency_kit.rules.KitThing": "kit_thing",
    "opening.rules.Lapse": "finding",
    "opening.rules.Named": "named",
    "opening.rules.Safeguard": "safeguard",
    "opening.rules.Variant": "variant",
    "paging.rules.Deafness": "deafness",
    "paging.rules.HowAnswered": "how_answered",
    "people.documents.DocumentKind": "document",
    "people.documents.Sex": "sex",
    "people.rules.LinkReason": "link_reason",
    "people.rules.Source": "source",
    "screening.decisions.Channel": "channel",
    "screening.decisions.EarlierFinding": "finding",
    "screening.decisions.OverrideKind": "override",
    "screening.rule_sets.terms.Quantity": "quantity",
    "screening.rule_sets.terms.Weight": "weight",
    "screening.rules.Advice": "advice",
    "screening.rules.Answer": "answer",
    "screening.rules.DecisionOutcome": "decision",
    "setting_up.rules.Step": "setting_up",
    "setting_up.rules.StepState": "setting_up_state",
    "staff.rules.QualificationKind": "qualification",
    "staff.rules.Role": "role",
    "staff.rules.StationKind": "station_kind",
    "stock.rules.Platform": "platform",
    "stock.rules.ProductFinding": "finding",
    "stock.rules.Route": "route",
    "stock.rules.StopFinding": "finding",
    "stock.rules.StopScope": "stop_scope",
    "stock.rules.UnitFinding": "finding",
    "visits.flow.Outcome": "outcome",
    "visits.flow.Stage": "stage",
    "wall.rules.Fridges": "wall_fridges",
}
NEVER_SHOWN = {
    "adverse_events.clocks.FollowUp",  # is shown as the step that ends it
    "adverse_events.kinds.OnsetUnit",  # stands in the words of an onset
    "adverse_events.brighton.Sign",  # has its words in the list of symptoms
    "adverse_events.report.terms.ExportForm",  # is the end of a file's name
    "adverse_events.care.symptoms.Weight",  # is what a symptom counts for in a rule
    "cold_chain.course.exports.Detail",
    "cold_chain.excursions.rules.FileKind",  # is what a browser is told
    "kit.spreadsheets.FileFormat",  # is the end of a file's name
    "injection.check_lists.Compared",  # is a value of the person or the unit beside a confirmation
    "injection.check_lists.Group",  # orders the list's file
    "kit.labels.Tone",  # is how a label looks
    "observation.checks.plans.Measure",  # names a field of vitals
    "observation.exit.rules.ShownBy",  # is counted, not told
    "observation.rules.DepartureKind",  # the visit's outcome says it
    "visits.rules.CallEnd",  # the line shows what comes of it
    "wall.rules.Density",  # is how close seats stand on the display
    "injection.who_came.WhoCame",  # three sentences of one page
    "wall.rules.Part",  # stands in a display's address
    "wall.voice.rules.Part",  # stands in a clip's address
}


def _descendants(kind: type) -> Iterator[type]:
    for child in kind.__subclasses__():
        yield child
        yield from _descendants(child)


def _all_of_ours(kind: type) -> set[type]:
    for module in pkgutil.walk_packages(clinic_server.__path__, "clinic_server."):
        if "migrations" not in module.name:
            importlib.import_module(module.name)
    return {child for child in _descendants(kind) if child.__module__.startswith("clinic_server.")}


def _name(kind: type) -> str:
    return f"{kind.__module__.removeprefix('clinic_server.')}.{kind.__qualname__}"


def test_every_error_has_a_sentence_and_every_sentence_an_error() -> None:
    codes = {str(error.__dict__["code"]) for error in _all_of_ours(ClinicError) if "code" in error.__dict__}
    assert set(labels()["error"]) == codes


def test_every_enum_is_shown_by_labels_or_declared_hidden() -> None:
    assert {_name(kind) for kind in _all_of_ours(StrEnum)} == set(SHOWN) | NEVER_SHOWN


def test_every_value_that_is_shown_has_a_label() -> None:
    enums = {_name(kind): kind for kind in _all_of_ours(StrEnum)}
    without = [
        f"{name}.{value}"
        for name, group in SHOWN.items()
        for value in enums[name]  # type: ignore[attr-defined]  # iterating an enum class
        if value not in labels()[group]
    ]
    assert without == []


@pytest.fixture(name="sources", scope="module")
def _sources(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """Every English sentence of templates, Python and labels, collected the way babel.cfg says."""
    target = tmp_path_factory.mktemp("words") / "messages.pot"
    options = ["-F", "babel.cfg", "-k", "N_", "-k", "say", "-o", str(target)]
    command = [sys.executable, "-m", "babel.messages.frontend", "extract", *options, "clinic_server"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603  # our own command
    with target.open("rb") as file:
        return read_po(file)


@pytest.fixture(name="catalogue", params=CATALOGUES)
def _catalogue(request: pytest.FixtureRequest) -> Catalog:
    with (LOCALE / request.param / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=request.param)


def _said(message: Message) -> str:
    return message.string if isinstance(message.string, str) else "".join(message.string)


def _parts_to_fill(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)s|\{\w+\}|</?\w+>", text))


def test_every_sentence_is_translated(sources: Catalog, catalogue: Catalog) -> None:
    known = {message.id for message in catalogue if message.id and _said(message) and not message.fuzzy}
    assert {message.id for message in sources if message.id} - known == set()


def test_no_translation_outlives_its_sentence(sources: Catalog, catalogue: Catalog) -> None:
    assert not catalogue.obsolete
    assert {message.id for message in catalogue if message.id} - {message.id for message in sources} == set()


def test_translations_keep_what_is_filled_in(catalogue: Catalog) -> None:
    for message in catalogue:
        source = message.id if isinstance(message.id, str) else "".join(message.id)
        if source:
            assert _parts_to_fill(_said(message)) == _parts_to_fill(source), source


def test_each_catalogue_is_written_in_its_own_characters(catalogue: Catalog) -> None:
    encoding = CATALOGUES[str(catalogue.locale)]
    said = "".join(_said(message) for message in catalogue if message.id)
    foreign = {sign for sign in said if "\u4e00" <= sign <= "\u9fff" and not sign.encode(encoding, "ignore")}
    assert foreign == set()
