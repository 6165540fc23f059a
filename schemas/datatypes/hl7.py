"""HL7 V2 fields as XDS metadata uses them: fixed separators, components and sub-components (ITI TF-3: 4.2.3.1.7)."""

from __future__ import annotations

from typing import Final

_ESCAPES: Final = {"F": "|", "S": "^", "T": "&", "R": "~", "E": "\\"}
_UNESCAPED: Final = {char: f"\\{code}\\" for code, char in _ESCAPES.items()}


class DataTypeError(ValueError):
    """A text is not a value of a data type. `reason` tells why without repeating `value`."""

    def __init__(self, type_name: str, value: str, reason: str) -> None:
        super().__init__(f"{type_name}: {reason}")
        self.type_name = type_name
        self.value = value
        self.reason = reason


def components(text: str) -> list[str]:
    """The components of a field, still escaped; trailing empty ones are dropped (HL7 V2.5: 2.10)."""
    parts = text.split("^")
    while len(parts) > 1 and not parts[-1].strip("&"):
        parts.pop()
    return parts


def subcomponents(component: str) -> list[str]:
    """The sub-components of a component, still escaped; trailing empty ones are dropped."""
    parts = component.split("&")
    while len(parts) > 1 and not parts[-1]:
        parts.pop()
    return parts


def at(parts: list[str], number: int) -> str:
    """Component `number`, counted from 1; empty when it is absent."""
    return parts[number - 1] if number <= len(parts) else ""


def unescape(text: str) -> str:
    r"""Text without the escapes \F\ \S\ \T\ \R\ \E\; any other backslash stands for itself."""
    if "\\" not in text:
        return text
    out: list[str] = []
    position = 0
    while position < len(text):
        if text[position] == "\\" and text[position + 2 : position + 3] == "\\":
            replacement = _ESCAPES.get(text[position + 1])
            if replacement is not None:
                out.append(replacement)
                position += 3
                continue
        out.append(text[position])
        position += 1
    return "".join(out)


def escape(text: str) -> str:
    """Text with separators escaped, so that it is one component."""
    return "".join(_UNESCAPED.get(char, char) for char in text)
