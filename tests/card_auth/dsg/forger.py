"""Signature documents as somebody makes them who has a key and another idea of what to sign."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from copy import deepcopy

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from card_auth.dsg.vocabulary import CANONICALIZATIONS, ds
from card_auth.xmldsig import DIGESTS, RSA
from soap.xml import parse_untrusted

Change = Callable[[etree._Element], object]


def changed(signature: bytes, change: Change) -> etree._Element:
    """A signature document after a change."""
    root = deepcopy(parse_untrusted(signature))
    change(root)
    return root


def resigned(root: etree._Element, key: rsa.RSAPrivateKey) -> bytes:
    """The document with digests and signature made anew over whatever it holds now, as far as it says how."""
    signed_info = next(iter(root.iter(ds("SignedInfo"))))
    parts = {f"#{one.get('Id')}": one for one in root.iter() if one.get("Id")}
    for reference in signed_info.iter(ds("Reference")):
        part = parts.get(reference.get("URI", ""))
        value, method = reference.find(ds("DigestValue")), reference.find(ds("DigestMethod"))
        if part is None or value is None:
            continue
        transforms = [one.get("Algorithm", "") for one in reference.iter(ds("Transform"))]
        algorithm = DIGESTS.get("" if method is None else method.get("Algorithm", ""), hashes.SHA256())
        digest = hashlib.new(algorithm.name, canonical(part, transforms[0] if transforms else ""))
        value.text = base64.b64encode(digest.digest()).decode()
    method, canonicalization = signed_info.find(ds("SignatureMethod")), signed_info.find(ds("CanonicalizationMethod"))
    algorithm = RSA.get("" if method is None else method.get("Algorithm", ""), hashes.SHA256())
    octets = canonical(signed_info, "" if canonicalization is None else canonicalization.get("Algorithm", ""))
    value = root.find(ds("SignatureValue"))
    if value is not None:
        value.text = base64.b64encode(key.sign(octets, padding.PKCS1v15(), algorithm)).decode()
    return etree.tostring(root)


def canonical(element: etree._Element, algorithm: str) -> bytes:
    """An element in canonical form; by Canonical XML 1.0 where the name is none that counts."""
    method = CANONICALIZATIONS.get(algorithm)
    exclusive, comments = (method.exclusive, method.comments) if method else (False, False)
    alone = parse_untrusted(etree.tostring(element, with_tail=False))  # which declares all that its parents declare
    return etree.tostring(alone.getroottree(), method="c14n", exclusive=exclusive, with_comments=comments)


def base64_of(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def first(root: etree._Element, local: str) -> etree._Element:
    """The first element of that name, in whatever namespace."""
    return next(root.iter(f"{{*}}{local}"))
