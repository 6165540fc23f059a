"""Keys on cards and tokens, through any PKCS#11 module: the national one, OpenSC, SoftHSM2.

with open_token(module, pin=pin) as token:
    key = token.key(KeyUse.SIGNATURE)
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from cryptography.hazmat.primitives.asymmetric import rsa

from card_auth import errors
from card_auth.certificates import Certificate
from card_auth.keys import modules
from card_auth.keys.modules import Module, TokenInfo, translated
from card_auth.keys.signing_key import KeyUse, SigningKey, signing_key
from card_auth.keys.token_rsa import TokenRsaKey, digest_info

_MOST_AUTHORITIES: Final = 4  # of a chain, read from the token


class PinEntry(enum.Enum):
    """How a PIN is given other than as text."""

    ON_READER = "on the reader's own keys"


class Token:
    """An open token. Safe to use from several threads; close it, or use it in a `with`."""

    def __init__(self, module: Module, info: TokenInfo, session: Any, pin: str | None, *, logged_in: bool) -> None:
        self.info = info
        self._module = module
        self._session = session
        self._pin = pin  # for keys that ask for it before each signature
        self._logged_in = logged_in

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Token({self.info.label!r}, serial {self.info.serial!r})"

    def close(self) -> None:
        """Log out and close, also when the card is gone."""
        session, self._session, self._pin = self._session, None, None
        if session is None:
            return
        with self._module.lock:
            try:
                session.close()
            except modules.library().PKCS11Error:
                return  # nothing is left to be closed

    def certificates(self) -> tuple[Certificate, ...]:
        """The certificates on the token that can be read; most tokens show them without a PIN.

        Raises CardPulledOut, ModuleFailed.
        """
        return tuple(certificate for _, certificate in self._certificates())

    def data_objects(self) -> Mapping[str, bytes]:
        """The token's data objects by label, the first of each label. Raises CardPulledOut, ModuleFailed."""
        pkcs11 = modules.library()
        found: dict[str, bytes] = {}
        with self._module.lock, translated(self._module.path):
            for thing in self._open().get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.DATA}):
                found.setdefault(str(thing[pkcs11.Attribute.LABEL]).strip("\0 "), bytes(thing[pkcs11.Attribute.VALUE]))
        return found

    def keys(self) -> tuple[SigningKey, ...]:
        """Every RSA key of the token that has its certificate beside it and one of our uses.

        Raises PinMissing, CardPulledOut, ModuleFailed.
        """
        if not self._logged_in:
            raise errors.PinMissing
        certificates = self._certificates()
        private = self._private_keys()
        keys = []
        for identifier, certificate in certificates:
            handle = private.get(identifier)
            if handle is None:
                continue
            try:
                public = certificate.public_key()
                if isinstance(public, rsa.RSAPublicKey):
                    chain = _chain(certificate, tuple(other for _, other in certificates))
                    keys.append(signing_key(certificate, chain, self._bind(handle, public)))
            except (errors.CertificateError, errors.KeyProblem):
                continue  # an object of another use than ours
        return tuple(keys)

    def key(self, use: KeyUse) -> SigningKey:
        """The token's key for that use: the one whose certificate lasts longest, when there are several.

        Raises KeyMissing, PinMissing, CardPulledOut, ModuleFailed.
        """
        fitting = [key for key in self.keys() if key.use is use]
        if not fitting:
            raise errors.KeyMissing(f"The card holds no {use.value} key with its certificate.")
        return max(fitting, key=lambda key: key.certificate.not_after)

    def _open(self) -> Any:
        if self._session is None:
            raise errors.TokenMissing("The token was closed.")
        return self._session

    def _certificates(self) -> tuple[tuple[bytes, Certificate], ...]:
        pkcs11 = modules.library()
        found = []
        with self._module.lock, translated(self._module.path):
            for thing in self._open().get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE}):
                found.append((bytes(thing[pkcs11.Attribute.ID]), bytes(thing[pkcs11.Attribute.VALUE])))
        readable = []
        for identifier, value in found:
            try:
                readable.append((identifier, Certificate.from_der(value)))
            except errors.CertificateUnreadable:
                continue  # one bad object must not hide the others
        return tuple(readable)

    def _private_keys(self) -> dict[bytes, Any]:
        pkcs11 = modules.library()
        wanted = {
            pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PRIVATE_KEY,
            pkcs11.Attribute.KEY_TYPE: pkcs11.KeyType.RSA,
        }
        with self._module.lock, translated(self._module.path):
            return {bytes(key[pkcs11.Attribute.ID]): key for key in self._open().get_objects(wanted)}

    def _bind(self, handle: Any, public: rsa.RSAPublicKey) -> TokenRsaKey:
        pkcs11 = modules.library()
        asks_each_time = False
        with self._module.lock:
            try:
                asks_each_time = bool(handle[pkcs11.Attribute.ALWAYS_AUTHENTICATE])
            except pkcs11.PKCS11Error:
                asks_each_time = False  # modules older than PKCS#11 2.20 do not know it

        def sign(data: bytes, digest: str) -> bytes:
            name = f"{digest.upper()}_RSA_PKCS"
            if name in self.info.mechanisms:
                mechanism, content = getattr(pkcs11.Mechanism, name), data
            else:
                mechanism, content = pkcs11.Mechanism.RSA_PKCS, digest_info(data, digest)
            with self._module.lock, translated(self._module.path):
                self._open()
                pin = self._pin if asks_each_time else None
                return bytes(handle.sign(content, mechanism=mechanism, pin=pin))

        return TokenRsaKey(sign, public)


def open_token(
    module: Path,
    *,
    token_label: str | None = None,
    slot: int | None = None,
    pin: str | PinEntry | None = None,
) -> Token:
    """Open the one token of `module` that has that label, or is in that slot, or is the only one.

    Without a PIN only what is public can be read. Each wrong PIN costs the holder a try: look at
    `modules.list_tokens` first. Raises SupportMissing, ModuleMissing, ModuleFailed, TokenMissing, TokenBusy,
    PinIncorrect with the tries left, PinBlocked, PinMalformed, CardPulledOut.
    """
    loaded = modules.load_module(module)
    pkcs11 = modules.library()
    if pin == "":
        raise errors.PinMissing
    with loaded.lock, translated(module):
        found = [
            (token, info)
            for token in loaded.library.get_tokens(token_flags=pkcs11.TokenFlag.TOKEN_INITIALIZED)
            for info in (modules.describe(module, token),)
            if token_label in (None, info.label) and slot in (None, info.slot)
        ]
        if not found:
            raise errors.TokenMissing
        if len(found) > 1:
            raise errors.TokenMissing("Several tokens are there: say which one by its label or slot.")
        token, info = found[0]
        secret = pkcs11.PROTECTED_AUTH if isinstance(pin, PinEntry) else pin
        try:
            session = token.open(user_pin=secret)
        except pkcs11.PinIncorrect:
            left = modules.describe(module, token.slot.get_token()).tries_left
            if left == 0:
                raise errors.PinBlocked from None
            raise errors.PinIncorrect(tries_left=left) from None
    return Token(loaded, info, session, pin if isinstance(pin, str) else None, logged_in=pin is not None)


def _chain(own: Certificate, others: tuple[Certificate, ...]) -> tuple[bytes, ...]:
    """The authorities above `own` among the token's certificates."""
    authorities = {one.subject.canonical(): one for one in others if one.is_authority}
    chain: list[bytes] = []
    current = own
    while len(chain) < _MOST_AUTHORITIES and not current.is_self_issued:
        issuer = authorities.get(current.issuer.canonical())
        if issuer is None:
            break
        chain.append(issuer.der)
        current = issuer
    return tuple(chain)
