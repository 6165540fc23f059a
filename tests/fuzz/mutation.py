"""Making new inputs out of old ones: bytes, words of the format, and the pieces between its separators."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

#: Longer inputs find nothing that shorter ones do not, and cost more.
LONGEST = 16_384
_NUMBERS = (b"0", b"-1", b"1", b"63", b"64", b"65", b"255", b"256", b"65535", b"65536", b"99999999999999999999")
_BYTES = (b"\x00", b"\xff", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xef\xbf\xbf", b"\r", b"\n", b"\r\n", b"\t", b" ")


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a mutator knows of a format: words that mean something in it, and bytes that separate."""

    words: Sequence[bytes]
    separators: bytes


class Mutator:
    """Mutates inputs; the same seed gives the same inputs in the same order."""

    def __init__(self, grammar: Grammar, seed: int) -> None:
        self._grammar = grammar
        self._random = random.Random(seed)
        self._ways: tuple[Callable[[bytes, bytes], bytes], ...] = (
            self._flip,
            self._insert,
            self._word,
            self._word,
            self._delete,
            self._repeat,
            self._truncate,
            self._splice,
            self._swap_pieces,
            self._copy_piece,
            self._copy_piece,
            self._drop_piece,
            self._number,
        )

    def mutated(self, corpus: Sequence[bytes]) -> bytes:
        """A new input: one of the corpus, changed in one way or a few."""
        data, other = self._random.choice(corpus), self._random.choice(corpus)
        for _ in range(self._random.choice((1, 1, 1, 2, 3, 8))):
            data = self._random.choice(self._ways)(data, other)
        return data[:LONGEST]

    def _place(self, data: bytes) -> int:
        return self._random.randint(0, len(data))

    def _span(self, data: bytes, most: int = 64) -> tuple[int, int]:
        start = self._place(data)
        return start, min(len(data), start + self._random.randint(1, most))

    def _pieces(self, data: bytes) -> list[bytes]:
        """The data cut behind every separator: joined again it is the same."""
        separators = self._grammar.separators
        pieces: list[bytes] = []
        start = 0
        for position, byte in enumerate(data):
            if byte in separators:
                pieces.append(data[start : position + 1])
                start = position + 1
        return [*pieces, data[start:]]

    def _flip(self, data: bytes, other: bytes) -> bytes:
        if not data:
            return b"<"
        position = self._random.randrange(len(data))
        changed = data[position] ^ (1 << self._random.randrange(8))
        return data[:position] + bytes([changed]) + data[position + 1 :]

    def _insert(self, data: bytes, other: bytes) -> bytes:
        position = self._place(data)
        fresh = self._random.choice(_BYTES) if self._random.random() < 0.6 else self._random.randbytes(4)
        return data[:position] + fresh + data[position:]

    def _word(self, data: bytes, other: bytes) -> bytes:
        position = self._place(data)
        end = position if self._random.random() < 0.7 else self._span(data)[1]
        return data[:position] + self._random.choice(self._grammar.words) + data[max(end, position) :]

    def _delete(self, data: bytes, other: bytes) -> bytes:
        start, end = self._span(data)
        return data[:start] + data[end:]

    def _repeat(self, data: bytes, other: bytes) -> bytes:
        start, end = self._span(data, 24)
        return data[:end] + data[start:end] * self._random.choice((1, 2, 7, 70, 300)) + data[end:]

    def _truncate(self, data: bytes, other: bytes) -> bytes:
        return data[: self._place(data)]

    def _splice(self, data: bytes, other: bytes) -> bytes:
        return data[: self._place(data)] + other[self._place(other) :]

    def _swap_pieces(self, data: bytes, other: bytes) -> bytes:
        pieces = self._pieces(data)
        a, b = self._random.randrange(len(pieces)), self._random.randrange(len(pieces))
        pieces[a], pieces[b] = pieces[b], pieces[a]
        return b"".join(pieces)

    def _copy_piece(self, data: bytes, other: bytes) -> bytes:
        pieces = self._pieces(data)
        pieces.insert(self._random.randint(0, len(pieces)), self._random.choice(self._pieces(other)))
        return b"".join(pieces)

    def _drop_piece(self, data: bytes, other: bytes) -> bytes:
        pieces = self._pieces(data)
        del pieces[self._random.randrange(len(pieces))]
        return b"".join(pieces)

    def _number(self, data: bytes, other: bytes) -> bytes:
        digits = [position for position, byte in enumerate(data) if 0x30 <= byte <= 0x39]
        if not digits:
            return self._word(data, other)
        position = self._random.choice(digits)
        return data[:position] + self._random.choice(_NUMBERS) + data[position + 1 :]
