"""Tokens of the tests' own in SoftHSM2: a card's keys, certificates and data objects behind a real PKCS#11 module."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from card_auth.demo_pki import IssuedKey

_MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
_SO_PIN = "12345678"


class SoftHsmAbsent(Exception):
    """SoftHSM2 or python-pkcs11 is not on this machine; the message says which."""


class SoftHsm:
    """SoftHSM2 on a token directory of its own, for as long as this process lives."""

    def __init__(self, directory: Path) -> None:
        """Raises SoftHsmAbsent."""
        modules = [Path(module) for module in _MODULES if Path(module).exists()]
        if not modules or not shutil.which("softhsm2-util"):
            raise SoftHsmAbsent("SoftHSM2 is not installed (Debian: softhsm2)")
        try:
            import pkcs11  # noqa: PLC0415 - an extra that not every machine has
        except ImportError:
            raise SoftHsmAbsent("python-pkcs11 is not installed (the extra `card`)") from None
        self._pkcs11 = pkcs11
        self.module = modules[0]
        (directory / "tokens").mkdir(parents=True)
        configuration = directory / "softhsm2.conf"
        configuration.write_text(
            f"directories.tokendir = {directory / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        os.environ["SOFTHSM2_CONF"] = str(configuration)  # the module reads it when it is loaded

    def make_token(
        self,
        label: str,
        *issued: tuple[bytes, IssuedKey],
        pin: str = "1234",
        data_objects: Mapping[str, bytes] | None = None,
        always_authenticate: bool = False,
        chain: bool = True,
    ) -> str:
        """A token with those keys under those identifiers, and those data objects. Returns its label."""
        subprocess.run(
            ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", _SO_PIN],
            check=True,
            capture_output=True,
        )
        library = self._pkcs11.lib(str(self.module))
        library.reinitialize()  # it looks for new tokens only when it starts
        with library.get_token(token_label=label).open(rw=True, user_pin=pin) as session:
            authorities: set[bytes] = set()
            for identifier, one in issued:
                session.create_object(self._key(identifier, one, always_authenticate=always_authenticate))
                session.create_object(self._certificate(identifier, one.certificate.der))
                authorities.update(one.key.chain if chain else ())
            for authority in authorities:
                session.create_object(self._certificate(b"\xa0", authority))
            for name, content in (data_objects or {}).items():
                session.create_object(
                    {
                        self._pkcs11.Attribute.CLASS: self._pkcs11.ObjectClass.DATA,
                        self._pkcs11.Attribute.TOKEN: True,
                        self._pkcs11.Attribute.PRIVATE: False,
                        self._pkcs11.Attribute.LABEL: name,
                        self._pkcs11.Attribute.VALUE: content,
                    }
                )
        return label

    def _certificate(self, identifier: bytes, der: bytes) -> dict[Any, Any]:
        attribute = self._pkcs11.Attribute
        return {
            attribute.CLASS: self._pkcs11.ObjectClass.CERTIFICATE,
            attribute.CERTIFICATE_TYPE: self._pkcs11.CertificateType.X_509,
            attribute.TOKEN: True,
            attribute.PRIVATE: False,
            attribute.ID: identifier,
            attribute.SUBJECT: b"",
            attribute.VALUE: der,
        }

    def _key(self, identifier: bytes, issued: IssuedKey, *, always_authenticate: bool) -> dict[Any, Any]:
        attribute = self._pkcs11.Attribute
        # Not from its file: another holder of the same number may have been issued since.
        key = issued.key._key
        assert isinstance(key, rsa.RSAPrivateKey)
        numbers = key.private_numbers()
        parts = {
            attribute.MODULUS: numbers.public_numbers.n,
            attribute.PUBLIC_EXPONENT: numbers.public_numbers.e,
            attribute.PRIVATE_EXPONENT: numbers.d,
            attribute.PRIME_1: numbers.p,
            attribute.PRIME_2: numbers.q,
            attribute.EXPONENT_1: numbers.dmp1,
            attribute.EXPONENT_2: numbers.dmq1,
            attribute.COEFFICIENT: numbers.iqmp,
        }
        return {
            attribute.CLASS: self._pkcs11.ObjectClass.PRIVATE_KEY,
            attribute.KEY_TYPE: self._pkcs11.KeyType.RSA,
            attribute.TOKEN: True,
            attribute.PRIVATE: True,
            attribute.SENSITIVE: True,
            attribute.EXTRACTABLE: False,
            attribute.SIGN: True,
            attribute.ALWAYS_AUTHENTICATE: always_authenticate,
            attribute.ID: identifier,
            **{name: number.to_bytes((number.bit_length() + 7) // 8, "big") for name, number in parts.items()},
        }
