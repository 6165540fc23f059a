"""The VIHF: the SAML 2.0 assertion with which French health services say who asks, issued and verified.

`issue` signs a `Statement` with a signature key; `Verifier.verify` makes a `Caller` of it or raises `AssertionRefused`.
"""

from card_auth.vihf.issue import StatementRefused, issue, security_header
from card_auth.vihf.policy import VihfPolicy
from card_auth.vihf.refusals import AssertionRefused, Fault, Reason
from card_auth.vihf.replay import ReplayGuard, ReplayMemory
from card_auth.vihf.statement import Statement
from card_auth.vihf.verify import GATES, Verifier
from card_auth.vihf.vocabulary import VihfVersion
from card_auth.xmldsig import Digest

__all__ = [
    "GATES",
    "AssertionRefused",
    "Digest",
    "Fault",
    "Reason",
    "ReplayGuard",
    "ReplayMemory",
    "Statement",
    "StatementRefused",
    "Verifier",
    "VihfPolicy",
    "VihfVersion",
    "issue",
    "security_header",
]
