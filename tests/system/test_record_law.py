"""The record's law at the wire: what each professional may file, find and read, and what the patient forbids."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from card_auth.caller import PurposeOfUse
from card_auth.demo_pki import DemoPki
from dmp.authorisations import Holder, HolderKind
from dmp.authorisations.emergency import awaiting_review, notices
from dmp.authorisations.granting import block, declare_treating_doctor, grant
from dmp.authorisations.standing import standing
from dmp.records.changes.lifecycle import open_record
from dmp.records.consents import PATIENT as THE_PATIENT
from dmp.records.consents import Author as Filer
from dmp.records.consents import Consent, ConsentCode
from dmp.records.record import RecordRules
from dmp.records.traits import Sex, Sheet, Traits
from dmp.records.vitale import VitaleReading
from schemas import vocabulary as v
from schemas.responses import read_registry_response
from soap.faults import SoapFault
from tests.services.engine import REPOSITORY_ID, Engine
from tests.services.pki import Pki
from tests.system.professionals import INS, Professional, professional
from tests.system.test_trust import searched, trusting
from tests.xds_registry import submissions as s
from xds_registry.database import open_database, writing
from xds_registry.query.catalogue import QueryId

OTHER = "153078987658513^^^&1.2.250.1.213.1.4.10&ISO"
RULES = RecordRules()


@dataclass(frozen=True, slots=True)
class Practice:
    """A server with a patient's record, and those who look after the patient."""

    engine: Engine
    doctor: Professional  # authorised
    treating: Professional  # médecin traitant
    nurse: Professional  # authorised
    stranger: Professional  # a doctor whom nobody authorised
    blocked: Professional


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory, pki: Pki, igc: DemoPki) -> Iterator[Practice]:
    directory = tmp_path_factory.mktemp("law") / "engine"
    with trusting(directory, pki, igc, known=INS, law=True, patients="1.2.250.1.213.1.4.10") as engine:
        engine.announce(OTHER)
        people = [
            professional(engine, igc, f"89970000000{number}", profession, speciality)
            for number, (profession, speciality) in enumerate(
                [("10", "SM26"), ("10", "SM54"), ("60", ""), ("10", "SM04"), ("10", "SM40")], start=1
            )
        ]
        doctor, treating, nurse, _, blocked = people
        now = datetime.now(UTC)
        filer = Filer(national_id=doctor.national_id, name="DUPONT ALIX", profession="10")
        opened = open_database(f"sqlite:///{directory}/feuillet.db")
        with writing(opened) as connection:
            for patient in (INS, OTHER):
                record = open_record(
                    connection,
                    patient,
                    Sheet(
                        traits=Traits(birth_name="TEST", first_names=("ALIX",), sex=Sex.FEMALE, birth_date="19790305")
                    ),
                    reading=VitaleReading(patient=patient, birth_date="19790305", read_at=now, is_holder=True),
                    consents=[Consent(ConsentCode.OPENING, True, now, filer)],
                    by=filer,
                    at=now,
                    rules=RULES,
                )
                for each in (doctor, nurse, blocked):
                    grant(connection, record.pk, holder(each), by=filer_of(each), at=now, rules=RULES)
                declare_treating_doctor(
                    connection, record.pk, holder(treating), by=filer_of(treating), at=now, rules=RULES
                )
                block(connection, record.pk, holder(blocked), by=THE_PATIENT, at=now)
        opened.dispose()
        yield Practice(engine, *people)


def holder(who: Professional) -> Holder:
    return Holder(
        kind=HolderKind.PERSON, identifier=who.national_id, family_name=who.family, profession=who.roles[0].code
    )


def filer_of(who: Professional) -> Filer:
    return Filer(national_id=who.national_id, name=who.family, profession=who.roles[0].code)


def fault(asked: object) -> str:
    """The name of the fault that a call ends in."""
    with pytest.raises(SoapFault) as caught:
        asked()  # type: ignore[operator]
    return (caught.value.subcode or "").rpartition("}")[2]


DENIED = "DMPAccessDeniedByRightsService"


def test_who_is_authorised_finds_and_reads_and_nobody_else(practice: Practice) -> None:
    entry = practice.doctor.entry()
    assert practice.doctor.provide(entry).succeeded
    for reader in (practice.doctor, practice.treating, practice.nurse):
        assert entry.entry_uuid in reader.find()
        outcome, content = reader.retrieve(entry.unique_id)
        assert outcome.succeeded
        assert str(entry.unique_id).encode() in content
    for other in (practice.stranger, practice.blocked):
        assert fault(other.find) == DENIED
        assert fault(lambda other=other: other.retrieve(entry.unique_id)) == DENIED


def test_a_masked_document_exists_for_its_author_and_the_treating_doctor(practice: Practice) -> None:
    entry = practice.doctor.entry("MASQUE_PS")
    assert practice.doctor.provide(entry).succeeded
    for reader in (practice.doctor, practice.treating):
        assert entry.entry_uuid in reader.find()
        assert reader.retrieve(entry.unique_id)[0].succeeded
    assert entry.entry_uuid not in practice.nurse.find()
    hidden, absent = practice.nurse.retrieve(entry.unique_id), practice.nurse.retrieve("1.2.250.99.999999999")
    assert [e.code for e in hidden[0].errors] == [e.code for e in absent[0].errors] == ["XDSDocumentUniqueIdError"]


def test_feeding_needs_no_authorisation_and_gives_no_sight(practice: Practice) -> None:
    entry = practice.stranger.entry()
    assert practice.stranger.provide(entry).succeeded
    assert fault(practice.stranger.find) == DENIED
    assert entry.entry_uuid in practice.doctor.find()
    assert set(practice.stranger.find(return_type="ObjectRef")) == {entry.entry_uuid}


def test_the_glass_is_broken_with_a_reason_and_the_patient_is_told(practice: Practice) -> None:
    entry = practice.doctor.entry()
    masked = practice.doctor.entry("MASQUE_PS")
    assert practice.doctor.provide(entry, masked).succeeded
    found = practice.stranger.breaking_glass("coma, no relatives").find()
    assert entry.entry_uuid in found
    assert masked.entry_uuid not in found
    opened = open_database(f"sqlite:///{practice.engine.configuration.parent}/feuillet.db")
    with opened.connect() as connection:
        (told,) = notices(connection, standing(connection, INS, "", "", datetime.now(UTC)).record_pk or 0)
    opened.dispose()
    assert (told.national_id, told.reason) == (practice.stranger.national_id, "coma, no relatives")
    assert fault(practice.blocked.breaking_glass("coma").find) == DENIED


def test_a_regulation_centre_enters_without_a_reason_and_once_for_a_while(practice: Practice) -> None:
    entry = practice.doctor.entry()
    assert practice.doctor.provide(entry).succeeded
    regulating = replace(practice.stranger, purpose=PurposeOfUse.REGULATION)
    for _ in range(2):
        assert entry.entry_uuid in regulating.find()
    opened = open_database(f"sqlite:///{practice.engine.configuration.parent}/feuillet.db")
    with opened.connect() as connection:
        found = [each for each in awaiting_review(connection) if each.mode is PurposeOfUse.REGULATION]
    opened.dispose()
    assert [each.national_id for each in found] == [practice.stranger.national_id]


@pytest.mark.parametrize(
    ("marks", "expected"),
    [
        (("MASQUE_PS", "INVISIBLE_PATIENT"), "exclude each other"),
        (("R",), "exactly one of the levels"),
    ],
)
def test_confidentiality_is_stated_as_the_rules_want(practice: Practice, marks: tuple[str, ...], expected: str) -> None:
    outcome = practice.doctor.provide(practice.doctor.entry(*marks))
    assert [error.code for error in outcome.errors] == ["XDSRegistryMetadataError"]
    assert expected in outcome.errors[0].code_context


def test_nobody_files_in_another_s_name(practice: Practice) -> None:
    forged = practice.doctor.entry(authors=(practice.nurse.author,))
    outcome = practice.doctor.provide(forged)
    assert "author" in outcome.errors[0].code_context


def test_only_its_author_replaces_a_document_and_a_hidden_one_is_not_there(practice: Practice) -> None:
    old, masked = practice.doctor.entry(), practice.doctor.entry("MASQUE_PS")
    assert practice.doctor.provide(old, masked).succeeded
    for target, code in ((old, "LocalPolicyRestrictionError"), (masked, "UnresolvedReferenceException")):
        new = practice.nurse.entry()
        outcome = practice.nurse.provide(new, links=[s.replaces(new, target)])
        assert [error.code for error in outcome.errors] == [code]
    new = practice.doctor.entry()
    assert practice.doctor.provide(new, links=[s.replaces(new, old)]).succeeded


def test_who_sees_documents_ties_them_by_a_set_that_refers_to_them(practice: Practice) -> None:
    first, second, masked = practice.doctor.entry(), practice.doctor.entry(), practice.doctor.entry("MASQUE_PS")
    for one in (first, second, masked):
        assert practice.doctor.provide(one).succeeded

    for who, provide in ((practice.doctor, False), (practice.nurse, False), (practice.treating, True)):
        assert who.refer(first, second, provide=provide).succeeded
    assert practice.treating.refer(first, masked).succeeded
    # Who does not see a document refers to none.
    for who, entries in ((practice.nurse, (first, masked)), (practice.stranger, (first,))):
        assert [error.code for error in who.refer(*entries).errors] == ["UnresolvedReferenceException"]
    asked = {"$uuid": s.quoted(first.entry_uuid)}
    answer = practice.nurse.query(QueryId.GET_SUBMISSION_SETS, asked)
    assert len(list(answer.iter(f"{{{v.RIM}}}RegistryPackage"))) == 5  # its own, and four that refer to it
    assert {link.get("targetObject") for link in answer.iter(f"{{{v.RIM}}}Association")} == {first.entry_uuid}


def test_an_assertion_for_one_patient_opens_no_other_record(practice: Practice) -> None:
    wrong = practice.doctor.about(OTHER).entry()
    assert fault(lambda: practice.doctor.provide(wrong)) == DENIED
    request = {"$XDSDocumentEntryPatientId": f"'{OTHER}'", "$XDSDocumentEntryStatus": s.quoted(s.APPROVED)}
    assert fault(lambda: practice.doctor.query(QueryId.FIND_DOCUMENTS, request)) == DENIED  # type: ignore[arg-type]
    assert fault(lambda: practice.doctor.about(None).retrieve("1.2.250.99.1")) == DENIED


def test_a_patient_without_a_record_is_unknown(practice: Practice) -> None:
    nobody = "277076322082910^^^&1.2.250.1.213.1.4.10&ISO"
    practice.engine.announce(nobody)
    outcome = practice.doctor.about(nobody).provide(practice.doctor.about(nobody).entry())
    assert [error.code for error in outcome.errors] == ["XDSUnknownPatientId"]


def test_what_the_law_refuses_is_in_the_trail_with_its_reason(practice: Practice) -> None:
    assert fault(practice.blocked.find) == DENIED
    found = searched(practice.engine, "--person", practice.blocked.national_id, "--patient", INS)
    assert (found[-1]["refusal"], found[-1]["reason"]) == ("rights", "BLOCKED")


def test_a_doctor_announces_and_merges_no_patients(practice: Practice) -> None:
    for name in ("PRPA_IN201301UV02", "PRPA_IN201302UV02", "PRPA_IN201304UV02"):
        body = f'<{name} xmlns="{v.HL7V3}" ITSVersion="XML_1.0"/>'.encode()
        action = f"{v.HL7V3}:{name}"
        assert fault(lambda: practice.doctor.caller("/registry").call(action, body)) == DENIED  # noqa: B023


def test_nothing_is_taken_out_of_a_record(practice: Practice) -> None:
    entry = practice.doctor.entry()
    assert practice.doctor.provide(entry).succeeded
    answer = practice.doctor.query(QueryId.GET_ASSOCIATIONS, {"$uuid": s.quoted(entry.entry_uuid)})
    (link,) = answer.iter(f"{{{v.RIM}}}Association")
    named = "".join(f'<rim:ObjectRef id="{x}"/>' for x in (entry.entry_uuid, link.get("id"), link.get("sourceObject")))
    removal = (
        f'<lcm:RemoveObjectsRequest xmlns:lcm="{v.LCM}" xmlns:rim="{v.RIM}"><rim:ObjectRefList>{named}'
        "</rim:ObjectRefList></lcm:RemoveObjectsRequest>"
    )
    with practice.doctor.caller("/registry").call("urn:ihe:iti:2010:DeleteDocumentSet", removal.encode()) as said:
        assert [e.code for e in read_registry_response(said.body).errors] == ["LocalPolicyRestrictionError"]
    documents = (
        f'<rmd:RemoveDocumentsRequest xmlns:rmd="urn:ihe:iti:rmd:2017" xmlns:x="{v.XDSB}"><x:DocumentRequest>'
        f"<x:RepositoryUniqueId>{REPOSITORY_ID}</x:RepositoryUniqueId>"
        f"<x:DocumentUniqueId>{entry.unique_id}</x:DocumentUniqueId></x:DocumentRequest></rmd:RemoveDocumentsRequest>"
    )
    with practice.doctor.caller("/repository").call("urn:ihe:iti:2017:RemoveDocuments", documents.encode()) as said:
        assert [e.code for e in read_registry_response(said.body).errors] == ["XDSRemoveDocumentsError"]
    assert entry.entry_uuid in practice.doctor.find()
    assert practice.doctor.retrieve(entry.unique_id)[0].succeeded
