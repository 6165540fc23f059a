"""The operator's guide names every key that an operator may set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from feuillet.settings import Sections

GUIDE = (Path(__file__).parents[2] / "docs" / "operator-guide.md").read_text()


def keys(section: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every key that holds a value."""
    for name, field in section.model_fields.items():
        kinds = [kind for kind in (field.annotation, *get_args(field.annotation)) if isinstance(kind, type)]
        nested = next((kind for kind in kinds if issubclass(kind, BaseModel)), None)
        if nested is None:
            yield (*path, name)
        else:
            yield from keys(nested, (*path, name))


@pytest.mark.parametrize("key", list(keys(Sections)), ids=".".join)
def test_a_key_is_explained_beside_its_section(key: tuple[str, ...]) -> None:
    section, name = ".".join(key[:-1]), key[-1]
    lines = [
        line
        for line in GUIDE.splitlines()
        if name in line.replace("`", " ").replace(",", " ").replace(".", " ").split()
    ]
    assert any(section in line or f"[{section}]" in GUIDE for line in lines), f"{section}.{name} is not explained"
