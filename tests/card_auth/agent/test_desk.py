"""What is shown at the desk cannot pass itself off as something else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from card_auth.agent.desk import shown


@given(st.text(max_size=400))
def test_a_line_on_the_terminal_is_one_printable_line(text: str) -> None:
    line = shown(text)
    assert line.isprintable()
    assert len(line) <= 200


def test_control_characters_and_turned_writing_are_left_out() -> None:
    assert shown("a\x1b[2Jb\r\nc\u202ed\x00e") == "a[2Jbcde"
