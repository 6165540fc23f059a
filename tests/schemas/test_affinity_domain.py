"""The built-in domains, domains of one's own, and what is said about a malformed one."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.affinity_domain import (
    BUILT_IN_DOMAINS,
    AffinityDomain,
    AffinityDomainError,
    CodedAttribute,
    load_affinity_domain,
)
from schemas.value_sets import load_value_set
from schemas.vocabulary import AvailabilityStatus

INS_NIR = "1.2.250.1.213.1.4.8"
SMALLEST = 'name = "Example"\npatient_authorities = ["1.2.3"]\n'


def written(directory: Path, text: str) -> Path:
    path = directory / "domain.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_plain_domain_limits_nothing() -> None:
    domain = load_affinity_domain("ihe")
    assert domain.name == "IHE"
    assert all(domain.permits(attribute, "anything", "any scheme") for attribute in CodedAttribute)
    assert domain.permits_mime_type("application/x-unheard")
    assert domain.permits_language("tlh")


def test_the_french_domain_takes_the_national_codes_and_no_others() -> None:
    domain = load_affinity_domain("ci-sis")
    limited = {
        CodedAttribute.TYPE_CODE: "JDV_J07-XdsTypeCode-CISIS",
        CodedAttribute.HEALTHCARE_FACILITY_TYPE_CODE: "JDV_J02-XdsHealthcareFacilityTypeCode-CISIS",
        CodedAttribute.PRACTICE_SETTING_CODE: "JDV_J04-XdsPracticeSettingCode-CISIS",
        CodedAttribute.CONFIDENTIALITY_CODE: "JDV_J08-XdsConfidentialityCode-CISIS",
    }
    for attribute, name in limited.items():
        for concept in load_value_set(name).concepts:
            assert domain.permits(attribute, concept.code, concept.scheme)
            assert not domain.permits(attribute, concept.code, "1.2.3")
        assert not domain.permits(attribute, "UNHEARD", "1.2.250.1.213.1.1.4.12")
    assert domain.permits(CodedAttribute.CLASS_CODE, "11", "1.2.250.1.213.1.1.4.1")
    assert not domain.permits(CodedAttribute.CLASS_CODE, "99", "1.2.250.1.213.1.1.4.1")
    for free in ("FORMAT_CODE", "EVENT_CODE_LIST", "CONTENT_TYPE_CODE", "FOLDER_CODE_LIST"):
        assert domain.permits(CodedAttribute[free], "anything", "any scheme")


def test_the_french_domain_identifies_patients_by_the_national_identity() -> None:
    domain = load_affinity_domain("ci-sis")
    assert domain.patient_authority == INS_NIR
    assert INS_NIR in domain.patient_authorities
    assert "1.3.6.1.4.1.21367.13.20.1000" not in domain.patient_authorities


def test_media_types_are_compared_without_case_and_parameters() -> None:
    domain = load_affinity_domain("ci-sis")
    assert domain.permits_mime_type("Text/XML; charset=utf-8")
    assert not domain.permits_mime_type("application/x-msdownload")


def test_documents_are_archived_and_deleted_where_the_domain_says_so(tmp_path: Path) -> None:
    plain = {AvailabilityStatus.APPROVED, AvailabilityStatus.DEPRECATED}
    assert load_affinity_domain("ihe").availability_statuses == plain
    assert load_affinity_domain("ci-sis").availability_statuses == set(AvailabilityStatus)
    own = written(tmp_path, SMALLEST + 'availability_statuses = ["Deprecated", "Approved", "Archived"]\n')
    assert load_affinity_domain(own).availability_statuses == plain | {AvailabilityStatus.ARCHIVED}


def test_languages_are_compared_without_case(tmp_path: Path) -> None:
    domain = load_affinity_domain(written(tmp_path, SMALLEST + 'languages = ["fr-FR"]\n'))
    assert domain.permits_language("FR-fr")
    assert not domain.permits_language("fr")


def test_a_domain_of_ones_own_mixes_shipped_sets_own_sets_and_codes(tmp_path: Path) -> None:
    (tmp_path / "own.tsv").write_text("# OWN\t1.2.3\t-\nX\t1.9\tx\n", encoding="utf-8")
    text = (
        SMALLEST
        + 'patient_namespace = "EX"\n[codes.typeCode]\nvalue_sets = ["own.tsv", "TRE_A08-HL7Confidentiality"]\n'
        + 'schemes."1.7" = ["A", "B"]\n'
    )
    domain = load_affinity_domain(written(tmp_path, text))
    assert domain.patient_namespace == "EX"
    expected = {("X", "1.9"), ("A", "1.7"), ("B", "1.7")} | load_value_set("TRE_A08-HL7Confidentiality").codes()
    assert domain.codes == {CodedAttribute.TYPE_CODE: expected}


def test_the_patient_authorities_of_a_site_take_the_place_of_the_files(tmp_path: Path) -> None:
    path = written(tmp_path, SMALLEST + 'patient_namespace = "EX"\n')
    domain = load_affinity_domain(path, patient_authorities=["1.2.9", "1.2.10"])
    assert (domain.patient_authority, domain.patient_authorities) == ("1.2.9", {"1.2.9", "1.2.10"})
    assert domain.patient_namespace is None
    named = load_affinity_domain(path, patient_authorities=["1.2.9"], patient_namespace="NEW")
    assert named.patient_namespace == "NEW"


def test_a_domain_cannot_be_changed() -> None:
    domain: AffinityDomain = load_affinity_domain("ci-sis")
    with pytest.raises(TypeError):
        domain.codes[CodedAttribute.TYPE_CODE] = frozenset()  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "key", "accepted"),
    [
        ("", "patient_authorities", "a list of texts, at least one"),
        ('patient_authorities = ["1.2.3"]', "name", "a text that is not empty"),
        ('name = " "\npatient_authorities = ["1.2.3"]', "name", "a text that is not empty"),
        ('name = 7\npatient_authorities = ["1.2.3"]', "name", "a text that is not empty"),
        ('name = "x"\npatient_authorities = "1.2.3"', "patient_authorities", "a list of texts, at least one"),
        ('name = "x"\npatient_authorities = []', "patient_authorities", "a list of texts, at least one"),
        ('name = "x"\npatient_authorities = ["1.2.x"]', "patient_authorities", "OIDs in dotted notation"),
        ('name = "x"\npatient_authorities = ["urn:oid:1.2"]', "patient_authorities", "OIDs in dotted notation"),
        (f'name = "x"\npatient_authorities = ["1.{"2" * 63}"]', "patient_authorities", "at most 64 characters"),
        (SMALLEST + "patient_namespace = 1", "patient_namespace", "a text that is not empty"),
        (SMALLEST + 'mime_types = "text/xml"', "mime_types", "a list of texts, at least one"),
        (SMALLEST + "mime_types = []", "mime_types", "a list of texts, at least one"),
        (
            SMALLEST + 'availability_statuses = ["Approved", "Gone"]',
            "availability_statuses",
            "Approved and Deprecated, and further ones among Archived, Deleted",
        ),
        (SMALLEST + "languages = [1]", "languages", "a list of texts, at least one"),
        (SMALLEST + 'colour = "blue"', "colour", "one of the keys name, patient_authorities"),
        (SMALLEST + "codes = 1", "codes", "a table with the keys classCode, typeCode"),
        (SMALLEST + "[codes.classcode]\nvalue_sets = []", "codes.classcode", "one of the keys classCode, typeCode"),
        (SMALLEST + "[codes]\nclassCode = 1", "codes.classCode", "one or both of the keys value_sets, schemes"),
        (SMALLEST + "[codes.classCode]", "codes.classCode", "one or both of the keys value_sets, schemes"),
        (SMALLEST + "[codes.classCode]\nsets = []", "codes.classCode.sets", "one of the keys value_sets, schemes"),
        (
            SMALLEST + "[codes.classCode]\nvalue_sets = []",
            "codes.classCode.value_sets",
            "a list of texts, at least one",
        ),
        (
            SMALLEST + '[codes.classCode]\nvalue_sets = ["no"]',
            "codes.classCode.value_sets",
            "JDV_J07-XdsTypeCode-CISIS",
        ),
        (
            SMALLEST + "[codes.classCode]\nschemes = 1",
            "codes.classCode.schemes",
            "a list of codes for each codingScheme",
        ),
        (SMALLEST + '[codes.classCode]\nschemes."1.2" = "A"', 'codes.classCode.schemes."1.2"', "a list of texts"),
        ("name = ", "file", "valid TOML"),
    ],
)
def test_a_malformed_domain_is_refused_with_the_key_and_what_is_accepted(
    tmp_path: Path, text: str, key: str, accepted: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(AffinityDomainError) as refused:
        load_affinity_domain(path)
    assert refused.value.key == key
    assert accepted in refused.value.accepted
    assert str(path) in str(refused.value)
    assert key in str(refused.value)


def test_a_set_that_cannot_be_read_says_which_line_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "own.tsv").write_text("# OWN\t1.2.3\t-\nX\n", encoding="utf-8")
    with pytest.raises(AffinityDomainError) as refused:
        load_affinity_domain(written(tmp_path, SMALLEST + '[codes.typeCode]\nvalue_sets = ["own.tsv"]'))
    assert "own.tsv line 2" in refused.value.accepted


def test_an_absent_file_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    with pytest.raises(AffinityDomainError) as refused:
        load_affinity_domain(tmp_path / "absent.toml")
    assert all(name in refused.value.accepted for name in BUILT_IN_DOMAINS)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "domain.toml"
    path.write_bytes(b'name = "\xe9"')
    with pytest.raises(AffinityDomainError) as refused:
        load_affinity_domain(path)
    assert "UTF-8" in refused.value.accepted
