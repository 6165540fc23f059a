"""The one error of the data types."""

from __future__ import annotations


class DataTypeError(ValueError):
    """A text is not a value of a data type.

    `type_name` is the standard's name of the type, `value` the text as received, `reason` what is wrong with it. The
    message holds no value, so that it can be logged.
    """

    def __init__(self, type_name: str, value: str, reason: str) -> None:
        super().__init__(f"{type_name}: {reason}")
        self.type_name = type_name
        self.value = value
        self.reason = reason
