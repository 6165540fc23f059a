"""Names of IHE Document Digital Signature, XAdES and canonical XML.

Source: ITI TF-3: 5.5; ETSI TS 101 903 (XAdES 1.1.1 and 1.3.2); CI-SIS, volet Partage de documents de santé.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from card_auth.xmldsig import DS

XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
SIGNATURE: Final = f"{{{DS}}}Signature"
MANIFEST_TYPE: Final = f"{DS}Manifest"
#: ITI TF-3: 5.5.3, of the signature of a SubmissionSet too
MANIFEST_ID: Final = "IHEManifest"
PROPERTIES_ID: Final = "S0-SignedProperties"
PURPOSE_ID: Final = "purposeOfSignature"
#: ASTM E1762, "Source": this is what I submit
PURPOSE_SOURCE: Final = "1.2.840.10065.1.12.1.14"
#: What stands in the place of a digest where the manifest names the SubmissionSet, which has no octets: one of zero.
NO_DIGEST: Final = b"\0"

# How the DocumentEntry of a signature document is known
CLASS_CODE: Final = "urn:oid:1.3.6.1.4.1.19376.1.2.1.1.1"
FORMAT_DMP: Final = DS  # of the signature that the DMP defined
FORMAT_DETACHED: Final = "urn:ihe:iti:dsg:detached:2014"
FORMAT_CODES: Final = frozenset({FORMAT_DMP, FORMAT_DETACHED})

C14N: Final = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N_WITH_COMMENTS: Final = f"{C14N}#WithComments"
_EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_C14N11: Final = "http://www.w3.org/2006/12/xml-c14n11"


@dataclass(frozen=True, slots=True)
class Canonicalization:
    """A way to canonical XML."""

    exclusive: bool
    comments: bool


#: Canonical XML 1.1 differs from 1.0 only for a part of a document below `xml:` attributes, and there are none here.
CANONICALIZATIONS: Final = {
    C14N: Canonicalization(exclusive=False, comments=False),
    C14N_WITH_COMMENTS: Canonicalization(exclusive=False, comments=True),
    _C14N11: Canonicalization(exclusive=False, comments=False),
    f"{_C14N11}#WithComments": Canonicalization(exclusive=False, comments=True),
    _EXCLUSIVE: Canonicalization(exclusive=True, comments=False),
    f"{_EXCLUSIVE}WithComments": Canonicalization(exclusive=True, comments=True),
}


class XadesVersion(enum.StrEnum):
    """The versions of XAdES that are spoken here."""

    V1_1_1 = "1.1.1"  # what the DMP's first samples are made in
    V1_3_2 = "1.3.2"

    @property
    def namespace(self) -> str:
        """The namespace of its elements."""
        return f"http://uri.etsi.org/01903/v{self.value}#"

    @property
    def properties_type(self) -> str:
        """Reference/@Type of SignedProperties (TS 101 903: 6.3.1; the version stands in it up to 1.1.1)."""
        version = "/v1.1.1" if self is XadesVersion.V1_1_1 else ""
        return f"http://uri.etsi.org/01903{version}#SignedProperties"


def uri_of(unique_id: str) -> str:
    """How a manifest names what has that uniqueId."""
    return unique_id if unique_id.startswith("urn:") else f"urn:oid:{unique_id}"


def ds(local: str) -> str:
    """The Clark name of an element of XML Signature."""
    return f"{{{DS}}}{local}"
