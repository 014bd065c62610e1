"""Guards read every file of ours as a tree."""

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, name="trees_are_built_undisturbed")
def _trees_are_built_undisturbed() -> Iterator[None]:
    """CPython 3.11 loses count of its depth when a collection runs finalizers in the middle of ast.parse."""
    gc.disable()
    yield
    gc.enable()
