"""Why the record's law refuses something, one class per reason, each with the code that callers are given.

    DmpError
      DMPFound                          an active record exists
      DMPClosed                         the record is closed
      DMPNotFound                       there is no record
      DMPPatientAccessAlreadyExists     the patient has an internet account
      DMPPatientAccessOTPAlreadyExists  the account has a channel of that kind
      DMPPatientAccessNotFound          no internet account, or no channel of that kind
      DMPAccessDeniedByRightsService    whoever asks may not
        NotADoctor                      only a doctor is médecin traitant
        Blocked                         the patient has blocked whoever asks
        PatientOpposed                  the patient is opposed to this way in
        NoConsent                       the patient's consent was not gathered
        NotEligible                     a dated rule refuses this patient a record
      DMPInvalidRequest                 what was given cannot be
        NoVitaleReading                 the patient's Vitale card was not read
        VitaleReadingTooOld             it was read long ago, and nothing says why
        IdentityMismatch                the card is about somebody else
        InsInvalid                      no national health identifier, or its key is wrong
        ReasonMissing                   a reason is wanted, and none is given
        TooLong                         a text is longer than what is kept
        IdentifierTaken                 the identifier is another record's
        SheetChanged                    somebody else amended the sheet meanwhile
      LegalHold                         the record must not be destroyed
      DestructionUnderWay               the record was destroyed, its documents not yet
      NotDue                            the record is not to be destroyed yet
      TooManyAttempts                   an account or a network address asked too often

`DMPFound`, `DMPClosed`, `DMPPatientAccessAlreadyExists`, `DMPPatientAccessOTPAlreadyExists` and
`DMPAccessDeniedByRightsService` are codes of the French service; the others are ours, in its manner. No message
repeats a value of the request: these errors may be logged.
"""

from __future__ import annotations

from typing import ClassVar


class DmpError(Exception):
    """A refusal by the record's law. `code` is what the caller is given, `text` tells a person what is wrong."""

    code: ClassVar[str] = "DMPInvalidRequest"
    text: ClassVar[str] = "The request is refused."

    def __init_subclass__(cls) -> None:
        if "code" not in cls.__dict__ and cls.__name__.startswith("DMP"):
            cls.code = cls.__name__

    def __init__(self, text: str | None = None) -> None:
        super().__init__(text or self.text)

    def __str__(self) -> str:
        return str(self.args[0])


class DMPFound(DmpError):
    """An active record exists: nothing is to be opened or reactivated."""

    text = "The patient has an active record."


class DMPClosed(DmpError):
    """The record is closed: it can be reactivated, with the patient's consent."""

    text = "The record is closed."


class DMPNotFound(DmpError):
    """The patient has no record, or not any more."""

    text = "The patient has no record."


class DMPPatientAccessAlreadyExists(DmpError):
    """The patient has an internet account: its login information can be made anew."""

    text = "The patient has an internet account."


class DMPPatientAccessOTPAlreadyExists(DmpError):
    """The account has a channel of that kind: it can be changed or suppressed."""

    text = "The account has a channel of that kind."


class DMPPatientAccessNotFound(DmpError):
    """The patient has no internet account, or it has no channel of that kind."""

    text = "There is no such internet account or channel."


class DMPAccessDeniedByRightsService(DmpError):
    """Whoever asks may not do so."""

    text = "Access is denied."


class NotADoctor(DMPAccessDeniedByRightsService):
    """Only a doctor (profession 10 of TRE_G15) can be médecin traitant of a record."""

    text = "Only a doctor can be médecin traitant."


class Blocked(DMPAccessDeniedByRightsService):
    """The patient has blocked whoever asks, or their structure: there is no way in."""

    text = "The patient has blocked this professional or structure."


class PatientOpposed(DMPAccessDeniedByRightsService):
    """The patient is opposed to being reached this way (break-glass, or the emergency call centre)."""

    text = "The patient is opposed to this way of access."


class NoConsent(DMPAccessDeniedByRightsService):
    """Nothing is opened or reactivated without the patient's consent, stated explicitly."""

    text = "The patient's consent is missing."


class NotEligible(DMPAccessDeniedByRightsService):
    """A dated rule refuses this patient a record; `rule` is its name in `records/rules.toml`."""

    text = "This patient cannot have a record."

    def __init__(self, rule: str) -> None:
        super().__init__(f"{self.text} Rule: {rule}.")
        self.rule = rule


class DMPInvalidRequest(DmpError):
    """What was given cannot be."""


class NoVitaleReading(DMPInvalidRequest):
    """A record is opened or reactivated from a reading of the patient's Vitale card only."""

    text = "The patient's Vitale card was not read."


class VitaleReadingTooOld(DMPInvalidRequest):
    """The card was read long ago, or later than now; deferred use must be justified."""

    text = "The reading of the Vitale card is not of now, and its deferred use is not justified."


class IdentityMismatch(DMPInvalidRequest):
    """The card that was read is about somebody else than the patient named."""

    text = "The Vitale card and the patient named do not agree."


class InsInvalid(DMPInvalidRequest):
    """No national health identifier, or one whose key is not its own."""

    text = "The patient's national identifier is not valid."


class ReasonMissing(DMPInvalidRequest):
    """A reason is wanted, and none is given."""

    text = "A reason must be given."


class TooLong(DMPInvalidRequest):
    """A text is longer than what is kept, or there are too many of something."""

    text = "A value is too long."


class IdentifierTaken(DMPInvalidRequest):
    """The identifier is another record's: merging is for patients who turn out to be one."""

    text = "The identifier belongs to another record."


class SheetChanged(DMPInvalidRequest):
    """The sheet was amended since it was read: nothing is overwritten that nobody has seen."""

    text = "The patient's sheet was changed meanwhile."


class LegalHold(DmpError):
    """The record is kept for a court or an inquiry: it must not be destroyed."""

    code = "DMPLegalHold"
    text = "The record is under a legal hold."


class DestructionUnderWay(DmpError):
    """The record was destroyed, and its documents are being removed: nothing begins for this patient meanwhile."""

    code = "DMPDestructionUnderWay"
    text = "The documents of a destroyed record are being removed."


class NotDue(DmpError):
    """The record is not to be destroyed yet."""

    code = "DMPNotDue"
    text = "The record is not due for destruction."


class TooManyAttempts(DmpError):
    """Codes were asked for, or tried, too often for one account or from one network address."""

    code = "DMPTooManyAttempts"
    text = "Too many attempts: try again later."
