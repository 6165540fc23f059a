"""Card readers through PC/SC: slots, cards and their kinds, insertions and removals, CPS and Vitale cards read.

Needs the optional extra `card`; every function raises SupportMissing without it, and ServiceUnavailable where PC/SC
does not run.
"""

from card_auth.readers.connection import Answer, Connection, connect
from card_auth.readers.cps import CpsCard, read_cps
from card_auth.readers.events import CardEvent, EventKind, watch
from card_auth.readers.kind import CardKind, find_card, identify, kind_in
from card_auth.readers.pin import tries_left, verify_pin
from card_auth.readers.slots import Presence, Reader, Slot, list_readers, list_slots
from card_auth.readers.vitale import OpenVitaleReader, VitaleReader, vitale_reader
from card_auth.readers.vitale_content import Beneficiary, VitaleCard

__all__ = [
    "Answer",
    "Beneficiary",
    "CardEvent",
    "CardKind",
    "Connection",
    "CpsCard",
    "EventKind",
    "OpenVitaleReader",
    "Presence",
    "Reader",
    "Slot",
    "VitaleCard",
    "VitaleReader",
    "connect",
    "find_card",
    "identify",
    "kind_in",
    "list_readers",
    "list_slots",
    "read_cps",
    "tries_left",
    "verify_pin",
    "vitale_reader",
    "watch",
]
