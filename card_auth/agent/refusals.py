"""What the agent answers when it does not do what a page asks: a status, a stable code, words for people."""

from __future__ import annotations

import enum
from http import HTTPStatus


class Refusal(enum.Enum):
    """Why a request is refused, with its HTTP status."""

    MALFORMED = HTTPStatus.BAD_REQUEST, "The request is not one that the agent understands."
    WRONG_HOST = HTTPStatus.MISDIRECTED_REQUEST, "The agent answers to its loopback address only."
    FOREIGN_ORIGIN = HTTPStatus.FORBIDDEN, "This page may not use the card reader."
    NO_SESSION = HTTPStatus.UNAUTHORIZED, "The page needs a session that was confirmed on the workstation."
    UNKNOWN_PATH = HTTPStatus.NOT_FOUND, "The agent has no such service."
    WRONG_METHOD = HTTPStatus.METHOD_NOT_ALLOWED, "This service is asked in another way."
    LENGTH_MISSING = HTTPStatus.LENGTH_REQUIRED, "The request does not say how long it is."
    TOO_LARGE = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request is too large."
    NOT_JSON = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The agent takes application/json only."
    NOT_CONFIRMED = HTTPStatus.FORBIDDEN, "It was not confirmed on the workstation."
    BUSY = HTTPStatus.CONFLICT, "A question is open on the workstation: answer it first."
    TOO_MANY = HTTPStatus.SERVICE_UNAVAILABLE, "The agent has too much to do."
    BROKEN = HTTPStatus.INTERNAL_SERVER_ERROR, "The agent could not do it."

    @property
    def status(self) -> HTTPStatus:
        """The status of the answer."""
        return self.value[0]

    @property
    def summary(self) -> str:
        """In words."""
        return self.value[1]

    @property
    def code(self) -> str:
        """For programs, such as `foreign-origin`."""
        return self.name.lower().replace("_", "-")


class Refused(Exception):
    """A request that the agent does not fulfil. `detail` repeats nothing of the request."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        self.refusal = refusal
        self.detail = detail
        super().__init__(f"{refusal.summary} {detail}".strip())
