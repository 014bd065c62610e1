"""``clinic doctor``: the report on the console, for people in their language or for programs as JSON."""

import os
from typing import Annotated

import msgspec
import typer

from clinic_server.doctor.examination import examine
from clinic_server.doctor.report import Said, as_facts, verdict_of
from clinic_server.kit.i18n import LANGUAGES, choose_language, current_language, missing_catalogues
from clinic_server.kit.labels import Tone, label

_MUST_BE_FIXED = 1


def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as JSON.")] = False,
    language: Annotated[
        str, typer.Option(help=f"{', '.join(LANGUAGES)}; otherwise the machine's own, or Chinese.")
    ] = "",
) -> None:
    """Examine this site: settings, database, key, clock, disk, address, devices; also while the server runs.

    Nothing is changed. It ends with 1 when something must be fixed.

    Example: clinic doctor --language en
    """
    if language and language not in LANGUAGES:
        raise typer.BadParameter(f"--language is one of {', '.join(LANGUAGES)}.")
    chosen = choose_language(language or None, os.environ.get("LANG", "").partition(".")[0].replace("_", "-"))
    current_language.set("en" if chosen in missing_catalogues() else chosen)
    answers = examine()
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(as_facts(answers))).decode())
    else:
        for answer in answers:
            _show(answer)
        typer.echo(label("doctor_verdict", verdict_of(answers)).fix)
    if verdict_of(answers) is Tone.STOP:
        raise typer.Exit(_MUST_BE_FIXED)


def _show(answer: Said) -> None:
    words = answer.words
    typer.echo(f"{label('doctor_verdict', words.tone).text}\t{words.text}")
    if words.fix and words.tone is not Tone.GOOD:
        typer.echo(f"\t→ {words.fix}")
