"""Signature wrapping (the families XSW 1 to 8) in the forms that a SOAP security header gives it."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

from lxml import etree

from card_auth.vihf.vocabulary import DS, HEADER, SIGNATURE
from soap.xml import parse_untrusted
from tests.card_auth.vihf.messages import envelope, saml

FAMILIES = range(1, 9)
IDENTIFIERS = ("same", "new", "upper case", "extended")
PLACES = ("header", "security", "body", "beside")
DEPTHS = (0, 1, 2, 3)
EVIL = "899700218897"


def wrapped(signed: bytes) -> Iterator[tuple[str, bytes]]:
    """Every variant of an assertion that is wrapped around the one that was signed: its name, and the message."""
    for family in FAMILIES:
        for identifier in IDENTIFIERS:
            for depth in DEPTHS:
                places = PLACES if family in (2, 3, 5, 7) else ("within",)
                for place in places:
                    yield (
                        f"XSW{family}, {identifier} ID, {place}, depth {depth}",
                        _message(signed, family, identifier, place, depth),
                    )


def _message(signed: bytes, family: int, identifier: str, place: str, depth: int) -> bytes:
    envelope_root = parse_untrusted(envelope(signed))
    header = envelope_root.find(HEADER)
    security = header[0]
    original = security[0]
    signature = original.find(SIGNATURE)
    evil = _evil(original, identifier)
    places = {"header": header, "security": security, "body": envelope_root[1], "beside": envelope_root}

    def put(element: etree._Element, parent: etree._Element, *, first: bool = False) -> None:
        for _ in range(depth):
            wrapper = etree.Element("{urn:wrapper}Extensions")
            wrapper.append(element)
            element = wrapper
        parent.insert(0 if first else len(parent), element)

    security.remove(original)
    match family:
        case 1 | 6 | 8:  # the original below the signature that the evil one took over
            original.remove(signature)
            evil.insert(1, signature)
            security.append(evil)
            holder = etree.SubElement(signature, f"{{{DS}}}Object") if family == 8 else signature
            put(original, holder, first=family == 1)
        case 2:  # the original and its signature, side by side, beside the evil one
            original.remove(signature)
            security.append(evil)
            put(original, places[place])
            places[place].append(signature)
        case 3:  # the evil one first
            security.append(evil)
            put(original, places[place])
        case 4:  # the original within the evil one
            security.append(evil)
            put(original, evil)
        case 5:  # the evil one has the signature, the original comes after
            original.remove(signature)
            evil.insert(1, signature)
            security.append(evil)
            put(original, places[place])
        case _:  # the evil one within an extension, before the original
            security.append(original)
            put(evil, places[place], first=place != "beside")
    return etree.tostring(envelope_root)


def _evil(original: etree._Element, identifier: str) -> etree._Element:
    evil = deepcopy(original)
    evil.remove(evil.find(SIGNATURE))
    evil.find(f"{saml('Subject')}/{saml('NameID')}").text = EVIL
    own = evil.get("ID")
    changed = {"same": own, "new": "_evil-0001-0001", "upper case": own.upper(), "extended": f"{own}.1"}
    evil.set("ID", changed[identifier])
    return evil
