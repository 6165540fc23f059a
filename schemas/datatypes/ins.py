"""The national health identifiers of France (INS): NIR and NIA with their key, and the INS-C computed from them.

Sources: INSEE, numéro d'inscription au répertoire (key, Corsica); ASIP Santé, INS-C: dispositif de calcul; ANS,
référentiel INS, liste des OID.
"""

from __future__ import annotations

import enum
import hashlib
import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Self

from schemas.datatypes.hl7 import DataTypeError

# sex, year, month (or a code where it is not known), department (2A and 2B of Corsica), commune, order
_BODY: Final = re.compile(r"[1-478][0-9]{2}[0-9]{2}(?:[0-9]{2}|2[AB])[0-9]{3}[0-9]{3}", re.ASCII)
_DIGITS: Final = re.compile(r"[0-9]+", re.ASCII)
_BIRTH_DATE: Final = re.compile(r"[0-9]{6}", re.ASCII)
_CORSICA: Final = {"2A": "19", "2B": "18"}
_MODULUS: Final = 97
_BODY_LENGTH: Final = 13
_NAME_LENGTH: Final = 10
_LIGATURES: Final = str.maketrans({"Œ": "OE", "Æ": "AE"})


class InsAuthority(enum.StrEnum):
    """Who assigns an INS: the OID of a patient identifier's assigning authority."""

    INS_C = "1.2.250.1.213.1.4.2"
    INS_NIR = "1.2.250.1.213.1.4.8"
    INS_NIA = "1.2.250.1.213.1.4.9"
    INS_NIR_TEST = "1.2.250.1.213.1.4.10"


def nir_key(body: str) -> int:
    """The key of a NIR's 13 characters, 1 to 97. Corsica's 2A and 2B count as 19 and 18. Raises DataTypeError."""
    if not _BODY.fullmatch(body):
        raise DataTypeError("NIR", body, "its 13 characters are not those of a NIR")
    department = body[5:7]
    return _MODULUS - int(body[:5] + _CORSICA.get(department, department) + body[7:]) % _MODULUS


@dataclass(frozen=True, slots=True)
class Nir:
    """A number of the French register of persons (NIR), or one that waits for it (NIA), with its right key.

    Dangerous to show: `str` is the number, `masked` what may be seen.
    """

    value: str  # 15 characters

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read 15 characters. Raises DataTypeError, also when the key is not theirs."""
        if len(text) != _BODY_LENGTH + 2:
            raise DataTypeError("NIR", text, f"a NIR has 15 characters with its key, {len(text)} are given")
        if not _DIGITS.fullmatch(text[_BODY_LENGTH:]) or int(text[_BODY_LENGTH:]) != nir_key(text[:_BODY_LENGTH]):
            raise DataTypeError("NIR", text, "the key does not belong to the number")
        return cls(text)

    @classmethod
    def with_key(cls, body: str) -> Self:
        """Complete 13 characters with their key. Raises DataTypeError."""
        return cls(f"{body}{nir_key(body):02d}")

    def __str__(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return f"Nir({self.masked!r})"

    @property
    def body(self) -> str:
        """The 13 characters without the key."""
        return self.value[:_BODY_LENGTH]

    @property
    def masked(self) -> str:
        """Its sex and year, the rest hidden."""
        return f"{self.value[:3]}{'*' * 12}"


@dataclass(frozen=True, slots=True)
class InsC:
    """A computed INS: 20 digits and a key of 2."""

    value: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read 22 digits. Raises DataTypeError, also when the key is not theirs."""
        if len(text) != 22 or not _DIGITS.fullmatch(text):
            raise DataTypeError("INS-C", text, "an INS-C has 22 digits")
        if int(text[20:]) != _MODULUS - int(text[:20]) % _MODULUS:
            raise DataTypeError("INS-C", text, "the key does not belong to the number")
        if int(text[:20]) >= 1 << 64:
            raise DataTypeError("INS-C", text, "the number is larger than any that is computed")
        return cls(text)

    @classmethod
    def compute(cls, given_name: str, birth_date: str, nir: Nir) -> Self:
        """Compute it from what a Vitale card says; `birth_date` is YYMMDD, 000000 when it is not known.

        Raises DataTypeError when the name has no letter, or the date not six digits.
        """
        if not _BIRTH_DATE.fullmatch(birth_date):
            raise DataTypeError("INS-C", birth_date, "the birth date has not six digits")
        seed = seed_name(given_name) + birth_date + nir.body
        number = int(hashlib.sha256(seed.encode("ascii")).hexdigest()[:16], 16)
        return cls(f"{number:020d}{_MODULUS - number % _MODULUS:02d}")

    def __str__(self) -> str:
        return self.value


def seed_name(given_name: str) -> str:
    """The given name as it enters the INS-C: letters A to Z without accents, 10 places. Raises DataTypeError."""
    plain = unicodedata.normalize("NFKD", given_name.upper().translate(_LIGATURES))
    letters = "".join(letter for letter in plain if "A" <= letter <= "Z")
    if not letters:
        raise DataTypeError("INS-C", given_name, "the given name has no letter")
    return letters[:_NAME_LENGTH].ljust(_NAME_LENGTH)


def check_ins(authority: InsAuthority, value: str) -> Nir | InsC:
    """The identifier that `value` is under that authority. Raises DataTypeError."""
    return InsC.parse(value) if authority is InsAuthority.INS_C else Nir.parse(value)
