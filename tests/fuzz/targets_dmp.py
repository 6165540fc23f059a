"""The messages of the DMP's own services: read or refused, and nothing of them in what is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml import etree

from dmp.services.messages import candidates, demographics, registration
from dmp.services.messages.operations import accounts, habilitations, record_list
from dmp.services.messages.reading import MessageRefused
from soap.xml import XmlRefused, parse_untrusted
from tests.dmp.services import samples
from tests.fuzz.mutation import Grammar
from tests.fuzz.outcome import Outcome

_READERS: dict[str, Callable[[etree._Element], Any]] = {
    "PRPA_IN201305UV02": candidates.read_candidate_query,
    "PRPA_IN201306UV02": candidates.read_candidates,
    "PRPA_IN201307UV02": demographics.read_query,
    "PRPA_IN201308UV02": demographics.read_demographics,
    "PRPA_IN201311UV02": registration.read_registration,
    "PRPA_IN201314UV02": registration.read_registration,
    "setAuthorization": habilitations.read_set_authorisation,
    "listAuthorizationByPatient": habilitations.read_list_authorisations,
    "createPatientAccess": accounts.read_create_access,
    "patientOTPUpdate": accounts.read_update_channel,
    "updatePatientAccess": accounts.read_renew_access,
    "patientList": record_list.read_record_list_query,
}
MESSAGES = [
    registration.write_registration(samples.creation()),
    registration.write_registration(samples.closing_of()),
    demographics.write_query(samples.question()),
    candidates.write_candidate_query(samples.search("Patient", birth_date="1979", city="Paris")),
    b'<setAuthorization xmlns="urn:si-dmp-habilitations"><action>AJOUT</action></setAuthorization>',
    b'<createPatientAccess xmlns="urn:si-dmp-patients"><type>SMS</type><canal>0607080910</canal></createPatientAccess>',
    b'<patientList xmlns="urn:si-dmp-patients"><startDate>20101010202010</startDate></patientList>',
]
HL7V3 = Grammar(
    [
        *(b'<id root="1.2" extension="x"/>', b"<name/>", b"<given>a</given>", b' qualifier="BR"', b' value="true"'),
        *(b' code="FERM"', b' extension=""', b' root="^"', b"<value/>", b"<!-- -->", b' value="20210519"', b"+0200"),
        *(b' xsi:nil="true"', b"<patient>", b"</patient>", b"<family>", b"</family>", b"\xc2\xa0"),
    ],
    b"<>\"'=/^&",
)


def message(data: bytes) -> Outcome:
    """A body that is XML is read by the reader of its element, and only refused in one way."""
    try:
        root = parse_untrusted(data)
    except XmlRefused as refused:
        return Outcome(False, (refused.reason,))
    name = etree.QName(root).localname
    try:
        read = _READERS.get(name, registration.read_registration)(root)
    except MessageRefused as refused:
        return Outcome(False, (name in _READERS, str(refused)))
    return Outcome(True, (type(read).__name__,))
