"""Private keys behind one interface: on cards and tokens through PKCS#11, or in PEM and PKCS#12 files.

A signature key signs assertions and documents; an authentication key opens connections; neither does the other's work.
"""

from card_auth.keys.files import load_pem, load_pkcs12
from card_auth.keys.pkcs11 import PinEntry, Token, open_token
from card_auth.keys.practice import PracticeSituation, practice_situations, speciality
from card_auth.keys.signing_key import KeyUse, SigningKey, signing_key

__all__ = [
    "KeyUse",
    "PinEntry",
    "PracticeSituation",
    "SigningKey",
    "Token",
    "load_pem",
    "load_pkcs12",
    "open_token",
    "practice_situations",
    "signing_key",
    "speciality",
]
