"""What the record's law costs: FindDocuments and ITI-43 under it beside the same without, in one process, in turns."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from lxml import etree
from sqlalchemy import Engine, insert, select

from bench import workload
from bench.product import Setup, application, rooms
from bench.rounds import Comparison, Round, Target, interleave
from bench.rows import post
from bench.transactions import Run, fresh_directory
from bench.wire import Failed
from bench.workload import Posted, Submission, patient_id
from card_auth.caller import AccessMode, Caller, PurposeOfUse, Role
from dmp.authorisations import AuthorisationStatus, HolderKind, Standing
from dmp.authorisations.standing import standing
from dmp.records import rules
from dmp.records import tables as records
from dmp.records.record import RecordStatus
from dmp.rights.actions import Action
from dmp.rights.actors import DOCTOR, PROFESSION_SYSTEM, Actor, ActorKind
from dmp.rights.decision import Law
from soap.message import Addressing, IncomingMessage, Operation, Reply
from soap.parts import Spool
from soap.xml import parse_untrusted
from xds_registry.database import writing
from xds_registry.visibility import EVERYTHING, OfRecord
from xds_repository.retrieve import Readable, everybody

if TYPE_CHECKING:
    from feuillet.law import RecordLaw
    from xds_repository.repository import Repository

#: Documents of each patient: 100,000 patients among 1,000,000 entries.
_EACH: Final = 10
#: How many patients are asked about, drawn from all.
_ASKED: Final = 2_000
_FEW: Final = 10_000
_RETRIEVED: Final = 100 * 1024
_DOCTOR: Final = "899700000010"
_NURSE: Final = "899700000060"
_BATCH: Final = 10_000
_SINCE: Final = datetime(2026, 1, 1, tzinfo=UTC)
_RECORD: Final = {
    "status": int(RecordStatus.ACTIVE),
    "birth_date": "19750701",
    "sex": "F",
    "sheet_version": 1,
    "opened_at": _SINCE,
    "closing_reason": "",
    "closing_note": "",
    "opposed_to_break_glass": False,
    "opposed_to_regulation": False,
    "masked_readable_in_emergency": False,
    "legal_hold_reason": "",
}
_NAMED: Final = {"is_local": False, "position": 0, "added_at": _SINCE}
_HELD: Final = {
    "holder_kind": int(HolderKind.PERSON),
    "holder_id": _DOCTOR,
    "family_name": "BENCH",
    "first_name": "",
    "specialities": "[]",
    "granted_at": _SINCE,
    "expires_at": datetime(2100, 1, 1, tzinfo=UTC),
    "last_action_at": _SINCE,
}
_OPERATION: Final = Operation("bench", "", "", "", False, lambda _: Reply(()))
_ADDRESSING: Final = Addressing("", "urn:uuid:bench")
_AUTHORISED: Final = Standing(record_status=RecordStatus.ACTIVE, person=AuthorisationStatus.VALID)
_LAW: Final = Law()
_NURSES: Final = "60"
_TARGET: Final = Target(1.3)
_BODY: Final = "{http://www.w3.org/2003/05/soap-envelope}Body"


def rights(run: Run) -> list[Comparison]:
    """The law's share of ITI-18 and ITI-43: processor time of this process."""
    return [*_queries(run), *_retrievals(run)]


def _queries(run: Run) -> list[Comparison]:
    filled = run.databases.filled(run.many, _EACH)
    opened = rooms(Setup(filled.url, fresh_directory(run, "rights")))
    registry = opened.registry
    if registry is None:
        raise Failed("a registry is measured")
    open_records(opened.engine, filled.patients)
    law = record_law(opened.engine)
    chosen = random.Random(3)
    patients = [patient_id(x) for x in chosen.sample(range(1, filled.patients + 1), min(_ASKED, filled.patients // 2))]
    asked = {patient: body_of(workload.find_documents(patient)) for patient in patients}
    viewers: dict[str, Callable[[str], Actor]] = {
        "a doctor": lambda _: Actor(kind=ActorKind.DOCTOR, identifier=_DOCTOR, profession=DOCTOR),
        "a nurse": lambda _: Actor(kind=ActorKind.PROFESSIONAL, identifier=_NURSE, profession=_NURSES),
        "the patient": lambda patient: Actor(kind=ActorKind.PATIENT, identifier=patient),
    }

    def seen_by(viewer: Callable[[str], Actor], patient: str) -> list[bytes]:
        ruling = _LAW.ruling(viewer(patient), Action.SEARCH, patient, _AUTHORISED)
        return registry.stored_query(asked[patient], OfRecord(patient, ruling.documents))

    def under_law(patient: str) -> list[bytes]:
        return registry.stored_query(asked[patient], law.visibility_of(message(asked[patient], patient)))

    def without(patient: str) -> list[bytes]:
        return registry.stored_query(asked[patient], EVERYTHING)

    ways: list[Callable[[str], list[bytes]]] = [without, *(partial(seen_by, x) for x in viewers.values()), under_law]
    expected = b"".join(without(patients[0]))
    if expected.count(b"<rim:ExtrinsicObject ") != _EACH or any(b"".join(x(patients[0])) != expected for x in ways):
        raise Failed("not every viewer is given every document")

    def stood(patient: str) -> Standing:
        with opened.engine.connect() as connection:
            return standing(connection, patient, _DOCTOR, "", datetime.now(UTC))

    if stood(patients[0]).person is not AuthorisationStatus.VALID:
        raise Failed("the doctor is authorised")
    bare, *seen, whole, alone = interleave(
        [_processor(way, patients, run.requests) for way in (*ways, stood)], run.rounds
    )
    opened.close()
    scale = f"patients with {_EACH} documents among {run.many:,}, LeafClass, all visible"
    return [
        *(
            Comparison(
                f"FindDocuments as {name}",
                f"processor time of the registry, trail included; {scale}; the ruling and its filter",
                "the same query without a filter",
                "µs",
                samples,
                bare,
                _TARGET,
            )
            for name, samples in zip(viewers, seen, strict=True)
        ),
        Comparison(
            "FindDocuments, whole law",
            "the same with everything that is asked at the door: patients named, standing, ruling, filter",
            "the same query without a filter",
            "µs",
            whole,
            bare,
            Target(2.0),
        ),
        Comparison(
            "how a doctor stands to a record",
            "one statement, on a connection from the pool",
            "FindDocuments without a filter",
            "µs",
            alone,
            bare,
            Target(0.3),
        ),
    ]


def _retrievals(run: Run) -> list[Comparison]:
    copied = run.databases.copy(_FEW)
    with retrieval(Setup(copied.url, fresh_directory(run, "rights-iti43")), run.requests, _RETRIEVED) as subject:
        open_records(subject.engine, 1)
        asked = {unique_id: body_of(workload.retrieval(unique_id)) for unique_id in subject.unique_ids}

        def answered(retrieve: Callable[[IncomingMessage], Reply], unique_id: str) -> None:
            reply = retrieve(message(asked[unique_id], patient_id(1)))
            if sum(len(chunk) for part in reply.parts for chunk in part.chunks) != _RETRIEVED:
                raise Failed("a document is not given")

        sides = [
            _processor(partial(answered, way), subject.unique_ids, run.requests)
            for way in (subject.lawful.retrieve, subject.lawless.retrieve)
        ]
        measured, against = interleave(sides, run.rounds)
    return [
        Comparison(
            "ITI-43 under the law",
            "processor time of the repository, trail included; a document of 100 KB, read and proven",
            "the same without the law",
            "µs",
            measured,
            against,
            Target(2.0),
        )
    ]


def record_law(engine: Engine) -> RecordLaw:
    """The law as it is shipped."""
    from feuillet.law import RecordLaw  # noqa: PLC0415 - figures: see bench.product

    return RecordLaw(engine, _LAW, rules=lambda at: rules.current(at.date()))


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Documents of patient 1, and two repositories that give them: one asks the law, one does not."""

    engine: Engine
    lawful: Repository
    lawless: Repository
    unique_ids: tuple[str, ...]


@contextmanager
def retrieval(setup: Setup, documents: int, size: int) -> Iterator[Retrieval]:
    """So many documents of a size, provided through the product."""
    wsgi, opened = application(setup), rooms(setup)
    from feuillet.composition import repository_configuration  # noqa: PLC0415 - figures: see bench.product
    from xds_repository.registry_port import InProcessRegistry  # noqa: PLC0415
    from xds_repository.repository import Repository  # noqa: PLC0415

    provided = [Submission.fresh(patient_id(1)) for _ in range(documents)]
    for number, one in enumerate(provided):
        if b":Success" not in post(wsgi, "/repository", one.provided(workload.document(size, number))):
            raise Failed("a document is not kept")
    if opened.registry is None:
        raise Failed("the registry is in this process")
    port = InProcessRegistry(opened.registry)

    def repository(readable: Readable) -> Repository:
        return Repository(
            opened.engine,
            opened.store,
            port,
            repository_configuration(opened.settings),
            spool=Spool(opened.spool_directory),
            trail=opened.trail,
            readable=readable,
        )

    lawful, lawless = repository(record_law(opened.engine).readable), repository(everybody)
    try:
        yield Retrieval(opened.engine, lawful, lawless, tuple(one.unique_id for one in provided))
    finally:
        opened.close()


def open_records(engine: Engine, patients: int) -> None:
    """A record for each patient 1, 2, 3…, whose doctor is authorised; those of an earlier run stay."""
    with writing(engine) as connection:
        if connection.scalar(select(records.record.c.pk).limit(1)) is not None:
            return
        for start in range(1, patients + 1, _BATCH):
            numbers = range(start, min(start + _BATCH, patients + 1))
            connection.execute(insert(records.record), [{"pk": x, **_RECORD} for x in numbers])
            named = [{"identifier": patient_id(x), "record_pk": x, **_NAMED} for x in numbers]
            connection.execute(insert(records.record_identifier), named)
            connection.execute(insert(records.authorisation), [{"record_pk": x, **_HELD} for x in numbers])


def body_of(posted: Posted) -> etree._Element:
    """What a request asks, out of its envelope; of a package, its first part."""
    start = posted.body.index(b"<", posted.body.find(b"\r\n\r\n") if posted.body.startswith(b"--") else 0)
    end = posted.body.index(b"Envelope>", start) + len(b"Envelope>")
    return next(parse_untrusted(posted.body[start:end]).iter(_BODY))[0]


def message(body: etree._Element, patient: str) -> IncomingMessage:
    """A request of the doctor about a patient, as it comes out of the verification of an assertion."""
    return IncomingMessage(_OPERATION, _ADDRESSING, body, None, False, None, "bench", caller=_caller(patient))


def _caller(patient: str) -> Caller:
    return Caller(
        national_id=_DOCTOR,
        name="BENCH",
        roles=(Role(DOCTOR, PROFESSION_SYSTEM),),
        structure_id="1750000001",
        structure_name=None,
        sector=None,
        mode=AccessMode.DIRECT,
        purpose_of_use=PurposeOfUse.NORMAL,
        resource_id=patient,
    )


def _processor(way: Callable[[str], object], asked: Sequence[str], requests: int) -> Round:
    """A round that returns microseconds of processor time for each request."""
    chosen = random.Random(43)

    def run() -> float:
        turn = [chosen.choice(asked) for _ in range(requests)]
        started = time.process_time()
        for one in turn:
            way(one)
        return (time.process_time() - started) * 1e6 / requests

    return run
