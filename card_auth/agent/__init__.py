"""The agent of a workstation: lets a portal in the browser use the card reader. No key and no PIN leaves it."""

from card_auth.agent.card import HolderCard
from card_auth.agent.desk import Desk, OneQuestion, TerminalDesk
from card_auth.agent.login import LoginProof, LoginRefused, verify_login
from card_auth.agent.origins import OriginRefused, allowed_origins
from card_auth.agent.peripherals import PcscPeripherals, Peripherals
from card_auth.agent.server import AgentServer
from card_auth.agent.service import Service
from card_auth.agent.sessions import Sessions

__all__ = [
    "AgentServer",
    "Desk",
    "HolderCard",
    "LoginProof",
    "LoginRefused",
    "OneQuestion",
    "OriginRefused",
    "PcscPeripherals",
    "Peripherals",
    "Service",
    "Sessions",
    "TerminalDesk",
    "allowed_origins",
    "verify_login",
]
