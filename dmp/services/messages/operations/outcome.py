"""What the services that are not HL7's have in common: sequences of texts in one namespace, answers with a status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lxml import etree

from dmp.services.messages.reading import MessageRefused, optional, required, several, text_of
from dmp.services.messages.writing import element, text

_OUTPUT: Final = "output"


@dataclass(frozen=True, slots=True)
class Outcome:
    """A code (DMPOk, or why nothing was done) and words."""

    status: str
    context: str = ""


def only(request: etree._Element, namespace: str, *names: str) -> None:
    """Refuse what a request may not hold: left alone, it would be done less than was asked."""
    known = {f"{{{namespace}}}{name}" for name in names}
    if any(child.tag not in known for child in request.iterchildren(etree.Element)):
        raise MessageRefused(f"the request holds something else than {', '.join(names) or 'nothing'}")


def field_of(parent: etree._Element, namespace: str, name: str) -> str:
    """The text of an element that may be there; "" where it is not."""
    return text_of(optional(parent, namespace, name))


def fields_of(parent: etree._Element, namespace: str, name: str) -> tuple[str, ...]:
    """The texts of the elements of a name."""
    return tuple(text_of(one) for one in several(parent, namespace, name))


def output_of(response: etree._Element, namespace: str) -> etree._Element:
    """What a response holds."""
    return required(response, namespace, _OUTPUT)


def read_outcome(output: etree._Element, namespace: str) -> Outcome:
    """Status and context of an output."""
    return Outcome(field_of(output, namespace, "status"), field_of(output, namespace, "context"))


def write_request(name: str, namespace: str, *fields: str) -> bytes:
    """A request of fields."""
    return element(name, *fields, xmlns=namespace).encode()


def write_response(name: str, namespace: str, outcome: Outcome, *content: str) -> bytes:
    """A response: what it gives, then status and context."""
    output = element(_OUTPUT, *content, text("status", outcome.status), text("context", outcome.context))
    return element(name, output, xmlns=namespace).encode()
