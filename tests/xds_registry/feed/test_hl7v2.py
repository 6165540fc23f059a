"""Reading HL7 V2."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xds_registry.feed.hl7v2 import MAX_SEGMENTS, Delimiters, ErrorCode, Hl7Refused, read_header, read_message

HEAD = "MSH|^~\\&|A|B|C|D|20260101||ADT^A01|1|P|2.5"


def refusal(data: bytes) -> Hl7Refused:
    with pytest.raises(Hl7Refused) as refused:
        read_message(data)
    return refused.value


def test_fields_are_counted_as_the_standard_counts_them() -> None:
    message = read_message(f"{HEAD}\rPID|1||x~y\r".encode())
    assert message.header.field(2) == "^~\\&"
    assert message.header.field(9) == "ADT^A01"
    assert message.header.field(12) == "2.5"
    assert message.header.field(18) == ""
    assert message.named("PID")[0].field(1) == "1"
    assert message.named("PID")[0].repetitions(3, 5) == ["x", "y"]


def test_a_message_may_choose_its_delimiters() -> None:
    message = read_message(b'MSH!@#$%!A!B!C!D!2026!!ADT@A40!1!P!2.5\rPID!!!7$S$8@@@%1.2%ISO#""\r')
    pid = message.named("PID")[0]
    (only,) = pid.repetitions(3, 5)
    assert pid.subcomponent(pid.component(only, 1), 1) == "7@8"
    assert pid.subcomponent(pid.component(only, 4), 2) == "1.2"


def test_an_explicit_null_is_no_value() -> None:
    message = read_message(f'{HEAD}\rPID|||""\r'.encode())
    assert message.named("PID")[0].field(3) == ""
    assert message.named("PID")[0].repetitions(3, 5) == []


@pytest.mark.parametrize(
    ("declared", "codec"), [("", "ascii"), ("ASCII", "ascii"), ("8859/1", "latin-1"), ("UNICODE UTF-8", "utf-8")]
)
def test_the_declared_character_set_is_read(declared: str, codec: str) -> None:
    name = "GÉRARD" if codec != "ascii" else "GERARD"
    data = f"{HEAD}||||||{declared}\rPID|||{name}\r".encode(codec)
    assert read_message(data).named("PID")[0].field(3) == name


def test_text_outside_the_declared_character_set_is_refused() -> None:
    refused = refusal(f"{HEAD}||||||UNICODE UTF-8\rPID|||É\r".encode("latin-1"))
    assert (refused.code, refused.field) == (ErrorCode.DATA_TYPE, 18)


def test_an_unknown_character_set_is_refused() -> None:
    assert refusal(f"{HEAD}||||||ISO IR87\rPID|||1\r".encode()).code is ErrorCode.TABLE_VALUE_NOT_FOUND


def test_without_a_character_set_foreign_bytes_elsewhere_do_no_harm() -> None:
    message = read_message(f"{HEAD}\rPID|||1||G\xc9RARD\r".encode("latin-1"))
    assert message.named("PID")[0].field(3) == "1"
    assert not message.named("PID")[0].field(5).isprintable()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PID|||1\r",
        b"MSH",
        b"MSH|^~\\",
        b"MSH||||||||\r",
        b"MSH|^^^^|A\r",
        b"MSH|^~\\|A\r",
        b"MSHA^~\\&A\r",
        b"MSH|^~\\&#|A\r",
        b"MSH|^~\\\xff|A\r",
        HEAD.encode() + b"\rPID|||\x00\r",
        HEAD.encode() + b"\rP\r",
        HEAD.encode() + b"\rpid|||1\r",
        HEAD.encode() + b"\rPIDX||1\r",
        HEAD.encode() + b"\r" + HEAD.encode() + b"\r",
        HEAD.encode() + b"\rPV1" * (MAX_SEGMENTS + 1),
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    refused = refusal(data)
    assert refused.reason


def test_a_field_that_repeats_too_often_is_refused() -> None:
    message = read_message(f"{HEAD}\rPID|||{'~' * 500_000}\r".encode())
    with pytest.raises(Hl7Refused):
        message.named("PID")[0].repetitions(3, 100)


def test_hexadecimal_escapes_are_read_and_formatting_stays() -> None:
    assert Delimiters().unescaped("a\\X2D\\b\\.br\\c\\X2\\") == "a-b\\.br\\c\\X2\\"


@given(st.text())
def test_what_is_escaped_comes_back(text: str) -> None:
    kept = "".join(c if c >= " " else " " for c in text)
    escaped = Delimiters().escaped(text)
    assert not set(escaped) & set("|^~&")
    assert Delimiters().unescaped(escaped) == kept


@given(st.permutations("|^~\\&!#$%@*+").map(lambda c: "".join(c[:5])), st.text("|^~\\&!#$%@*+AX1", max_size=30))
def test_any_five_delimiters_keep_a_value_apart(characters: str, value: str) -> None:
    delimiters = Delimiters.parse(characters)
    f = delimiters.field
    head = f"MSH{characters}{f}A{f}B{f}C{f}D{f}2026{f}{f}ADT{f}1{f}P{f}2.5\r"
    message = read_message(f"{head}PID{f}{f}{f}{delimiters.escaped(value)}x\r".encode())
    pid = message.named("PID")[0]
    assert pid.subcomponent(pid.component(pid.field(3), 1), 1) == value + "x"


@given(st.one_of(st.binary(), st.binary().map(lambda tail: HEAD.encode() + b"\r" + tail), st.text().map(str.encode)))
def test_no_input_escapes_as_anything_but_a_refusal(data: bytes) -> None:
    read_header(data)
    with suppress(Hl7Refused):
        assert read_message(data).header.name == "MSH"
