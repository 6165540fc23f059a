"""Every message of the DMP's own services is read as it was written, and nothing else of it is taken."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from dmp.services.messages import candidates, demographics, registration
from dmp.services.messages.operations import accounts, habilitations, record_list
from dmp.services.messages.reading import LONGEST, MessageRefused, moment
from schemas.schema_files import DMP_GDP_XSD, DMP_HABILITATIONS_XSD, DMP_PATIENTS_XSD
from soap.xml import load_schema, parse_untrusted
from tests.dmp.services import samples
from tests.dmp.services import strategies as s
from tests.examples import some

Reader = Callable[[etree._Element], Any]
Writer = Callable[[Any], bytes]

MESSAGES: dict[str, tuple[st.SearchStrategy[Any], Writer, Reader]] = {
    "PRPA_IN201307UV02": (s.queries, demographics.write_query, demographics.read_query),
    "PRPA_IN201308UV02": (s.demographics, demographics.write_demographics, demographics.read_demographics),
    "PRPA_IN201311UV02, 14": (s.registrations, registration.write_registration, registration.read_registration),
    "PRPA_IN201311UV02, 14 responses": (
        s.registration_answers,
        registration.write_registration_answer,
        registration.read_registration_answer,
    ),
    "PRPA_IN201305UV02": (s.candidate_queries, candidates.write_candidate_query, candidates.read_candidate_query),
    "PRPA_IN201306UV02": (s.candidates, candidates.write_candidates, candidates.read_candidates),
    "setAuthorization": (
        s.settings_of_authorisation,
        habilitations.write_set_authorisation,
        habilitations.read_set_authorisation,
    ),
    "setAuthorizationResponse": (
        s.outcomes,
        habilitations.write_authorisation_set,
        habilitations.read_authorisation_set,
    ),
    "listAuthorizationByPatient": (
        s.authorisation_queries,
        habilitations.write_list_authorisations,
        habilitations.read_list_authorisations,
    ),
    "listAuthorizationByPatientResponse": (
        s.authorisation_lists,
        habilitations.write_authorisation_list,
        habilitations.read_authorisation_list,
    ),
    "createPatientAccess": (s.account_creations, accounts.write_create_access, accounts.read_create_access),
    "createPatientAccessResponse": (
        s.accesses,
        lambda answer: accounts.write_access(accounts.CREATE, answer),
        accounts.read_access,
    ),
    "patientOTPUpdate": (s.channel_updates, accounts.write_update_channel, accounts.read_update_channel),
    "patientOTPUpdateResponse": (s.outcomes, accounts.write_channel_updated, accounts.read_channel_updated),
    "updatePatientAccess": (st.none(), lambda _: accounts.write_renew_access(), accounts.read_renew_access),
    "updatePatientAccessResponse": (
        s.accesses,
        lambda answer: accounts.write_access(accounts.RENEW, answer),
        accounts.read_access,
    ),
    "patientList": (
        s.record_list_queries,
        record_list.write_record_list_query,
        record_list.read_record_list_query,
    ),
    "patientListResponse": (s.record_lists, record_list.write_record_list, record_list.read_record_list),
}
SCHEMAS = {
    "asip:ci-sis:gdp:2010": load_schema(DMP_GDP_XSD),
    "urn:hl7-org:v3": load_schema(DMP_GDP_XSD),
    "urn:si-dmp-habilitations": load_schema(DMP_HABILITATIONS_XSD),
    "urn:si-dmp-patients": load_schema(DMP_PATIENTS_XSD),
}
each_message = pytest.mark.parametrize("name", MESSAGES)


def refusal_of(read: Reader, root: etree._Element) -> str:
    """What is said of a message that is refused; "" when it is read."""
    try:
        read(root)
    except MessageRefused as refused:
        return str(refused)
    return ""


@each_message
@settings(max_examples=some(60))
@given(data=st.data())
def test_a_message_is_read_as_it_was_written_and_keeps_to_its_schema(name: str, data: st.DataObject) -> None:
    values, write, read = MESSAGES[name]
    value = data.draw(values)
    root = parse_untrusted(write(value))
    assert read(root) == value
    schema = SCHEMAS[etree.QName(root).namespace]
    assert schema.validate(root), schema.error_log.last_error


@each_message
@settings(max_examples=some(60))
@given(data=st.data())
def test_a_mutilated_message_is_read_or_refused_and_nothing_else(name: str, data: st.DataObject) -> None:
    values, write, read = MESSAGES[name]
    root = parse_untrusted(write(data.draw(values)))
    elements = list(root.iter(etree.Element))
    victim = data.draw(st.sampled_from(elements))
    deed = data.draw(st.sampled_from(["remove", "double", "empty", "comment", "lengthen", "attribute"]))
    parent = victim.getparent()
    if deed == "remove" and parent is not None:
        parent.remove(victim)
    elif deed == "double" and parent is not None:
        parent.append(parse_untrusted(etree.tostring(victim, with_tail=False)))
    elif deed == "empty":
        victim.clear()
    elif deed == "comment":
        victim.text = "a"
        victim.append(etree.Comment("b"))
    elif deed == "lengthen":
        victim.text = "x" * (LONGEST + 1)
    else:
        for attribute in victim.attrib:
            victim.set(attribute, data.draw(st.sampled_from(["", "x" * (LONGEST + 1), "^|~\\&", "00", "-1"])))
    assert "xxxx" not in refusal_of(read, root)


@each_message
def test_what_is_said_of_a_refused_message_repeats_nothing_of_it(name: str) -> None:
    _, _, read = MESSAGES[name]
    secret = "S3CR3T"
    root = parse_untrusted(f'<{secret} xmlns="urn:{secret}" value="{secret}"><a>{secret}</a></{secret}>'.encode())
    assert secret not in refusal_of(read, root)


def changed(message: bytes, old: str, new: str) -> etree._Element:
    """A message with one thing changed, which must be there."""
    text = message.decode()
    assert re.search(old, text), text
    return parse_untrusted(re.sub(old, new, text, count=1).encode())


@pytest.fixture(scope="module")
def creation() -> bytes:
    """A request to open a record."""
    return registration.write_registration(samples.creation())


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ('processingModeCode code="T"', 'processingModeCode code="A"', "processingModeCode is not T"),
        ('extension="PRPA_IN201311UV02"', 'extension="PRPA_IN201314UV02"', "interactionId"),
        ('code="CREA_RD"', 'code="FERM"', "does not belong"),
        ('code="CREA_RD"', 'code="OTHER"', "reasonCode is none of"),
        ("1.2.250.1.213.1.1.4.11", "1.2.3", "another code system"),
        ("<assignedPerson.*</assignedPerson>", "", "assignedPerson is missing"),
        (r"(<assignedPerson[^>]*>)<name>.*?</name>", r"\1<name><given>A</given></name>", "no family name"),
        (r"(<assignedPerson[^>]*>)<name>.*?</name>", r"\1<name><family>A</family></name>", "no given name"),
        (r'extension="[^"]*" root="1.2.250.1.71.4.2.1"|root="1.2.250.1.71.4.2.1"', 'root="1.2"', "national identifier"),
        ("<family>LIBRE</family>", "<family>LIBRE<!-- and more --></family>", "family holds more than text"),
        ("<patient .*</patient>", "", "patient is missing"),
        (r'(<contactPerson>.*)<birthTime value="[^"]*"/>', r'\1<birthTime value="01"/>', "Vitale card"),
    ],
)
def test_a_registration_is_refused_by_the_rule_it_breaks(creation: bytes, old: str, new: str, rule: str) -> None:
    with pytest.raises(MessageRefused, match=rule):
        registration.read_registration(changed(creation, old, new))


def test_an_element_that_says_it_is_nil_is_not_there(creation: bytes) -> None:
    nil = '<personalRelationship xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>'
    expected = registration.read_registration(parse_untrusted(creation))
    assert registration.read_registration(changed(creation, "</patientPerson>", f"{nil}</patientPerson>")) == expected


def test_another_professional_s_list_is_not_to_be_asked_for() -> None:
    request = b'<patientList xmlns="urn:si-dmp-patients"><psOwnerId>899900000001</psOwnerId></patientList>'
    with pytest.raises(MessageRefused, match="something else"):
        record_list.read_record_list_query(parse_untrusted(request))


def test_a_search_by_a_parameter_that_is_not_known_is_refused_and_not_widened() -> None:
    message = candidates.write_candidate_query(samples.search("Patient"))
    with pytest.raises(MessageRefused, match="a parameter is none of"):
        candidates.read_candidate_query(changed(message, "</parameterList>", "<mothersMaidenName/></parameterList>"))


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("20210519174507", datetime(2021, 5, 19, 15, 45, 7, tzinfo=UTC)),  # legal time in France, summer
        ("20210119174507", datetime(2021, 1, 19, 16, 45, 7, tzinfo=UTC)),  # and winter
        ("20210519174507+0000", datetime(2021, 5, 19, 17, 45, 7, tzinfo=UTC)),
        ("20210519174507.123-0430", datetime(2021, 5, 19, 22, 15, 7, tzinfo=UTC)),
        ("20100528", datetime(2010, 5, 27, 22, tzinfo=UTC)),
    ],
)
def test_an_instant_without_an_offset_is_legal_time_in_france(text: str, instant: datetime) -> None:
    assert moment(text, "here") == instant


@pytest.mark.parametrize("text", ["", "2021051", "20211319", "20210519174507+1", "20210519174507+9999", "٢٠٢١", "x"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(MessageRefused, match="here is no date and time"):
        moment(text, "here")
