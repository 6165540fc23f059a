"""A thousand changes of one record at the same time, of the same few documents: it stays whole."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import requests
from lxml import etree
from sqlalchemy import Engine, select

from dmp.audit.canonical import decode
from dmp.audit.tables import audit_event
from dmp.rights.marks import CODES
from schemas.datatypes import Cx, Oid, Sha1Hash
from schemas.ebrim.encode import encode_submission
from schemas.metadata import DocumentEntry, Folder, Submission
from schemas.responses import RegistryOutcome, read_registry_response
from schemas.vocabulary import AvailabilityStatus
from soap.client.caller import SoapCaller
from tests.services import engine as server
from tests.services.pki import Pki
from tests.system.professionals import PROVIDE, REGISTER, UPDATE, confidentiality, provided
from tests.system.record_invariants import Ledger, broken
from tests.xds_registry import submissions as s
from tests.xds_registry.update.messages import appends, becomes, holder_of, links, next_version, updates
from xds_registry.database import open_database

OPERATIONS, CLIENTS, SEED = 1000, 10, 20260101
INS = "1.2.250.1.213.1.4.10"
PATIENTS = [Cx.parse(f"{name}^^^&{INS}&ISO") for name in ("279035121518989", "153078987658513")]
REMOVE = "urn:ihe:iti:2010:DeleteDocumentSet"
ELSEWHERE = Oid.parse("1.2.250.1.213.4.1.1.1.9")
APPROVED, ARCHIVED, DELETED = AvailabilityStatus.APPROVED, AvailabilityStatus.ARCHIVED, AvailabilityStatus.DELETED
#: How many documents clients choose from: few enough that they meet.
IN_HAND = 6
#: What the standard lets a registry answer to who comes second.
SECOND = {
    "ReferencesExistException",
    "UnresolvedReferenceException",
    "XDSMetadataModelException",
    "XDSMetadataUpdateError",
    "XDSMetadataUpdateOperationError",
    "XDSMetadataVersionError",
    "XDSPatientIDReconciliationError",
    "XDSPatientIdDoesNotMatch",
    "XDSRegistryDeprecatedDocumentError",
    "XDSUnreferencedObjectException",
}
#: "Try again": a submission met others three times; or a database was kept by others for too long.
CONFLICT = "XDSRegistryError"
AGAIN = {CONFLICT, "XDSRegistryBusy", "XDSRepositoryBusy"}


@dataclass
class Record:
    """The documents and submissions that clients know of; each history is of one document, the latest version last."""

    ledger: Ledger = field(default_factory=Ledger)
    histories: list[list[DocumentEntry]] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    submissions: list[frozenset[str]] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  # by transaction

    def took(self, whole: Submission, outcome: RegistryOutcome, transaction: str) -> bool:
        """Write down what a submission was answered."""
        answer = "Success" if outcome.succeeded else " ".join(sorted({error.code for error in outcome.errors}))
        with self.ledger.lock:
            self.answers[transaction].append(answer)
            if not outcome.succeeded:
                return False
            self.submissions.append(self.ledger.accept(whole))
            self.folders += whole.folders
            return True


class Client:
    """One of those who change the record; what it does is a matter of its seed, what it meets is not."""

    def __init__(self, engine: server.Engine, record: Record, seed: int) -> None:
        self.chance = random.Random(seed)
        self.record = record
        session = requests.Session()
        session.trust_env = False
        self.registry = SoapCaller(engine.registry(plain=True), session=session, timeout=300)
        self.repository = SoapCaller(engine.repository(plain=True), session=session, timeout=300)

    def work(self, operations: int) -> None:
        for _ in range(operations):
            doing = self.chance.choices(
                (self.provide, self.register, self.update, self.change_status, self.link, self.remove),
                (20, 12, 30, 18, 10, 10),
            )[0]
            doing()

    def provide(self) -> None:
        """ITI-41."""
        entry = _document()
        content = f"<ClinicalDocument>{entry.unique_id}</ClinicalDocument>".encode()
        entry = replace(entry, hash=_sha1(content), size=len(content))
        whole = self._filed(entry)
        body, parts = provided(whole, [content])
        with self.repository.call(PROVIDE, body, parts=parts, mtom=True) as answer:
            self._filed_as(whole, read_registry_response(answer.body), "ITI-41")

    def register(self) -> None:
        """ITI-42, for a document that another repository keeps."""
        whole = self._filed(replace(_document(), repository_unique_id=ELSEWHERE))
        self._filed_as(whole, self._send(REGISTER, whole), "ITI-42")

    def update(self) -> None:
        """ITI-57: another version, of one that may not be the latest any more."""
        history = self._history()
        before = history[-1] if self.chance.random() < 0.8 else self.chance.choice(history)
        marks = self.chance.choice((*CODES, None))
        new = next_version(before, confidentiality_codes=confidentiality("N", *([marks] if marks else [])))
        if self.chance.random() < 0.1:
            new = replace(new, patient_id=self.chance.choice(PATIENTS))
        previous = history.index(before) + 1
        whole = updates(new, previous=previous, propagation=self.chance.choice((None, "yes", "no")))
        if self.record.took(whole, self._send(UPDATE, whole), "ITI-57"):
            with self.record.ledger.lock:
                self.record.ledger.versions[str(new.entry_uuid)] = (str(new.logical_id), previous + 1)
                history.append(new)

    def change_status(self) -> None:
        """ITI-57: archive, bring back, delete."""
        changes = [(APPROVED, ARCHIVED)] * 3 + [(ARCHIVED, APPROVED)] * 3 + [(APPROVED, DELETED), (ARCHIVED, DELETED)]
        whole = becomes(self._history()[-1], *self.chance.choice(changes))
        self.record.took(whole, self._send(UPDATE, whole), "ITI-57")

    def link(self) -> None:
        """ITI-57: an addendum, or a member of a Folder, of what is there."""
        one, other, folder = self._history()[-1], self._history()[-1], self._folder()
        while one is other:
            other = self._history()[-1]
        member = folder is not None and self.chance.random() < 0.5
        whole = links(s.member(folder, other) if member else appends(one, other), holder=holder_of(other))
        self.record.took(whole, self._send(UPDATE, whole), "ITI-57")

    def remove(self) -> None:
        """ITI-62 of one submission, or of all that touched a document."""
        with self.record.ledger.lock:
            chosen = self.chance.choice(self.record.submissions[-2 * IN_HAND :])
            if self.chance.random() < 0.5:
                versions = {str(entry.entry_uuid) for entry in self.chance.choice(self.record.histories[-IN_HAND:])}
                chosen = frozenset().union(*(x for x in self.record.submissions if x & versions)) or chosen
        with self.registry.call(REMOVE, s.removal(*sorted(chosen))) as answer:
            outcome = read_registry_response(answer.body)
        with self.record.ledger.lock:
            self.record.answers["ITI-62"].append(
                "Success" if outcome.succeeded else " ".join(sorted({error.code for error in outcome.errors}))
            )
            if outcome.succeeded:
                self.record.ledger.removed |= chosen

    def _filed(self, entry: DocumentEntry) -> Submission:
        """The submission of a document: alone, or beside, above or instead of another one."""
        other = self._history()[-1]
        entry = replace(entry, patient_id=other.patient_id)
        package = s.submission_set(patient_id=entry.patient_id)
        match self.chance.choices(("alone", "replaces", "appends", "references", "folder"), (30, 40, 15, 5, 10))[0]:
            case "replaces":
                return s.submission(package, entry, s.replaces(entry, other))
            case "appends":
                return s.submission(package, entry, appends(entry, other))
            case "references":
                return s.submission(package, entry, s.member(package, other, "Reference"))
            case "folder":
                folder = s.folder(patient_id=entry.patient_id)
                return s.submission(package, entry, folder, s.member(folder, entry))
            case _:
                return s.submission(package, entry)

    def _filed_as(self, whole: Submission, outcome: RegistryOutcome, transaction: str) -> None:
        if self.record.took(whole, outcome, transaction):
            (entry,) = whole.document_entries
            with self.record.ledger.lock:
                self.record.ledger.versions[str(entry.entry_uuid)] = (str(entry.entry_uuid), 1)
                self.record.histories.append([entry])

    def _history(self) -> list[DocumentEntry]:
        with self.record.ledger.lock:
            return self.chance.choice(self.record.histories[-IN_HAND:])

    def _folder(self) -> Folder | None:
        with self.record.ledger.lock:
            return self.chance.choice(self.record.folders[-3:]) if self.record.folders else None

    def _send(self, action: str, whole: Submission) -> RegistryOutcome:
        with self.registry.call(action, etree.tostring(encode_submission(whole))) as answer:
            return read_registry_response(answer.body)


def _sha1(content: bytes) -> Sha1Hash:
    return Sha1Hash.parse(hashlib.sha1(content, usedforsecurity=False).hexdigest())


def _document(**changes: Any) -> DocumentEntry:
    """A document of the French domain."""
    return s.entry(
        patient_id=PATIENTS[0],
        class_code=s.code("10", "1.2.250.1.213.1.1.4.1"),
        type_code=s.code("11488-4", "2.16.840.1.113883.6.1"),
        healthcare_facility_type_code=s.code("SA07", "1.2.250.1.71.4.2.4"),
        practice_setting_code=s.code("AMBULATOIRE", "1.2.250.1.213.1.1.4.9"),
        confidentiality_codes=confidentiality("N"),
        **changes,
    )


@pytest.fixture(params=["sqlite", "postgresql"])
def running(request: pytest.FixtureRequest, tmp_path: Path, pki: Pki) -> Iterator[tuple[server.Engine, Engine]]:
    """A server of two processes without the law, which knows the patients, and its database."""
    embedded = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/engine/feuillet.db" if embedded else request.getfixturevalue("postgresql_url")
    domain = {"affinity_domain": "ci-sis", "patients": INS}
    with server.run_engine(tmp_path / "engine", pki, database_url=url, **domain) as engine:  # type: ignore[arg-type]
        for patient in PATIENTS:
            engine.announce(str(patient))
        database = open_database(url)
        yield engine, database
        database.dispose()


def test_a_thousand_changes_at_once_leave_the_record_whole(running: tuple[server.Engine, Engine]) -> None:
    engine, database = running
    record = Record()
    first = Client(engine, record, SEED)
    record.histories.append([_document()])  # what the first submissions refer to is not there
    for _ in range(IN_HAND):
        first.provide()
        first.register()
    del record.histories[0]
    clients = [Client(engine, record, SEED + n) for n in range(1, CLIENTS + 1)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda client: client.work(OPERATIONS // CLIENTS), clients))  # raises what is no answer

    answers = Counter(answer for of_transaction in record.answers.values() for answer in of_transaction)
    assert answers.total() == OPERATIONS + 2 * IN_HAND
    codes = Counter(code for answer in answers.elements() for code in answer.split())
    assert codes.keys() <= SECOND | AGAIN | {"Success"}, codes
    assert codes[CONFLICT] <= OPERATIONS // 100, codes
    assert codes.total() - codes["Success"] - sum(codes[code] for code in SECOND) <= OPERATIONS // 20, codes
    for transaction, given in record.answers.items():
        assert given.count("Success") >= len(given) // 10, (transaction, Counter(given))
    with database.connect() as connection:
        assert broken(connection, record.ledger) == []
    assert _recorded(database) == {name: len(given) for name, given in record.answers.items()}
    verify = [Path(sys.executable).with_name("feuillet"), "audit", "verify", "--config", engine.configuration]
    assert subprocess.run(verify, check=False).returncode == 0


def _recorded(database: Engine) -> dict[str, int]:
    """How many messages of each transaction the trail knows; one that concerns two patients has an event for each."""
    wanted = select(audit_event.c.content).where(audit_event.c.kind.in_(["ITI-41", "ITI-42", "ITI-57", "ITI-62"]))
    with database.connect() as connection:
        events = [decode(content) for content in connection.scalars(wanted)]
    pairs = Counter((event.transaction.value, event.correlation_id, event.patient) for event in events)
    assert max(pairs.values()) == 1
    return dict(Counter(kind for kind, _ in {(kind, correlation) for kind, correlation, _ in pairs}))
