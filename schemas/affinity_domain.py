"""The affinity domain: who identifies patients, and which codes and formats its members agreed on.

Two domains are built in: `ci-sis` (the French interoperability framework) and `ihe` (the standard alone). Any other is
a TOML file of the same form:

    name = "Example"
    patient_authorities = ["1.3.6.1.4.1.21367.13.20.1000"]  # OIDs; the first one is the default
    patient_namespace = "EXAMPLE"                           # HD-1 of the default authority; optional
    mime_types = ["text/xml", "application/pdf"]            # absent: any
    languages = ["fr-FR"]                                   # absent: any
    availability_statuses = ["Approved", "Deprecated"]      # of DocumentEntries; absent: these two

    [codes.typeCode]                                        # an attribute that has no table is not limited
    value_sets = ["JDV_J07-XdsTypeCode-CISIS"]              # shipped sets, or files relative to this one

    [codes.classCode]
    schemes."1.2.250.1.213.1.1.4.1" = ["10", "11"]          # codes by codingScheme

Source: ITI TF-1: 10.4.8 (affinity domain), ITI TF-2: 3.42.4.1.3.5 (what the registry checks), ITI TF-3: 4.2.3.1.2.
"""

from __future__ import annotations

import enum
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from schemas.datatypes import is_oid
from schemas.schema_files import AFFINITY_DOMAIN_DIRECTORY
from schemas.value_sets import ValueSetError, load_value_set, value_set_names
from schemas.vocabulary import AvailabilityStatus


class CodedAttribute(enum.Enum):
    """The coded attributes of the metadata model, by the names of the standard (ITI TF-3: 4.2.3)."""

    CLASS_CODE = "classCode"
    TYPE_CODE = "typeCode"
    FORMAT_CODE = "formatCode"
    HEALTHCARE_FACILITY_TYPE_CODE = "healthcareFacilityTypeCode"
    PRACTICE_SETTING_CODE = "practiceSettingCode"
    CONFIDENTIALITY_CODE = "confidentialityCode"
    EVENT_CODE_LIST = "eventCodeList"
    CONTENT_TYPE_CODE = "contentTypeCode"
    FOLDER_CODE_LIST = "codeList"
    ASSOCIATION_DOCUMENTATION = "associationDocumentation"


class AffinityDomainError(ValueError):
    """An affinity domain cannot be read. `key` is the key at fault, `accepted` what would be accepted there."""

    def __init__(self, source: str, key: str, accepted: str) -> None:
        super().__init__(f"affinity domain {source}: {key}: expected {accepted}")
        self.key = key
        self.accepted = accepted


@dataclass(frozen=True, slots=True)
class AffinityDomain:
    """What the members of a domain agreed on.

    `patient_authority` (an OID) is the authority that is meant when a patient identifier names none, and one of
    `patient_authorities`, all of which may identify patients. `codes` holds (code, codingScheme); an attribute that is
    absent is not limited, and neither are MIME types or languages that are None. `availability_statuses` are those that
    an update may give to a DocumentEntry.
    """

    name: str
    patient_authority: str
    patient_authorities: frozenset[str]
    patient_namespace: str | None
    codes: Mapping[CodedAttribute, frozenset[tuple[str, str]]]
    mime_types: frozenset[str] | None
    languages: frozenset[str] | None
    availability_statuses: frozenset[AvailabilityStatus] = frozenset(
        {AvailabilityStatus.APPROVED, AvailabilityStatus.DEPRECATED}
    )

    def permits(self, attribute: CodedAttribute, code: str, scheme: str) -> bool:
        """Whether a coded attribute may carry this code; its display name is free (ITI TF-3: 4.2.3.1.2)."""
        allowed = self.codes.get(attribute)
        return allowed is None or (code, scheme) in allowed

    def permits_mime_type(self, mime_type: str) -> bool:
        """Whether documents may be of this type; names are compared without case, parameters aside (RFC 2045, 5.1)."""
        return self.mime_types is None or _essence(mime_type) in self.mime_types

    def permits_language(self, language: str) -> bool:
        """Whether documents may be in this language; tags are compared without case (RFC 5646, 2.1.1)."""
        return self.languages is None or language.lower() in self.languages


BUILT_IN_DOMAINS: Final = ("ci-sis", "ihe")

_KEYS: Final = (
    *("name", "patient_authorities", "patient_namespace", "mime_types", "languages"),
    *("availability_statuses", "codes"),
)
_CODE_KEYS: Final = ("value_sets", "schemes")
_STATUSES: Final = {status.value.rpartition(":")[2]: status for status in AvailabilityStatus}


def load_affinity_domain(
    name_or_path: str | Path,
    *,
    patient_authorities: Iterable[str] | None = None,
    patient_namespace: str | None = None,
) -> AffinityDomain:
    """The built-in domain `ci-sis` or `ihe`, or the domain that a TOML file describes.

    `patient_authorities` (OIDs, default first) takes the place of the file's; the file's namespace then no longer
    applies and `patient_namespace` says the new one. Raises AffinityDomainError, which names the key and what it
    accepts.
    """
    path = Path(name_or_path)
    if str(name_or_path) in BUILT_IN_DOMAINS:
        path = AFFINITY_DOMAIN_DIRECTORY / f"{name_or_path}.toml"
    reader = _Reader(str(name_or_path), path.parent)
    table = reader.table(path)
    reader.known_keys("", table, _KEYS)
    if patient_authorities is not None:
        table["patient_authorities"] = list(patient_authorities)
        table.pop("patient_namespace", None)
    if patient_namespace is not None:
        table["patient_namespace"] = patient_namespace
    authorities = reader.authorities(table)
    languages = reader.optional_texts(table, "languages")
    mime_types = reader.optional_texts(table, "mime_types")
    return AffinityDomain(
        name=reader.text(table, "name"),
        patient_authority=authorities[0],
        patient_authorities=frozenset(authorities),
        patient_namespace=reader.text(table, "patient_namespace") if "patient_namespace" in table else None,
        codes=MappingProxyType(reader.codes(table.get("codes", {}))),
        mime_types=None if mime_types is None else frozenset(_essence(m) for m in mime_types),
        languages=None if languages is None else frozenset(language.lower() for language in languages),
        availability_statuses=reader.statuses(table),
    )


def _essence(mime_type: str) -> str:
    return mime_type.partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class _Reader:
    """Takes typed values out of a TOML table; every refusal names the key."""

    source: str
    directory: Path

    def refuse(self, key: str, accepted: str) -> AffinityDomainError:
        return AffinityDomainError(self.source, key, accepted)

    def table(self, path: Path) -> dict[str, Any]:
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            accepted = f"one of {', '.join(BUILT_IN_DOMAINS)}, or the path of a readable UTF-8 TOML file"
            raise self.refuse("name or path", accepted) from error
        except tomllib.TOMLDecodeError as error:
            raise self.refuse("file", f"valid TOML ({error})") from error

    def known_keys(self, prefix: str, table: Mapping[str, Any], known: Iterable[str]) -> None:
        for key in table:
            if key not in known:
                raise self.refuse(f"{prefix}{key}", f"one of the keys {', '.join(known)}")

    def text(self, table: Mapping[str, Any], key: str) -> str:
        value = table.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.refuse(key, "a text that is not empty")
        return value

    def texts(self, key: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, list) or not value or not all(isinstance(v, str) and v.strip() for v in value):
            raise self.refuse(key, "a list of texts, at least one")
        return tuple(value)

    def optional_texts(self, table: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
        return self.texts(key, table[key]) if key in table else None

    def authorities(self, table: Mapping[str, Any]) -> tuple[str, ...]:
        key = "patient_authorities"
        authorities = self.texts(key, table.get(key))
        for oid in authorities:
            if not is_oid(oid):
                raise self.refuse(key, "OIDs in dotted notation of at most 64 characters")
        return authorities

    def statuses(self, table: Mapping[str, Any]) -> frozenset[AvailabilityStatus]:
        key = "availability_statuses"
        names = self.optional_texts(table, key) or ("Approved", "Deprecated")
        if not {"Approved", "Deprecated"} <= set(names) <= _STATUSES.keys():
            raise self.refuse(key, "Approved and Deprecated, and further ones among Archived, Deleted")
        return frozenset(_STATUSES[name] for name in names)

    def codes(self, tables: object) -> dict[CodedAttribute, frozenset[tuple[str, str]]]:
        names = [attribute.value for attribute in CodedAttribute]
        if not isinstance(tables, dict):
            raise self.refuse("codes", f"a table with the keys {', '.join(names)}")
        self.known_keys("codes.", tables, names)
        return {CodedAttribute(name): self.allowed(f"codes.{name}", table) for name, table in tables.items()}

    def allowed(self, key: str, table: object) -> frozenset[tuple[str, str]]:
        if not isinstance(table, dict) or not table:
            raise self.refuse(key, f"a table with one or both of the keys {', '.join(_CODE_KEYS)}")
        self.known_keys(f"{key}.", table, _CODE_KEYS)
        allowed: set[tuple[str, str]] = set()
        if "value_sets" in table:
            for name in self.texts(f"{key}.value_sets", table["value_sets"]):
                allowed |= self.value_set(f"{key}.value_sets", name)
        schemes = table.get("schemes", {})
        if not isinstance(schemes, dict):
            raise self.refuse(f"{key}.schemes", "a table with a list of codes for each codingScheme")
        for scheme, codes in schemes.items():
            allowed |= {(code, scheme) for code in self.texts(f'{key}.schemes."{scheme}"', codes)}
        return frozenset(allowed)

    def value_set(self, key: str, name: str) -> frozenset[tuple[str, str]]:
        shipped = name in value_set_names()
        try:
            return load_value_set(name if shipped else self.directory / name).codes()
        except ValueSetError as error:
            accepted = f"one of {', '.join(value_set_names())}, or the path of a value-set file ({error})"
            raise self.refuse(key, accepted) from error
