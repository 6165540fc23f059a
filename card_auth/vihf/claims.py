"""From the signed form of an assertion to its claims. Whoever reads them has verified these very bytes."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from typing import Final, NoReturn, TypeVar

from lxml import etree

from card_auth.caller import AccessMode, AuthenticationLevel, PurposeOfUse, Role, Software
from card_auth.vihf.instants import read_instant
from card_auth.vihf.refusals import AssertionRefused, Reason
from card_auth.vihf.statement import Claims, Period, Statement
from card_auth.vihf.vocabulary import (
    HL7,
    ISSUER,
    PURPOSES,
    SAML,
    SECRET_CONNECTION,
    SECTORS,
    X509_SUBJECT_NAME,
    AttributeName,
    VihfVersion,
)

_LONGEST: Final = 1024  # characters of one claim
_MOST_ROLES: Final = 16
_BLANKS: Final = " \t\r\n"
_OID: Final = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]{0,17})){1,30}", re.ASCII)
_CODE: Final = re.compile(r"[A-Za-z0-9_./-]{1,64}", re.ASCII)
_SECTOR: Final = re.compile(rf"(SA[0-9]{{2}})\^{re.escape(SECTORS)}", re.ASCII)
_STRUCTURE: Final = re.compile(r"[0-9A-Z]{9,20}", re.ASCII)
_Value = TypeVar("_Value")


def read_claims(assertion: etree._Element, *, unstated_mode: AccessMode) -> Claims:
    """The claims of an assertion whose content is of the known kind. Raises AssertionRefused.

    `unstated_mode` is what version 2.0, which has no attribute for it, leaves to be told from the signer.
    """
    if assertion.get("Version") != "2.0":
        _malformed("Version")
    issuer = _child(assertion, ISSUER)
    if issuer.get("Format") != X509_SUBJECT_NAME:
        _malformed("Issuer")
    values, repeated = _attributes(_child(assertion, _saml("AttributeStatement")))
    authentication = _child(assertion, _saml("AuthnStatement"))
    confirmations, recipients = _confirmations(assertion)
    conditions, audiences = _conditions(assertion)
    session = Period(end=_optional_instant(authentication, "SessionNotOnOrAfter"))
    return Claims(
        identifier=assertion.get("ID", ""),
        issuer=_text(issuer),
        issued_at=_instant(assertion, "IssueInstant"),
        statement=_statement(assertion, authentication, values, unstated_mode),
        periods=(*conditions, *confirmations, session),
        audiences=audiences,
        recipients=recipients,
        repeated=repeated,
    )


def _statement(
    assertion: etree._Element, authentication: etree._Element, values: _Attributes, unstated_mode: AccessMode
) -> Statement:
    level = _text(_child(_child(authentication, _saml("AuthnContext")), _saml("AuthnContextClassRef")))
    version = values.one(AttributeName.VERSION, VihfVersion)
    mode = values.optional(AttributeName.MODE, AccessMode)
    if mode is None:
        if version is not VihfVersion.V2_0:
            _malformed(AttributeName.MODE)
        mode = unstated_mode
    sector = values.optional(AttributeName.SECTOR, _sector)
    if sector is None and version is not VihfVersion.V2_0:
        _malformed(AttributeName.SECTOR)
    subject_name = values.optional(AttributeName.SUBJECT, str)
    if subject_name is None and mode is not AccessMode.DIRECT:
        _malformed(AttributeName.SUBJECT)
    return Statement(
        version=version,
        mode=mode,
        subject=_text(_child(_child(assertion, _saml("Subject")), _saml("NameID"))),
        subject_name=subject_name,
        roles=_roles(values),
        structure_id=values.one(AttributeName.STRUCTURE, _structure),
        sector=sector,
        purpose_of_use=_purpose(values),
        purpose_reason=values.optional(AttributeName.PURPOSE_REASON, str),
        resource_id=values.optional(AttributeName.RESOURCE, str),
        resource_urn=values.one(AttributeName.RESOURCE_URN, str),
        secret_connection=values.optional(AttributeName.CONFIDENTIALITY, _secret) or False,
        software=Software(
            name=values.one(AttributeName.SOFTWARE, str),
            version=values.optional(AttributeName.SOFTWARE_VERSION, str),
            identifier=values.optional(AttributeName.SOFTWARE_ID, str),
            homologation=values.optional(AttributeName.HOMOLOGATION, str),
        ),
        level=_converted(level, AuthenticationLevel, "AuthnContextClassRef"),
        authenticated_at=_instant(authentication, "AuthnInstant"),
    )


def _roles(values: _Attributes) -> tuple[Role, ...]:
    roles = values.coded(AttributeName.ROLE)
    if not 1 <= len(roles) <= _MOST_ROLES:
        _malformed(AttributeName.ROLE)
    return roles


def _purpose(values: _Attributes) -> PurposeOfUse:
    purposes = values.coded(AttributeName.PURPOSE)
    if len(purposes) > 1 or any(one.code_system != PURPOSES for one in purposes):
        _malformed(AttributeName.PURPOSE)
    return _converted(purposes[0].code, PurposeOfUse, AttributeName.PURPOSE) if purposes else PurposeOfUse.NORMAL


class _Attributes:
    """The attributes by name; a name counts whatever its case: none is overlooked for being misspelt."""

    def __init__(self, values: dict[str, tuple[etree._Element, ...]]) -> None:
        self._values = values

    def optional(self, name: AttributeName, read: Callable[[str], _Value]) -> _Value | None:
        """The attribute's one value, None when it is absent or empty."""
        elements = self._values.get(name.casefold(), ())
        if not elements:
            return None
        if len(elements) > 1:
            _malformed(name)
        text = _text(elements[0], name)
        return _converted(text, read, name) if text else None

    def one(self, name: AttributeName, read: Callable[[str], _Value]) -> _Value:
        """The attribute's one value."""
        value = self.optional(name, read)
        if value is None:
            _malformed(name)
        return value

    def coded(self, name: AttributeName) -> tuple[Role, ...]:
        """The attribute's coded values (HL7 CE)."""
        local = "Role" if name is AttributeName.ROLE else "PurposeOfUse"
        return tuple(_coded(element, local, name) for element in self._values.get(name.casefold(), ()))


def _attributes(statement: etree._Element) -> tuple[_Attributes, bool]:
    values: dict[str, tuple[etree._Element, ...]] = {}
    repeated = False
    for attribute in statement:
        name = attribute.get("Name", "").casefold()
        if name in values:
            repeated = True
        else:
            values[name] = tuple(attribute)
    return _Attributes(values), repeated


def _coded(value: etree._Element, local: str, name: AttributeName) -> Role:
    if len(value) != 1 or value[0].tag != f"{{{HL7}}}{local}" or _has_text(value):
        _malformed(name)
    code, system = value[0].get("code", ""), value[0].get("codeSystem", "")
    if not _CODE.fullmatch(code) or not _OID.fullmatch(system):
        _malformed(name)
    label = value[0].get("displayName")
    return Role(code, system, _bounded(label, name) if label else None)


def _conditions(assertion: etree._Element) -> tuple[tuple[Period, ...], tuple[frozenset[str], ...]]:
    conditions = assertion.find(_saml("Conditions"))
    if conditions is None:
        return (), ()
    audiences = tuple(
        frozenset(_text(audience) for audience in restriction)
        for restriction in conditions.iterfind(_saml("AudienceRestriction"))
    )
    return (_period(conditions),), audiences


def _confirmations(assertion: etree._Element) -> tuple[tuple[Period, ...], frozenset[str]]:
    data = list(assertion.iterfind("/".join(map(_saml, ("Subject", "SubjectConfirmation", "SubjectConfirmationData")))))
    recipients = frozenset(one.get("Recipient", "") for one in data if one.get("Recipient") is not None)
    return tuple(_period(one) for one in data), recipients


def _period(element: etree._Element) -> Period:
    return Period(_optional_instant(element, "NotBefore"), _optional_instant(element, "NotOnOrAfter"))


def _sector(text: str) -> str:
    if match := _SECTOR.fullmatch(text):
        return match[1]
    raise ValueError


def _structure(text: str) -> str:
    if _STRUCTURE.fullmatch(text):
        return text
    raise ValueError


def _secret(text: str) -> bool:
    if text == SECRET_CONNECTION:
        return True
    raise ValueError


def _saml(local: str) -> str:
    return f"{{{SAML}}}{local}"


def _child(parent: etree._Element, tag: str) -> etree._Element:
    found: Iterator[etree._Element] = parent.iterchildren(tag)
    first, second = next(found, None), next(found, None)
    if first is None or second is not None:
        _malformed(tag.rpartition("}")[2])
    return first


def _text(element: etree._Element, name: str | None = None) -> str:
    """The whole text of an element that holds nothing else: `.text` alone would stop at a child node."""
    name = name or str(element.tag).rpartition("}")[2]
    if len(element):
        _malformed(name)
    return _bounded(element.text or "", name)


def _bounded(text: str, name: str) -> str:
    text = text.strip(_BLANKS)
    if len(text) > _LONGEST or not text.isprintable():
        _malformed(name)
    return text


def _has_text(element: etree._Element) -> bool:
    return bool((element.text or "").strip(_BLANKS) or any((child.tail or "").strip(_BLANKS) for child in element))


def _instant(element: etree._Element, name: str) -> datetime.datetime:
    return _converted(element.get(name, ""), read_instant, name)


def _optional_instant(element: etree._Element, name: str) -> datetime.datetime | None:
    return None if element.get(name) is None else _instant(element, name)


def _converted(text: str, read: Callable[[str], _Value], name: str) -> _Value:
    try:
        return read(text)
    except ValueError:
        _malformed(name)


def _malformed(name: str) -> NoReturn:
    raise AssertionRefused(Reason.MALFORMED_CLAIM, name)
