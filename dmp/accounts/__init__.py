"""Patients' internet accounts: login, password, and the channels of one-time codes.

Secrets are shown once and kept as hashes; who asks learns nothing about whether an account exists.
"""

from dmp.accounts.account import (
    Account,
    Challenge,
    Channel,
    ChannelKind,
    CodeRules,
    Credentials,
    OneTimeChannel,
    OneTimeMessage,
    Purpose,
)

__all__ = [
    "Account",
    "Challenge",
    "Channel",
    "ChannelKind",
    "CodeRules",
    "Credentials",
    "OneTimeChannel",
    "OneTimeMessage",
    "Purpose",
]
