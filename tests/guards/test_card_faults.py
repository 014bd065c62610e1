"""What people are told of a card that cannot be read is what a reader can say; any other word stays the reader's."""

import ast
from pathlib import Path

import devices
from clinic_server.device_hub.translation import card_fault
from clinic_server.kit.labels import labels
from clinic_server.people.rules import CardFault

SOURCES = sorted(Path(devices.__file__).parent.rglob("*.py"))


def test_every_reason_with_words_is_one_that_is_given() -> None:
    nodes = (node for source in SOURCES for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))))
    given = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert set(labels()["card_fault"]) - given == set()


def test_a_reason_with_words_reaches_the_desk_and_any_other_is_an_unreadable_card() -> None:
    for reason in labels()["card_fault"]:
        assert card_fault(reason) == CardFault(reason)
    assert card_fault("select_failed") == CardFault("card_unreadable")
