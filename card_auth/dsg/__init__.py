"""Signed submission sets: the signature document of a submission (IHE DSG, as the DMP uses it), made and verified.

`sign` makes the document with a signature key; `Verifier.verify` makes a `SignatureFinding` of one. Runs on a
workstation as well as in a server.
"""

from card_auth.dsg.finding import ABSENT, Reason, SignatureFinding, Verdict
from card_auth.dsg.metadata import SignatureMisdescribed, authors_of, signature_entries, signature_entry
from card_auth.dsg.policy import DsgPolicy
from card_auth.dsg.sign import SetRefused, sign
from card_auth.dsg.submitted import Content, Octets, SetAuthor, SetDocument, SubmittedSet
from card_auth.dsg.verify import GATES, Verifier
from card_auth.dsg.vocabulary import CLASS_CODE, FORMAT_CODES, FORMAT_DETACHED, FORMAT_DMP, XadesVersion

__all__ = [
    "ABSENT",
    "CLASS_CODE",
    "FORMAT_CODES",
    "FORMAT_DETACHED",
    "FORMAT_DMP",
    "GATES",
    "Content",
    "DsgPolicy",
    "Octets",
    "Reason",
    "SetAuthor",
    "SetDocument",
    "SetRefused",
    "SignatureFinding",
    "SignatureMisdescribed",
    "SubmittedSet",
    "Verdict",
    "Verifier",
    "XadesVersion",
    "authors_of",
    "sign",
    "signature_entries",
    "signature_entry",
]
