"""Whatever a card's files hold, reading them ends in values or in CardUnreadable."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from card_auth.errors import CardUnreadable
from card_auth.readers.vitale_content import read_identification, read_pointers, read_serial
from tests.services.virtual_cards import VITALE_AID, tlv, vitale_files

DIRECTORY = vitale_files(b"")[VITALE_AID][0x2001]
PERSON = tlv(0x65, tlv(0x80, b"MARTIN"), tlv(0x81, b"JEAN"), tlv(0x82, b"19500801"), tlv(0x93, b"150081505104018"))


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """That content with some octets changed, and cut."""
    octets = bytearray(content)
    for position in draw(st.lists(st.integers(0, len(octets) - 1), max_size=4)):
        octets[position] = draw(st.integers(0, 255))
    return bytes(octets[: draw(st.integers(0, len(octets)))])


@given(st.binary(max_size=300) | damaged(DIRECTORY) | damaged(PERSON * 3))
def test_no_content_escapes(content: bytes) -> None:
    for read in (read_identification, read_pointers, read_serial):
        with suppress(CardUnreadable):
            read(content)


def test_the_directory_names_each_file_with_its_application() -> None:
    assert [(file.name, file.identifier) for file in read_pointers(DIRECTORY)] == [
        ("EMPTY", 0xD001),
        ("IDENTIF", 0xD002),
        ("MISSING", 0xD003),
    ]


def test_a_person_does_not_show_in_what_is_printed() -> None:
    (person,) = read_identification(PERSON + b"\xff" * 20).beneficiaries
    assert "MARTIN" not in repr(person)
    assert "5104" not in repr(person)
