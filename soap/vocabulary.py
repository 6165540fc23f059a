"""Names of SOAP 1.2, WS-Addressing, WS-Security and XOP. ITI TF-2: Appendix V.2.4, V.3."""

from __future__ import annotations

from typing import Final

SOAP12: Final = "http://www.w3.org/2003/05/soap-envelope"
SOAP11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
WSA: Final = "http://www.w3.org/2005/08/addressing"
WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
XOP: Final = "http://www.w3.org/2004/08/xop/include"
#: Our own: the correlation id in a fault's detail.
FEUILLET: Final = "urn:feuillet:soap"

ENVELOPE: Final = f"{{{SOAP12}}}Envelope"
HEADER: Final = f"{{{SOAP12}}}Header"
BODY: Final = f"{{{SOAP12}}}Body"
FAULT: Final = f"{{{SOAP12}}}Fault"
SECURITY: Final = f"{{{WSSE}}}Security"
INCLUDE: Final = f"{{{XOP}}}Include"
#: The only element that may carry a binary, in requests and in responses. ITI TF-2: 3.41.4.1.2, 3.43.4.2.2
DOCUMENT: Final = "{urn:ihe:iti:xds-b:2007}Document"

ANONYMOUS: Final = f"{WSA}/anonymous"
NONE: Final = f"{WSA}/none"
#: wsa:Action of faults defined by SOAP and of those defined by WS-Addressing (WS-Addressing SOAP Binding §6).
SOAP_FAULT_ACTION: Final = f"{WSA}/soap/fault"
WSA_FAULT_ACTION: Final = f"{WSA}/fault"

MEDIA_SOAP: Final = "application/soap+xml"
MEDIA_XOP: Final = "application/xop+xml"
MEDIA_RELATED: Final = "multipart/related"

_RELIABLE: Final = ("Sequence", "SequenceAcknowledgement", "AckRequested")
_ADDRESSED: Final = ("Action", "MessageID", "To", "ReplyTo", "FaultTo", "From", "RelatesTo")
#: Headers of published standards that we do not speak, as Clark names: the only ones that a fault calls by name.
FOREIGN_HEADERS: Final = frozenset(
    f"{{{namespace}}}{name}"
    for namespace, names in (
        ("http://docs.oasis-open.org/ws-rx/wsrm/200702", _RELIABLE),
        ("http://schemas.xmlsoap.org/ws/2005/02/rm", _RELIABLE),
        ("http://docs.oasis-open.org/ws-tx/wscoor/2006/06", ("CoordinationContext",)),
        ("http://schemas.xmlsoap.org/ws/2004/08/addressing", _ADDRESSED),
    )
    for name in names
)
