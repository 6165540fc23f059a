"""Codes as stored queries write them (ITI TF-2: 3.18.4.1.2.3.4)."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.datatypes.error import DataTypeError


@dataclass(frozen=True, slots=True)
class CodedValueRef:
    """A code and its coding scheme: `code^^scheme`."""

    code: str
    scheme: str

    @classmethod
    def parse(cls, text: str) -> CodedValueRef:
        """Raises DataTypeError; code and scheme are both required and what is between them is empty."""
        parts = text.split("^")
        if len(parts) != 3 or parts[1]:
            raise DataTypeError("Code", text, "code^^scheme is expected")
        if not parts[0].strip() or not parts[2].strip():
            raise DataTypeError("Code", text, "code and coding scheme are both required")
        return cls(parts[0], parts[2])

    def __str__(self) -> str:
        return f"{self.code}^^{self.scheme}"
