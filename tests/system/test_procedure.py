"""The life of a record as the Web DMP procedure tells it, through SOAP alone: from the Vitale card to the history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest

from card_auth.demo_pki import DemoPki
from dmp.records.record import RecordRules
from dmp.rights.actors import Actor, ActorKind
from dmp.rights.decision import Law
from dmp.services.messages.operations.habilitations import SpecificRight
from dmp.services.vocabulary import ObservationCode, Reason, ResponseCode
from dmp.traces import Deed
from feuillet.law import RecordLaw
from feuillet.law.history import record_history
from schemas import vocabulary as v
from schemas.metadata import CodedValue, DocumentEntry
from schemas.vocabulary import AvailabilityStatus
from tests.dmp.services import samples
from tests.services.engine import Engine
from tests.services.pki import Pki
from tests.system.professionals import INS, Professional, confidentiality, professional
from tests.system.test_dmp_services import client
from tests.system.test_record_law import fault
from tests.system.test_trust import searched, trusting
from tests.xds_registry import submissions as s
from tests.xds_registry.update.messages import becomes, next_version, updates
from xds_registry.query.catalogue import QueryId

APPROVED, ARCHIVED, DELETED = AvailabilityStatus.APPROVED, AvailabilityStatus.ARCHIVED, AvailabilityStatus.DELETED
DENIED = "DMPAccessDeniedByRightsService"
STRUCTURE = "10B0127189"
RIM = f"{{{v.RIM}}}"


@dataclass(frozen=True, slots=True)
class Town:
    """A server that knows no patient yet, and professionals."""

    engine: Engine
    doctor: Professional
    treating: Professional
    other: Professional


@pytest.fixture(scope="module", params=["SQLite", "PostgreSQL"])
def town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, pki: Pki, igc: DemoPki
) -> Iterator[Town]:
    directory = tmp_path_factory.mktemp("procedure") / "engine"
    with ExitStack() as stack:
        url = None
        if request.param == "PostgreSQL":
            url = stack.enter_context(request.getfixturevalue("postgresql_cluster").fresh_database())
        more = {"database_url": url, "affinity_domain": "ci-sis"}
        engine = stack.enter_context(
            trusting(directory, pki, igc, known=None, law=True, patients="1.2.250.1.213.1.4.10", **more)
        )
        doctor, treating, other = (professional(engine, igc, f"89970000020{n}") for n in (1, 2, 3))
        yield Town(engine, doctor, treating, other)


def mask(entry: DocumentEntry, *marks: str) -> DocumentEntry:
    """The next version of an entry with other marks."""
    codes: tuple[CodedValue, ...] = confidentiality("N", *marks)
    return next_version(entry, confidentiality_codes=codes)


def test_the_procedure_from_the_card_to_the_history(town: Town) -> None:
    doctor, treating, other = town.doctor, town.treating, town.other
    mine, theirs, third = client(doctor), client(treating), client(other)
    author = samples.author(doctor.national_id, STRUCTURE)

    # The Vitale card is read, the patient agrees, the record is created; nobody is in it by that.
    assert mine.exists().found is ResponseCode.NOT_FOUND
    assert mine.register(samples.creation(by=author)).acknowledgement.accepted
    assert fault(doctor.find) == DENIED

    # The patient authorises two doctors, one of them as médecin traitant.
    for each in (mine, theirs, third):
        assert each.authorise().status == "DMPOk"
    assert theirs.authorise(SpecificRight.TREATING_DOCTOR).status == "DMPOk"

    # A single document, then three that belong together.
    single = doctor.entry()
    assert doctor.provide(single).succeeded
    report, imaging, summary = doctor.entry(), doctor.entry(), doctor.entry()
    assert doctor.provide(report, imaging, summary).succeeded
    related = other.query(QueryId.GET_SUBMISSION_SETS, {"$uuid": s.quoted(report.entry_uuid)})
    (package,) = [x.get("id", "") for x in related.iter(f"{RIM}RegistryPackage")]
    contents = other.query(QueryId.GET_SUBMISSION_SET_AND_CONTENTS, {"$XDSSubmissionSetEntryUUID": f"'{package}'"})
    shown = {x.get("id") for x in contents.iter(f"{RIM}ExtrinsicObject")}
    assert shown == {report.entry_uuid, imaging.entry_uuid, summary.entry_uuid}

    # One is masked, by any professional at the patient's request; another professional does not see it any more.
    masked = mask(doctor.read(summary.entry_uuid), "MASQUE_PS")
    assert doctor.change(updates(masked)).succeeded
    assert masked.entry_uuid not in other.find()
    assert [e.code for e in other.retrieve(summary.unique_id)[0].errors] == ["XDSDocumentUniqueIdError"]
    assert {masked.entry_uuid, single.entry_uuid} <= set(treating.find())
    assert treating.retrieve(summary.unique_id)[0].succeeded
    assert masked.entry_uuid in doctor.find()
    # Neither do its old version and its place among the others tell of it.
    old = other.query(QueryId.GET_DOCUMENTS, {"$XDSDocumentEntryEntryUUID": s.quoted(summary.entry_uuid)})
    assert not list(old.iter(f"{RIM}ExtrinsicObject"))
    # Another professional cannot unmask what is not there; the médecin traitant can, and masks it again.
    assert [e.code for e in other.change(updates(mask(masked), previous=2)).errors] == ["XDSMetadataVersionError"]
    unmasked = mask(masked)
    assert treating.change(updates(unmasked, previous=2)).succeeded
    assert unmasked.entry_uuid in other.find()
    assert treating.change(updates(mask(unmasked, "MASQUE_PS"), previous=3)).succeeded

    # What the patient could see is not hidden from the patient afterwards.
    hiding = doctor.change(updates(mask(doctor.read(report.entry_uuid), "INVISIBLE_PATIENT")))
    assert [e.code for e in hiding.errors] == ["LocalPolicyRestrictionError"]

    # The author replaces, archives, brings back and deletes; nobody else does.
    newer = doctor.entry()
    assert doctor.provide(newer, links=[s.replaces(newer, single)]).succeeded
    assert fault(lambda: other.change(becomes(newer, APPROVED, DELETED))) == DENIED
    assert doctor.change(becomes(newer, APPROVED, ARCHIVED)).succeeded
    assert newer.entry_uuid not in doctor.find()
    assert newer.entry_uuid in doctor.find(ARCHIVED)
    assert doctor.change(becomes(newer, ARCHIVED, APPROVED)).succeeded
    assert doctor.change(becomes(newer, APPROVED, DELETED)).succeeded
    assert newer.entry_uuid not in doctor.find(APPROVED, ARCHIVED)
    back = doctor.change(becomes(newer, DELETED, APPROVED))
    assert not back.succeeded

    # The record is closed: nothing is read, nothing is lost; reactivated, everything is there again.
    assert mine.register(replace(samples.closing_of(), author=author)).acknowledgement.accepted
    assert fault(treating.find) == "DMPClosed"
    assert fault(lambda: doctor.provide(doctor.entry())) == "DMPClosed"
    agreed = samples.patient(samples.consent(ObservationCode.REACTIVATION_CONSENT), card=samples.card())
    assert mine.register(samples.revision(Reason.REACTIVATE, agreed, by=author)).acknowledgement.accepted
    assert {report.entry_uuid, imaging.entry_uuid} <= set(treating.find())

    # The history tells the patient and the médecin traitant all of it, another doctor their own part.
    assert_history(town)

    # The trail has it all, under the patient and by person.
    events = searched(town.engine, "--patient", INS)
    accepted = [event for event in events if event["outcome"] == 0]
    done: set[tuple[str, ...]] = {(e["transaction"], e.get("national_id", "")) for e in accepted}
    done |= {(e["transaction"], e.get("national_id", ""), name) for e in accepted for name in e.get("functions", ())}
    for expected in (
        ("TD1.1", doctor.national_id),
        ("TD0.3", treating.national_id),
        ("ITI-57", doctor.national_id, "TD3.3a-mask"),
        ("ITI-57", treating.national_id, "TD3.3a-unmask"),
        ("ITI-57", doctor.national_id, "TD3.3d"),
        ("ITI-57", doctor.national_id, "TD3.3c"),
        ("ITI-43", treating.national_id),
        ("TD1.4", doctor.national_id),
        ("TD1.2", doctor.national_id),
    ):
        assert expected in done
    assert any(e["outcome"] != 0 and e["national_id"] == other.national_id for e in events)


def assert_history(town: Town) -> None:
    """Who reads what of the access history."""
    database = town.engine.database()
    law = RecordLaw(database, Law(), rules=lambda _: RecordRules())
    with database.connect() as connection:
        patient = record_history(connection, law, Actor(kind=ActorKind.PATIENT, identifier=INS), INS)
        whole = record_history(connection, law, actor(town.treating), INS)
        own = record_history(connection, law, actor(town.other), INS)
    database.dispose()
    for seen in (patient, whole):
        deeds = {(trace.who.national_id, trace.deed) for trace in seen.traces}
        assert {
            (town.doctor.national_id, Deed.ADDED),
            (town.doctor.national_id, Deed.MASKED),
            (town.treating.national_id, Deed.UNMASKED),
            (town.doctor.national_id, Deed.ARCHIVED),
            (town.doctor.national_id, Deed.DELETED),
            (town.treating.national_id, Deed.READ),
        } <= deeds
    assert {trace.who.national_id for trace in own.traces} == {town.other.national_id}


def actor(who: Professional) -> Actor:
    """The professional as the law sees them."""
    return Actor(kind=ActorKind.DOCTOR, identifier=who.national_id, profession="10")
