"""SOAP 1.2 faults: transport, envelope, addressing and security go wrong here; business errors ride in a response body.

A fault says what rule was broken, in our words, with a correlation id. It never repeats the message it answers.
"""

from __future__ import annotations

import enum
from typing import Final

from schemas import markup
from soap.vocabulary import FEUILLET, FOREIGN_HEADERS, SOAP12, SOAP_FAULT_ACTION, WSA, WSA_FAULT_ACTION, WSSE


class FaultCode(enum.StrEnum):
    """The codes of SOAP 1.2 part 1 §5.4.6 that we use."""

    SENDER = "Sender"
    RECEIVER = "Receiver"
    MUST_UNDERSTAND = "MustUnderstand"
    VERSION_MISMATCH = "VersionMismatch"


INVALID_HEADER: Final = f"{{{WSA}}}InvalidAddressingHeader"
INVALID_CARDINALITY: Final = f"{{{WSA}}}InvalidCardinality"
MISSING_ADDRESS: Final = f"{{{WSA}}}MissingAddressInEPR"
ONLY_ANONYMOUS: Final = f"{{{WSA}}}OnlyAnonymousAddressSupported"
ACTION_MISMATCH: Final = f"{{{WSA}}}ActionMismatch"
ACTION_NOT_SUPPORTED: Final = f"{{{WSA}}}ActionNotSupported"
HEADER_REQUIRED: Final = f"{{{WSA}}}MessageAddressingHeaderRequired"
INVALID_SECURITY: Final = f"{{{WSSE}}}InvalidSecurity"

# SOAP 1.2 part 2 §7.5.2.2, table 20.
_STATUS: Final = {
    FaultCode.SENDER: 400,
    FaultCode.RECEIVER: 500,
    FaultCode.MUST_UNDERSTAND: 500,
    FaultCode.VERSION_MISMATCH: 500,
}
_PREFIXES: Final = {WSA: "wsa", WSSE: "wsse"}


class SoapFault(Exception):
    """A fault to send, or one that was received.

    `reason` is shown to the peer: it must not hold anything of the request. `subcodes` are Clark names, outermost
    first. `problem_header` is the WS-Addressing header at fault, `not_understood` the Clark names of mandatory headers
    that nobody here knows. `http_status` follows the code unless it is given. `detail` is an element (serialised) that
    another standard puts into env:Detail, `action` the wsa:Action that it wants.
    """

    def __init__(
        self,
        code: FaultCode,
        reason: str,
        *,
        subcodes: tuple[str, ...] = (),
        http_status: int | None = None,
        problem_header: str | None = None,
        not_understood: tuple[str, ...] = (),
        detail: str = "",
        action: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.subcodes = subcodes
        self.http_status = _STATUS[code] if http_status is None else http_status
        self.problem_header = problem_header
        self.not_understood = not_understood
        self.detail = detail
        self._action = action

    @property
    def subcode(self) -> str | None:
        """The innermost subcode: the most precise name of the problem."""
        return self.subcodes[-1] if self.subcodes else None

    @property
    def action(self) -> str:
        """wsa:Action of the message that carries this fault."""
        if self._action is not None:
            return self._action
        return WSA_FAULT_ACTION if self.subcodes and self.subcodes[0].startswith(f"{{{WSA}}}") else SOAP_FAULT_ACTION


def sender(reason: str, *subcodes: str, http_status: int | None = None, problem_header: str | None = None) -> SoapFault:
    """A fault of the sender: the same message will fail again."""
    return SoapFault(
        FaultCode.SENDER, reason, subcodes=subcodes, http_status=http_status, problem_header=problem_header
    )


def receiver(reason: str = "The request could not be processed", *, http_status: int | None = None) -> SoapFault:
    """A fault of ours: the same message may succeed later."""
    return SoapFault(FaultCode.RECEIVER, reason, http_status=http_status)


def fault_body(fault: SoapFault, correlation_id: str) -> bytes:
    """The `env:Fault` element. SOAP 1.2 part 1 §5.4"""
    subcode = ""
    for name in reversed(fault.subcodes):
        subcode = f"<env:Subcode><env:Value{_qualified(name)}</env:Value>{subcode}</env:Subcode>"
    problem = ""
    if fault.problem_header is not None:
        problem = f'<wsa:ProblemHeaderQName xmlns:wsa="{WSA}">wsa:{fault.problem_header}</wsa:ProblemHeaderQName>'
    return (
        f'<env:Fault xmlns:env="{SOAP12}">'
        f"<env:Code><env:Value>env:{fault.code.value}</env:Value>{subcode}</env:Code>"
        f'<env:Reason><env:Text xml:lang="en">{markup.text(fault.reason)}</env:Text></env:Reason>'
        f"<env:Detail>{fault.detail}{problem}"
        f'<f:CorrelationId xmlns:f="{FEUILLET}">{markup.text(correlation_id)}</f:CorrelationId>'
        "</env:Detail></env:Fault>"
    ).encode()


def fault_headers(fault: SoapFault) -> bytes:
    """The header blocks that explain a fault: `env:Upgrade` and `env:NotUnderstood`. SOAP 1.2 part 1 §5.4.7, §5.4.8

    Of the headers that are not understood, those of published standards are named: a name that the sender made up
    would be an echo of its message. The standard says SHOULD.
    """
    if fault.code is FaultCode.VERSION_MISMATCH:
        return b'<env:Upgrade><env:SupportedEnvelope qname="env:Envelope"/></env:Upgrade>'
    blocks = []
    for name in sorted(FOREIGN_HEADERS.intersection(fault.not_understood)):
        namespace, _, local = name[1:].partition("}")
        blocks.append(f'<env:NotUnderstood xmlns:n="{namespace}" qname="n:{local}"/>')
    return "".join(blocks).encode()


def _qualified(name: str) -> str:
    """The rest of a start tag and the qualified name as text: ` xmlns:wsa="…">wsa:ActionMismatch`."""
    namespace, _, local = name[1:].partition("}")
    prefix = _PREFIXES.get(namespace, "sub")
    return f' xmlns:{prefix}="{markup.attribute(namespace)}">{prefix}:{markup.text(local)}'
