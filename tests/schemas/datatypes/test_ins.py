"""INS: the key of a NIR, Corsica, and the INS-C computed from a card."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.datatypes import DataTypeError, InsAuthority, InsC, Nir, check_ins, nir_key

BODIES = st.from_regex(r"[1-478][0-9]{4}([0-9]{2}|2[AB])[0-9]{6}", fullmatch=True).filter(str.isascii)


@pytest.mark.parametrize(
    "number", ["207058575627097", "153078987658513", "279035121518989", "277076322082910", "124018852493334"]
)
def test_the_sample_numbers_have_their_keys(number: str) -> None:
    assert str(Nir.parse(number)) == number


@given(BODIES)
def test_a_completed_number_is_read_and_every_other_key_refused(body: str) -> None:
    nir = Nir.with_key(body)
    assert Nir.parse(str(nir)) == nir
    for key in range(100):
        if f"{key:02d}" != nir.value[13:]:
            with pytest.raises(DataTypeError):
                Nir.parse(f"{body}{key:02d}")


@given(BODIES.filter(lambda body: body[6].isalpha()))
def test_corsica_counts_as_the_registers_subtraction_says(body: str) -> None:
    subtract = 1_000_000 if body[6] == "A" else 2_000_000
    assert nir_key(body) == 97 - (int(body[:6] + "0" + body[7:]) - subtract) % 97


@given(st.text(max_size=24))
def test_any_other_text_is_refused_as_a_data_type(text: str) -> None:
    for authority in InsAuthority:
        with suppress(DataTypeError):
            assert str(check_ins(authority, text)) == text


def test_the_published_vector_of_the_ins_c() -> None:
    computed = InsC.compute("Jean", "500801", Nir.parse("150081505104018"))
    assert str(computed) == "1541187387477485562488"


@pytest.mark.parametrize("name", ["JEAN", "jean", "Jéan", "Je-an", " J.ean "])
def test_accents_case_and_signs_change_nothing(name: str) -> None:
    nir = Nir.parse("150081505104018")
    assert InsC.compute(name, "500801", nir) == InsC.compute("JEAN", "500801", nir)


@given(st.text("ABCÉéœ -'", min_size=1).filter(lambda name: name.strip(" -'")), BODIES)
def test_what_is_computed_is_read_again(name: str, body: str) -> None:
    computed = InsC.compute(name, "000000", Nir.with_key(body))
    assert InsC.parse(str(computed)) == computed


def test_a_number_does_not_show_in_what_is_printed() -> None:
    assert "5104" not in repr(Nir.parse("150081505104018"))
