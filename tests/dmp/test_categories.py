"""Every document is shown under one rubric, or under none for a reason that the file states."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, Text, select

from dmp.categories import CategoriesError, Category, category_of, read_codes, selection_of
from schemas.value_sets import load_value_set
from tests.examples import some
from xds_registry.database import open_database

CLASSES = [f"{code}^^1.2.250.1.213.1.1.4.1" for code in (10, 11, 31, 42, 43, 44, 45, 52, 60, 90, 95)]
SIGNATURE = "urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1^^URN"
TYPES = {c.code: f"{c.code}^^{c.scheme}" for c in load_value_set("JDV_J07-XdsTypeCode-CISIS").concepts}
LOINC = "2.16.840.1.113883.6.1"

#: The types of JDV_J07 and those of 2012 by class (ASS_X04 and ASS_X16), but for those that are shown elsewhere.
BY_CLASS = {
    ("10", Category.REPORT): """11488-4 11490-0 11505-5 11506-3 15507-7 15508-5 28617-9 28653-4 29274-8 34112-3 34120-6
        34749-2 34794-8 34874-8 34875-5 47420-5 59283-2 67851-6 70004-7 75496-0 77436-4 78513-9 78601-2 83981-1 85208-7
        89233-1 93024-8 96349-6 BIL_AUTO DOCPAT03 11493-4 46241-6 27899-4 24611-6 10213-7""",
    ("10", Category.LABORATORY): "11502-2 51969-4 60568-3 DOCPAT05 11526-1",
    ("10", Category.PREVENTION): "75482-0 75492-9 DOCPAT06 39256-3 29554-3",
    ("10", Category.IMAGING): "11528-7",
    ("11", Category.SUMMARY): """18761-7 34133-9 34842-5 56445-0 57055-6 57057-2 57075-4 60280-5 60591-5 68599-0 68817-6
        74207-2 78341-5 78489-2 80820-4 83836-7 83901-9 88348-8 89235-6 SYNTH DOCPAT01 DOCPAT08 EXPORT_DUI""",
    ("31", Category.IMAGING): "18748-4 52040-3 IMG-KOS DOCPAT04",
    ("42", Category.TREATMENT): """55115-0 57828-6 57832-8 57833-6 61357-0 75468-9 DOCPAT02 PRESC-AAT PRESC-BIO
        PRESC-KINE PRESC-INF PRESC-PEDI PRESC-ORTHOPHO PRESC-ORTHOPTIE 29551-9 52521-2 52063-5""",
    ("43", Category.TREATMENT): "60593-1 DISP_AUT 29550-1",
    ("44", Category.TREATMENT): "18776-5 77604-7 80771-9 80788-3 83869-8 PROT_ALD",
    ("45", Category.TREATMENT): "80565-5",
    ("52", Category.CERTIFICATE): "89601-9 96874-3 CERT_DECL DOCPAT07",
    ("52", Category.PREVENTION): "11369-6 87273-9 96173-0",
    ("60", None): "REMB",
    ("90", Category.PERSONAL): "74465-6 EXPPAT_1 EXPPAT_2 EXPPAT_3",
    ("95", None): """59284-0 86531-1 51851-4 56446-8 AUTORIS-SOINS ATTEST-RESID ATTEST-DROITS-AM ATTEST-ASS-COMPL
        ATTEST-HEBGT DOCPAT09 FICHE-CONTACTS INSCR_RCP""",
}
#: Which class they come with is not laid down.
ANY_CLASS = {"101881-1", "E1762", "FEUILLE-DE-STYLE", "PIECE-IDENTITE"}


def type_text(code: str) -> str:
    return TYPES.get(code) or f"{code}^^{LOINC if code[0].isdigit() else '1.2.250.1.213.1.1.4.12'}"


@pytest.mark.parametrize(("class_code", "expected", "types"), [(*key, types) for key, types in BY_CLASS.items()])
def test_each_type_is_shown_where_it_belongs(class_code: str, expected: Category | None, types: str) -> None:
    class_text = next(text for text in CLASSES if text.startswith(f"{class_code}^^"))
    assert {code: category_of(class_text, type_text(code)) for code in types.split()} == dict.fromkeys(
        types.split(), expected
    )


def test_no_type_of_the_value_set_is_forgotten() -> None:
    assert TYPES.keys() - set(" ".join(BY_CLASS.values()).split()) == ANY_CLASS


CODES = st.sampled_from([*TYPES.values(), *map(type_text, ("11528-7", "29554-3", "39256-3", "11526-1"))]) | st.text(
    max_size=12
)


@settings(max_examples=some(500))
@given(st.sampled_from([*CLASSES, SIGNATURE]) | st.text(max_size=12), CODES)
def test_a_document_is_of_the_one_category_whose_selection_holds_it_or_of_none(class_code: str, type_code: str) -> None:
    holding = [category for category in Category if selection_of(category).holds(class_code, type_code)]
    assert holding == [found for found in [category_of(class_code, type_code)] if found is not None]


def test_management_and_signatures_are_shown_nowhere_whatever_their_type() -> None:
    for type_code in TYPES.values():
        assert category_of(CLASSES[-1], type_code) is None
        assert category_of(SIGNATURE, type_code) is None
    assert {category_of(one, TYPES["E1762"]) for one in CLASSES} == {None}


def test_a_code_of_another_system_decides_nothing() -> None:
    assert category_of("11^^1.2.3", f"11502-2^^{LOINC}x") is None
    assert category_of("10^^1.2.250.1.213.1.1.4.1", f"11502-2^^{LOINC}x") is Category.REPORT


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_selection_selects_the_same_in_a_database(request: pytest.FixtureRequest, database: str) -> None:
    pairs = [(one, other) for one in [*CLASSES, SIGNATURE, "x^^y"] for other in [*TYPES.values(), "x^^y"]]
    entry = Table("entry", MetaData(), Column("class_code", Text), Column("type_code", Text))
    url = "sqlite://" if database == "sqlite" else request.getfixturevalue("postgresql_url")
    engine = open_database(url)
    with engine.connect() as connection:
        entry.create(connection)
        connection.execute(entry.insert(), [{"class_code": one, "type_code": other} for one, other in pairs])
        for category in Category:
            clause = selection_of(category).clause(entry.c.class_code, entry.c.type_code)
            found = {tuple(row) for row in connection.execute(select(entry).where(clause))}
            assert found == {pair for pair in pairs if category_of(*pair) is category}
            assert found
    engine.dispose()


def test_every_category_has_a_name_of_its_own_in_both_languages() -> None:
    assert len({category.french for category in Category}) == len({category.english for category in Category}) == 8


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[schemes]\nclass = "1"\n[summary]\nclass = ["1"]\n[report]\nclass = ["1"]', "report.class: 1"),
        ('[schemes]\n[other]\nclass = ["1"]', "other: expected"),
        ('[schemes]\n[summary]\nclass = ["1"]', "summary.class: expected"),
    ],
)
def test_a_file_that_is_wrong_is_refused(text: str, said: str) -> None:
    with pytest.raises(CategoriesError, match=said):
        read_codes(text)
