"""RegistryResponse: the one place where errors become an answer, and where another system's answer is read.

Source: ITI TF-3: 4.2.4, ebRS 3.0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lxml import etree

from schemas import markup
from schemas.errors import XdsError, of_code
from schemas.vocabulary import RS, ResponseStatus, Severity

_STATUS = {status.value: status for status in ResponseStatus}


@dataclass(frozen=True, slots=True)
class RegistryOutcome:
    """What became of a request: its status and every error and warning on the way.

    `replayed` tells that the same submission had been accepted before and nothing was done again.
    """

    status: ResponseStatus
    errors: tuple[XdsError, ...] = ()
    replayed: bool = False

    @property
    def succeeded(self) -> bool:
        return self.status is ResponseStatus.SUCCESS

    @classmethod
    def success(cls, warnings: Iterable[XdsError] = ()) -> RegistryOutcome:
        """Success, perhaps with warnings: there is no status for warnings (ITI TF-3: 4.2.4.2)."""
        return cls(ResponseStatus.SUCCESS, tuple(warnings))

    @classmethod
    def failure(cls, errors: Iterable[XdsError]) -> RegistryOutcome:
        """Failure: at least one error of severity Error."""
        return cls(ResponseStatus.FAILURE, tuple(errors))


def error_list(errors: Iterable[XdsError]) -> str:
    """`rs:RegistryErrorList` for the errors, or nothing when there is none. Uses the prefix `rs`."""
    items = []
    highest = Severity.WARNING
    for error in errors:
        if error.severity is Severity.ERROR:
            highest = Severity.ERROR
        location = f' location="{markup.attribute(error.location)}"' if error.location else ""
        items.append(
            f'<rs:RegistryError errorCode="{markup.attribute(error.code)}" '
            f'codeContext="{markup.attribute(error.code_context)}"{location} severity="{error.severity.value}"/>'
        )
    if not items:
        return ""
    return f'<rs:RegistryErrorList highestSeverity="{highest.value}">{"".join(items)}</rs:RegistryErrorList>'


def registry_response(outcome: RegistryOutcome) -> bytes:
    """The `rs:RegistryResponse` of an outcome, as one self-contained element."""
    errors = error_list(outcome.errors)
    head = f'<rs:RegistryResponse xmlns:rs="{RS}" status="{outcome.status.value}"'
    return (f"{head}>{errors}</rs:RegistryResponse>" if errors else f"{head}/>").encode()


def read_registry_response(element: etree._Element) -> RegistryOutcome:
    """The outcome that another system's `rs:RegistryResponse` states.

    An unknown status is read as Failure: an answer that cannot be understood is no success.
    """
    errors = []
    for error in element.iter(f"{{{RS}}}RegistryError"):
        errors.append(
            of_code(
                error.get("errorCode", ""),
                error.get("codeContext", ""),
                location=error.get("location"),
                warning=error.get("severity", "").endswith(":Warning"),
            )
        )
    return RegistryOutcome(_STATUS.get(element.get("status", ""), ResponseStatus.FAILURE), tuple(errors))
