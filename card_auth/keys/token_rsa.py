"""A private RSA key that stays on its token, behind the interface that XML signature libraries sign with."""

# ruff: noqa: ARG002 (the interface asks for arguments that a refusal has no use for)
from __future__ import annotations

import hashlib
from typing import Final, NoReturn, Protocol

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding as paddings
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric import utils as asymmetric_utils

from card_auth.errors import KeyUnsuitable

# DigestInfo up to the digest itself (RFC 8017: 9.2, note 1)
DIGEST_INFO: Final = {
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha384": bytes.fromhex("3041300d060960864801650304020205000430"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}


class TokenSigner(Protocol):
    """What signs on the token."""

    def __call__(self, data: bytes, digest: str) -> bytes:
        """The PKCS#1 v1.5 signature of `data` with that digest: `sha256`, `sha384` or `sha512`."""


class TokenRsaKey(rsa.RSAPrivateKey):
    """Signs PKCS#1 v1.5 with SHA-2 on the token; refuses all else with KeyUnsuitable, above all to leave it."""

    def __init__(self, signer: TokenSigner, public_key: rsa.RSAPublicKey) -> None:
        self._signer = signer
        self._public_key = public_key

    def sign(
        self,
        data: bytes | bytearray | memoryview,
        padding: paddings.AsymmetricPadding,
        algorithm: asymmetric_utils.Prehashed | hashes.HashAlgorithm | asymmetric_utils.NoDigestInfo,
    ) -> bytes:
        """The signature of `data`. Raises KeyUnsuitable, or one of card_auth.errors when the card does not sign."""
        if not isinstance(padding, paddings.PKCS1v15):
            raise KeyUnsuitable("The token signs with PKCS#1 v1.5 only.")
        digest = algorithm.name if isinstance(algorithm, hashes.HashAlgorithm) else ""
        if digest not in DIGEST_INFO:
            raise KeyUnsuitable("The token signs with SHA-256, SHA-384 or SHA-512 only.")
        return self._signer(bytes(data), digest)

    @property
    def key_size(self) -> int:
        """The modulus' length in bits."""
        return self._public_key.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        """The public half."""
        return self._public_key

    def decrypt(self, ciphertext: bytes, padding: paddings.AsymmetricPadding) -> NoReturn:
        """Not what these keys are for. Raises KeyUnsuitable."""
        raise KeyUnsuitable("A card's key does not decrypt here.")

    def private_numbers(self) -> NoReturn:
        """The key does not leave its token. Raises KeyUnsuitable."""
        raise KeyUnsuitable("The key does not leave its token.")

    def private_bytes(
        self,
        encoding: serialization.Encoding,
        format: serialization.PrivateFormat,
        encryption_algorithm: serialization.KeySerializationEncryption,
    ) -> NoReturn:
        """The key does not leave its token. Raises KeyUnsuitable."""
        raise KeyUnsuitable("The key does not leave its token.")

    def __copy__(self) -> TokenRsaKey:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> TokenRsaKey:
        return self


def digest_info(data: bytes, digest: str) -> bytes:
    """DigestInfo of `data`, for tokens that hash nothing themselves."""
    return DIGEST_INFO[digest] + hashlib.new(digest, data).digest()
