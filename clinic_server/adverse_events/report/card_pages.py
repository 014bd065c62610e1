"""The pages of a case card: its form, and a version of it on paper."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from clinic_server.adverse_events.report import actions
from clinic_server.adverse_events.report.actions import Amendment
from clinic_server.adverse_events.report.card import missing_from, places, value_at
from clinic_server.adverse_events.report.card_form import fields_of
from clinic_server.adverse_events.report.copy_files import place_words
from clinic_server.adverse_events.report.desk import Writer, begun, health_of, record_for
from clinic_server.adverse_events.report.forms import CardForm
from clinic_server.adverse_events.report.lookup import version_of
from clinic_server.adverse_events.report.wording import words_of

router = APIRouter(include_in_schema=False)
PAGE = "/adverse-events/{number}/card"


@router.get(PAGE)
async def card_form(call: Writer, number: int) -> HTMLResponse:
    """Show the card as it stands, or begun with what the site knows, to be filled in."""
    record = await record_for(call, number)
    card, versions = begun(call, record), health_of(record).versions
    return call.page(
        "adverse_events/card.html",
        record=record,
        standing=versions[-1].version if versions else 0,
        fields=fields_of(card),
        used=max(1, len(card.vaccines)),
        missing=[place_words(one) for one in missing_from(card)],
    )


@router.post(PAGE)
async def file_card(call: Writer, number: int) -> Response:
    """Report an event by its card."""
    card, settings = (await call.form(CardForm)).card(), call.house.settings.reporting
    return await call.record(lambda tx: actions.file_card(tx, number, card, settings), then=f"/adverse-events/{number}")


@router.post(f"{PAGE}/amendments")
async def amend_card(call: Writer, number: int) -> Response:
    """Append a version to an event's card."""
    form, settings = await call.form(CardForm), call.house.settings.reporting
    new = Amendment(form.card(), form.base_version, form.reason)
    return await call.record(lambda tx: actions.amend_card(tx, number, new, settings), then=f"/adverse-events/{number}")


@router.get(f"{PAGE}/print")
async def printed_card(call: Writer, number: int, version: Annotated[int | None, Query(ge=1)] = None) -> HTMLResponse:
    """Show a version of a card as it goes on paper, the latest unless another is asked for."""
    record = await record_for(call, number)
    shown = version_of(health_of(record).versions, version)
    lines = [
        (place_words(one), words_of(value_at(shown.card, one)), one.field.is_required)
        for one in places(len(shown.card.vaccines))
    ]
    return call.page("adverse_events/card_printed.html", record=record, shown=shown, lines=lines)
