"""Writing elements as text: escaped here, and nowhere else."""

from __future__ import annotations

from datetime import datetime

from dmp.services.messages.reading import LEGAL_TIME
from dmp.services.vocabulary import XSI
from schemas import markup


def element(name: str, *children: str, **attributes: str) -> str:
    """An element of elements. Attributes whose value is "" are left out; `_` before a name keeps it from Python."""
    start = name + _written(attributes)
    content = "".join(children)
    return f"<{start}>{content}</{name}>" if content else f"<{start}/>"


def text(name: str, value: str, **attributes: str) -> str:
    """An element that holds a text; nothing at all for ""."""
    return element(name, markup.text(value), **attributes) if value else ""


def stated(name: str, value: str, attribute: str = "value", **attributes: str) -> str:
    """An empty element with a value in an attribute; nothing at all for ""."""
    return element(name, **{attribute: value}, **attributes) if value else ""


def boolean(name: str, value: bool) -> str:
    """A BL."""
    return f'<{name} xmlns:xsi="{XSI}" xsi:type="BL" value="{str(value).lower()}"/>'


def typed(name: str, kind: str, value: str, attribute: str, **attributes: str) -> str:
    """An element of a named type with its value in an attribute."""
    return f'<{name} xmlns:xsi="{XSI}" xsi:type="{kind}"{_written({attribute: value, **attributes})}/>'


def moment(at: datetime | None) -> str:
    """An instant as `yyyyMMddHHmmss` in legal time with its offset; "" for None."""
    return "" if at is None else at.astimezone(LEGAL_TIME).strftime("%Y%m%d%H%M%S%z")


def local_moment(at: datetime | None) -> str:
    """The same without the offset, as the services that are not HL7's have it."""
    return "" if at is None else at.astimezone(LEGAL_TIME).strftime("%Y%m%d%H%M%S")


def _written(attributes: dict[str, str]) -> str:
    return "".join(
        f' {name.removeprefix("_")}="{markup.attribute(value)}"' for name, value in attributes.items() if value
    )
