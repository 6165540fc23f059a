"""Filling the demo: its patients are announced through the feed, its documents submitted by ITI-41 like anybody's.

A document that is there already is recognised as the same submission: starting again changes nothing.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import requests
from lxml import etree

from feuillet.demo.clinical_document import DOCUMENT, ClinicalDocument, read
from feuillet.demo.identities import hospital_files, hospital_header
from feuillet.demo.records import open_record_of
from feuillet.demo.site import DemoSite
from schemas.datatypes.hl7 import escape
from schemas.ebrim.encode import encode_submission
from schemas.responses import read_registry_response
from schemas.vocabulary import XDSB
from soap.client.caller import NoAnswer, SoapCaller
from soap.faults import SoapFault
from soap.message import OutgoingPart
from soap.parts import include

_PROVIDE: Final = "urn:ihe:iti:2007:ProvideAndRegisterDocumentSet-b"
_READY_SECONDS: Final = 60.0
_OWN_DOCUMENTS: Final = Path(__file__).parent / "documents"
#: Left out of the demo set: the README's example submits them.
_LEFT_FOR_THE_READER: Final = "BIO-CR-BIO"


class NotLoaded(Exception):
    """The demo's documents could not be loaded; the message says why."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the demo holds: how many documents, of which patients, and the names of files that were not taken."""

    documents: int
    patients: tuple[str, ...]
    refused: tuple[str, ...]


def load_documents(site: DemoSite, directory: Path | None) -> Loaded:
    """Submit the CDA documents of a directory (or the demo's own) to the running server. Raises `NotLoaded`."""
    server = site.settings.server
    if server.https is None:
        raise NotLoaded("the configuration has no https address")
    session = requests.Session()
    session.trust_env = False
    trust = site.settings.trust
    certificate, key = site.keys.client if trust is None else hospital_files(site.identities)
    session.verify, session.cert = str(site.keys.authority), (str(certificate), str(key))
    base = f"https://{server.https}"
    _wait_for(session, f"{base}/healthz")
    security = None if trust is None else partial(hospital_header, site.identities)
    caller = SoapCaller(f"{base}/repository", session=session, security=security)
    refused, patients, count = [], dict[str, None](), 0
    for name, document in _documents(directory or _OWN_DOCUMENTS):
        if document is not None and str(document.patient) not in patients:
            _announce(site, document)
            open_record_of(site.settings, document)
            patients[str(document.patient)] = None
        if document is not None and _provide(caller, document):
            count += 1
        else:
            refused.append(name)
    return Loaded(count, tuple(patients), tuple(refused))


def _documents(directory: Path) -> Iterator[tuple[str, ClinicalDocument | None]]:
    for file in sorted(directory.glob("*.xml")):
        if not file.name.startswith(_LEFT_FOR_THE_READER):
            try:
                yield file.name, read(file.read_bytes())
            except (ValueError, etree.XMLSyntaxError):
                yield file.name, None


def _provide(caller: SoapCaller, document: ClinicalDocument) -> bool:
    part = OutgoingPart("document@demo", "text/xml", len(document.content), iter([document.content]))
    body = b"".join(
        (
            f'<xdsb:ProvideAndRegisterDocumentSetRequest xmlns:xdsb="{XDSB}">'.encode(),
            etree.tostring(encode_submission(document.submission)),
            f'<xdsb:Document id="{DOCUMENT}">'.encode(),
            include(part.content_id),
            b"</xdsb:Document></xdsb:ProvideAndRegisterDocumentSetRequest>",
        )
    )
    try:
        with caller.call(_PROVIDE, body, parts=[part], mtom=True) as answer:
            return read_registry_response(answer.body).succeeded
    except (SoapFault, NoAnswer) as error:
        raise NotLoaded(f"the repository does not take documents: {error}") from error


def _announce(site: DemoSite, document: ClinicalDocument) -> None:
    """ITI-8, Patient Registration. ITI TF-2: 3.8.4.1"""
    address = site.settings.feed.mllp
    if address is None:
        raise NotLoaded("the configuration has no mllp address")
    family, given = map(escape, document.family_and_given_name)
    control = f"DEMO{time.time_ns()}"[:20]
    message = "\r".join(
        (
            f"MSH|^~\\&|DEMO|FEUILLET|FEUILLET|FEUILLET|20260101000000||ADT^A04^ADT_A01|{control}|P|2.3.1",
            "EVN|A04|20260101000000",
            f"PID|||{document.patient}||{family}^{given}",
            "PV1||O\r",
        )
    )
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=10) as connection:
            connection.sendall(b"\x0b" + message.encode() + b"\x1c\r")
            answer = connection.recv(65_536)
    except OSError as error:
        raise NotLoaded(f"the patient feed does not answer: {error.strerror}") from error
    if b"MSA|AA|" not in answer:
        raise NotLoaded("the patient feed refuses a patient")


def _wait_for(session: requests.Session, url: str) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            if session.get(url, timeout=5).ok:
                return
        except requests.RequestException as error:
            if time.monotonic() > deadline:
                raise NotLoaded(f"the server does not answer: {type(error).__name__}") from error
        time.sleep(0.1)
