"""What a submission names, read without judging it: for whoever must say what was refused."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from schemas import vocabulary as v
from schemas.ebrim import reading as r


@dataclass(frozen=True, slots=True)
class StatedIdentifiers:
    """The patient and the uniqueIds as they were sent, at most 256 characters each; empty where there is none."""

    patient_id: str = ""
    submission_set: str = ""
    documents: tuple[str, ...] = ()


def stated_identifiers(request: etree._Element) -> StatedIdentifiers:
    """The identifiers in a request that holds a `lcm:SubmitObjectsRequest` (ITI TF-3: 4.2.3.2, 4.2.3.3)."""
    values: dict[str, list[str]] = {}
    for element in request.iter(r.EXTERNAL_IDENTIFIER):
        value = element.get("value", "").strip()[: r.LONG_NAME]
        if value:
            values.setdefault(element.get("identificationScheme", ""), []).append(value)
    patients = values.get(v.SUBMISSION_SET_PATIENT_ID) or values.get(v.DOCUMENT_ENTRY_PATIENT_ID) or [""]
    return StatedIdentifiers(
        patients[0],
        (values.get(v.SUBMISSION_SET_UNIQUE_ID) or [""])[0],
        tuple(dict.fromkeys(values.get(v.DOCUMENT_ENTRY_UNIQUE_ID, ()))),
    )
