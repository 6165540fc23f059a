"""The calling side: a zeep transport for typed clients, and a caller for raw elements with streamed binaries."""

from soap.client.caller import CLIENT_LIMITS, NoAnswer, SoapAnswer, SoapCaller
from soap.client.transport import MtomTransport

__all__ = ["CLIENT_LIMITS", "MtomTransport", "NoAnswer", "SoapAnswer", "SoapCaller"]
