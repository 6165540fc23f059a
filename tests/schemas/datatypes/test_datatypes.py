"""The data types: what they accept, what they refuse and why, and what is equal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.datatypes import (
    Cx,
    Cxi,
    DataTypeError,
    Dtm,
    LanguageTag,
    MimeType,
    Oid,
    RecipientValue,
    Sha1Hash,
    SourcePatientInfoItem,
    UniqueId,
    Uri,
    Uuid,
    Xcn,
    Xon,
    Xtn,
    escape,
    unescape,
)
from tests.examples import some
from tests.schemas.strategies import DATA_TYPES

OID = "1.2.250.1.213.1.4.8"


@pytest.mark.parametrize("kind", DATA_TYPES, ids=lambda kind: kind.__name__)
def test_a_value_is_written_as_it_was_read(kind: Any) -> None:
    @settings(max_examples=some(300), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(DATA_TYPES[kind])
    def check(text: str) -> None:
        value = kind.parse(text)
        assert str(value) == text
        assert kind.parse(str(value)) == value
        assert hash(kind.parse(text)) == hash(value)

    check()


@pytest.mark.parametrize("kind", DATA_TYPES, ids=lambda kind: kind.__name__)
def test_any_text_is_a_value_or_is_refused_with_a_reason_that_does_not_repeat_it(kind: Any) -> None:
    @settings(max_examples=some(200), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.one_of(st.text(max_size=300), st.text("0123456789^&|.ISOPIDab-:/ \n\u2603", max_size=40)))
    def check(text: str) -> None:
        refusal = _refusal(kind, text)
        if refusal is None:
            assert str(kind.parse(text)) == text
        else:
            assert refusal.value == text
            assert refusal.type_name
            assert refusal.reason
            assert "\u2603" not in refusal.reason

    check()


def _refusal(kind: Any, text: str) -> DataTypeError | None:
    try:
        kind.parse(text)
    except DataTypeError as error:
        return error
    return None


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        (Cx, "", "component 1, the identifier, is missing"),
        (Cx, f"^^^&{OID}&ISO", "component 1, the identifier, is missing"),
        (Cx, f"   ^^^&{OID}&ISO", "component 1, the identifier, is missing"),
        (Cx, "123", "component 4, the assigning authority, is missing"),
        (Cx, f"123^4^^&{OID}&ISO", "component 2 is left empty"),
        (Cx, f"123^^M10^&{OID}&ISO", "component 3 is left empty"),
        (Cx, f"123^^^&{OID}&ISO^NH", "component 5 is left empty"),
        (Cx, f"123^^^ASIP&{OID}&ISO", "its first sub-component is left empty"),
        (Cx, "123^^^ASIP", "its first sub-component is left empty"),
        (Cx, "123^^^&1.02&ISO", "second sub-component is no OID: an arc of the OID has a leading zero"),
        (Cx, "123^^^&&ISO", "second sub-component is no OID: an OID is expected, nothing is given"),
        (Cx, f"123^^^&{OID}", "third sub-component is ISO"),
        (Cx, f"123^^^&{OID}&UUID", "third sub-component is ISO"),
        (Cx, f"123^^^&{OID}&ISO&x", "three sub-components"),
        (Cxi, f"^^^&{OID}&ISO^urn:ihe:iti:xds:2013:order", "component 1, the identifier, is missing"),
        (Cxi, "1^2^^^urn:ihe:iti:xds:2013:order", "component 2 is left empty"),
        (Cxi, "1^^3^^urn:ihe:iti:xds:2013:order", "component 3 is left empty"),
        (Cxi, f"1^^^&{OID}&ISO", "component 5, the type of the identifier, is missing"),
        (Cxi, "1^^^^urn:ihe:iti:xds:2013:order^^x", "component 7 is left empty"),
        (Xcn, "", "component 1, an identifier, or component 2, a last name, is needed"),
        (Xcn, "^^Marie", "component 1, an identifier, or component 2, a last name, is needed"),
        (Xcn, "801^Dupont^Marie^^^^^^ASIP", "component 9, the assigning authority: its first"),
        (
            Xcn,
            "801^Dupont^Marie^^^^^^&12&ISO",
            "component 9, the assigning authority: its second sub-component is no OID",
        ),
        (Xcn, f"801^Dupont^Marie^^^^^^&{OID}&DNS", "component 9, the assigning authority: its third"),
        (Xon, "", "component 1, the name of the organisation, is missing"),
        (Xon, f"^^^^^^^^^{OID}", "component 1, the name of the organisation, is missing"),
        (Xon, "CHU^^^^^^^^^10B", "component 10, an identifier that is no OID, needs its authority in component 6"),
        (Xon, "CHU^^^^^FINESS^^^^10B", "component 6, the assigning authority: its first"),
        (Xtn, "", "is needed"),
        (Xtn, "^PRN^PH", "component 7, a local telephone number, or component 4, an e-mail address, is needed"),
        (Xtn, "^NET^Internet", "component 4, the e-mail address, is missing"),
        (RecipientValue, "", "at least one of the three"),
        (RecipientValue, "||", "at least one of the three"),
        (RecipientValue, "CHU|801^Dupont|^^Internet^a@b|x", "has three parts, 4 are given"),
        (RecipientValue, "^x", "the organisation (XON): component 1"),
        (RecipientValue, "CHU|^^Marie", "the person (XCN): component 1"),
        (RecipientValue, "CHU||^^Internet", "the address (XTN): component 4"),
        (SourcePatientInfoItem, "PID-5", "an item is written PID-n|value"),
        (SourcePatientInfoItem, "5|DUPONT", "an item is written PID-n|value"),
        (SourcePatientInfoItem, "PID-0|x", "n of PID-n is 1 to 39"),
        (SourcePatientInfoItem, "PID-40|x", "n of PID-n is 1 to 39"),
        (Dtm, "", "has 4, 6, 8, 10, 12 or 14 digits"),
        (Dtm, "20240", "5 are given"),
        (Dtm, "202405171342051", "15 are given"),
        (Dtm, "20240517134205.1", "digits only"),
        (Dtm, "20240517134205+0200", "without zone"),
        (Dtm, "\u0662\u0660\u0662\u0664", "digits only"),
        (Dtm, "0000", "the year is not 0001 to 9999"),
        (Dtm, "202413", "the month is not 01 to 12"),
        (Dtm, "202400", "the month is not 01 to 12"),
        (Dtm, "20230229", "the day is not 01 to 28"),
        (Dtm, "20240230", "the day is not 01 to 29"),
        (Dtm, "20240431", "the day is not 01 to 30"),
        (Dtm, "20240500", "the day is not 01 to 31"),
        (Dtm, "2024051724", "the hour is not 00 to 23"),
        (Dtm, "202405171360", "the minute is not 00 to 59"),
        (Dtm, "20240517134260", "the second is not 00 to 59"),
        (Oid, "", "nothing is given"),
        (Oid, "1", "at least two arcs"),
        (Oid, "1.", "an arc of the OID is empty"),
        (Oid, "1..2", "an arc of the OID is empty"),
        (Oid, "3.1", "the first arc of an OID is 0, 1 or 2"),
        (Oid, "1.02", "leading zero"),
        (Oid, "1.2.a", "digits and dots only"),
        (Oid, "1.2\n", "digits and dots only"),
        (Oid, "urn:oid:1.2", "digits and dots only"),
        (Oid, "1." + "2" * 63, "at most 64 characters, 65 are given"),
        (Uuid, "0d2dbd5c-29f8-4f36-9b4e-f5ad4a4cd2cf", "a UUID is written urn:uuid:"),
        (Uuid, "urn:uuid:0d2dbd5c29f84f369b4ef5ad4a4cd2cf", "groups 8-4-4-4-12"),
        (Uuid, "urn:uuid:0d2dbd5c-29f8-4f36-9b4e-f5ad4a4cd2cg", "groups 8-4-4-4-12"),
        (UniqueId, "", "is empty"),
        (UniqueId, "1" * 257, "has 257 characters, more than 256"),
        (UniqueId, "1.2 3", "holds a blank or a control character"),
        (Uri, "", "is empty"),
        (Uri, "x" * 257, "has 257 characters, more than 256"),
        (Uri, "a\tb", "holds a blank or a control character"),
        (Sha1Hash, "", "0 characters are given"),
        (Sha1Hash, "da39a3ee", "8 characters are given"),
        (Sha1Hash, "g" * 40, "hexadecimal digits only"),
        (LanguageTag, "", "such as fr-FR"),
        (LanguageTag, "français", "such as fr-FR"),
        (LanguageTag, "fr_FR", "such as fr-FR"),
        (LanguageTag, "fr-", "such as fr-FR"),
        (MimeType, "", "type/subtype"),
        (MimeType, "text", "type/subtype"),
        (MimeType, "text/x ml", "type/subtype"),
        (MimeType, "text/xml;" + " " * 250, "more than 256"),
    ],
)
def test_a_refusal_says_what_is_wrong(kind: Any, text: str, reason: str) -> None:
    with pytest.raises(DataTypeError) as refused:
        kind.parse(text)
    assert reason in refused.value.reason


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Cx, f"123^^^&{OID}&ISO"),
        (Cx, f"123^^^&{OID}&ISO^^"),
        (Cxi, "2.25.7^^^^urn:ihe:iti:xds:2016:studyInstanceUID"),
        (Cxi, f"A1^^^&{OID}&ISO^urn:ihe:iti:xds:2013:accession"),
        (Cxi, f"A1^^^HIS&{OID}&ISO^urn:ihe:iti:xdw:2013:workflowInstanceId^urn:oid:1.2"),
        (Xcn, "801^Dupont^Marie^^^^^^&1.2.250.1.71.4.2.1&ISO^D^^^IDNPS"),
        (Xcn, "^Dupont^Marie^^^^^^ignored without an identifier"),
        (Xcn, "Dupont"),
        (Xon, "CHU de Nîmes^^^^^&1.2.250.1.71.4.2.2&ISO^IDNST^^^10B0109"),
        (Xon, "CHU de Nîmes^^^^^^^^^1.2.250.1.9"),
        (Xtn, "^NET^Internet^marie@example.org"),
        (Xtn, "^PRN^PH^^33^1^45678900"),
        (Xtn, "^PRN^PH^^^^^^^^^+33145678900"),
        (RecipientValue, "CHU de Nîmes"),
        (RecipientValue, "|801^Dupont"),
        (RecipientValue, "||^^Internet^marie@example.org"),
        (SourcePatientInfoItem, "PID-5|DUPONT^MARIE^^^^^D"),
        (SourcePatientInfoItem, "PID-8|"),
        (Dtm, "20240229"),
        (Oid, "2.999"),
        (Oid, "1." + "2" * 62),
        (UniqueId, "1.2.3^doc-1"),
        (UniqueId, "1" * 256),
        (Sha1Hash, "DA39a3ee5e6b4b0d3255bfef95601890afd80709"),
        (LanguageTag, "fr"),
        (LanguageTag, "zh-Hant-TW"),
        (MimeType, 'multipart/related; type="text/html"'),
    ],
)
def test_the_forms_of_the_standard_are_accepted(kind: Any, text: str) -> None:
    assert str(kind.parse(text)) == text


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (Sha1Hash, "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        (MimeType, "Text/XML", "text/xml"),
        (MimeType, "TEXT/plain;charset=utf-8", "text/PLAIN; charset=utf-8"),
        (LanguageTag, "fr-FR", "FR-fr"),
        (Uuid, "urn:uuid:0D2DBD5C-29F8-4F36-9B4E-F5AD4A4CD2CF", "urn:uuid:0d2dbd5c-29f8-4f36-9b4e-f5ad4a4cd2cf"),
    ],
)
def test_case_makes_no_difference_where_the_standard_says_so(kind: Any, one: str, other: str) -> None:
    assert kind.parse(one) == kind.parse(other)
    assert hash(kind.parse(one)) == hash(kind.parse(other))
    assert len({kind.parse(one), kind.parse(other)}) == 1
    assert str(kind.parse(one)) == one


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (Sha1Hash, "a" * 40, "b" * 40),
        (MimeType, "text/xml", "text/html"),
        (MimeType, "text/plain; charset=utf-8", "text/plain"),
        (LanguageTag, "fr", "fr-FR"),
        (UniqueId, "urn:example:A", "urn:example:a"),
        (Cx, f"A^^^&{OID}&ISO", f"a^^^&{OID}&ISO"),
        (Dtm, "2024", "20240101000000"),
    ],
)
def test_values_that_differ_are_not_equal(kind: Any, one: str, other: str) -> None:
    assert kind.parse(one) != kind.parse(other)


def test_values_of_different_types_are_not_equal() -> None:
    assert Sha1Hash("a" * 40) != UniqueId("a" * 40)
    assert LanguageTag("fr") != MimeType("fr")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text())
def test_escaped_text_is_one_component_and_reads_back(text: str) -> None:
    escaped = escape(text)
    assert not set("^&|~") & set(escaped)
    assert unescape(escaped) == text


def test_parts_are_read_without_their_escapes() -> None:
    person = Xcn.parse(rf"80\T\1^d\S\Hôte^Marie^^^^^^&{OID}&ISO")
    assert (person.id, person.family_name, person.given_name) == ("80&1", "d^Hôte", "Marie")
    patient = Cx.parse(rf"1\T\2^^^&{OID}&ISO")
    assert (patient.id, patient.authority) == ("1&2", OID)
    organisation = Xon.parse(r"A \T\ B^^^^^^^^^1.2.3")
    assert (organisation.name, organisation.id) == ("A & B", "1.2.3")
    reference = Cxi.parse("7^^^^urn:ihe:iti:xds:2013:order")
    assert (reference.id, reference.type_code) == ("7", "urn:ihe:iti:xds:2013:order")
    assert Xtn.parse("^NET^Internet^a@b.fr").email == "a@b.fr"
    assert Xtn.parse("^PRN^PH^^33^1^45").email is None
    item = SourcePatientInfoItem.parse("PID-5|DUPONT^MARIE")
    assert (item.field, item.content) == (5, "DUPONT^MARIE")
    assert MimeType.parse("Text/Plain; charset=utf-8").essence == "text/plain"


@pytest.mark.parametrize(
    ("text", "first_second"),
    [
        ("2024", "20240101000000"),
        ("202402", "20240201000000"),
        ("20240229", "20240229000000"),
        ("2024022913", "20240229130000"),
        ("202402291307", "20240229130700"),
        ("20240229130709", "20240229130709"),
    ],
)
def test_the_first_second_that_a_time_covers(text: str, first_second: str) -> None:
    assert Dtm.parse(text).lower_bound() == first_second
    assert Dtm.parse(text).precision == len(text)


def test_a_patient_identifier_can_be_made_of_its_parts() -> None:
    assert str(Cx.of("279035121518989", OID)) == f"279035121518989^^^&{OID}&ISO"
    with pytest.raises(DataTypeError):
        Cx.of("279035121518989", "no OID")
