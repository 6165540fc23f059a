"""A submission with a signature is examined before anything is stored, and what was found is kept with it."""

from __future__ import annotations

import base64
import datetime
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from card_auth.caller import AccessMode, Caller
from card_auth.demo_pki import DemoPki
from card_auth.dsg import ABSENT, FORMAT_DETACHED, DsgPolicy, Reason, SignatureFinding, Verdict, Verifier
from card_auth.trust import RevocationLists, TrustStore, load_profile
from schemas.responses import RegistryOutcome
from schemas.vocabulary import AssociationType
from soap.service import SoapLimits, wsgi_application
from soap.xml import parse_untrusted
from tests.card_auth.conftest import Keys
from tests.card_auth.dsg.conftest import DOCTOR, STRUCTURE, World, parse_document
from tests.card_auth.dsg.forger import changed, first, resigned
from tests.services.trail import events_of, make_trail
from tests.xds_repository.house import Backend, Client, House, listening, make_registry, succeeded
from tests.xds_repository.signatures.signed import INSTITUTION, PERSON, Signer
from tests.xds_repository.submissions import Paper, new_oid, request, submission
from xds_registry import tables as registry_tables
from xds_registry.database import open_database
from xds_registry.encoding import ASSOCIATION_NUMBER
from xds_registry.endpoint import registry_service
from xds_registry.signatures import signature_of
from xds_repository.endpoint import repository_service
from xds_repository.registry_port import SoapRegistry
from xds_repository.signatures import SignatureExamination, SignaturePolicy

NOTHING = {"sets": 0, "entries": 0, "audited": 0, "documents": 0, "intents": 0, "blobs": 0}


@dataclass
class Desk:
    """A repository that somebody known submits to."""

    house: House
    client: Client
    world: World

    def found(self, submitted: object) -> SignatureFinding:
        """What is kept of a submission's signature."""
        with self.house.engine.connect() as connection:
            return signature_of(connection, submitted.unique_id)  # type: ignore[attr-defined]

    def refused(self, submitted: object, before: dict[str, int] | None = None) -> tuple[str, str]:
        """The code and the words with which a submission is refused; nothing of it is kept."""
        outcome: RegistryOutcome = self.client.provide(submitted)  # type: ignore[arg-type]
        assert not outcome.succeeded
        assert self.house.rows() == (before or NOTHING)
        assert self.found(submitted) == ABSENT
        (error,) = outcome.errors
        return error.code, error.code_context


OpensDesk = Callable[..., Desk]


@pytest.fixture
def open_desk(backend: Backend, tmp_path: Path, world: World) -> Iterator[OpensDesk]:
    """Opens a repository on each pair of database and store; may be called once."""
    servers = []
    houses = []

    def open_one(
        policy: SignaturePolicy = SignaturePolicy.VERIFY,
        *,
        caller: Caller | str | None = "the doctor",
        trust: TrustStore | None = None,
        dsg_policy: DsgPolicy | None = None,
        judged: bool = True,
        **options: object,
    ) -> Desk:
        verifier = Verifier(
            trust or world.trust, parse=parse_untrusted, parse_document=parse_document, policy=dsg_policy
        )
        examination = SignatureExamination(policy, verifier if judged else None)
        house = House(backend, tmp_path / "spool", options={"signatures": examination}, **options)  # type: ignore[arg-type]
        who = world.caller() if isinstance(caller, str) else caller
        application = wsgi_application(
            repository_service(house.repository),
            limits=SoapLimits(spool_reserve=0),
            spool_directory=house.spool,
            admit=lambda _: who,
        )
        server = listening(application)
        servers.append(server)
        houses.append(house)
        return Desk(house, Client(server.__enter__(), tmp_path / "client"), world)

    yield open_one
    for server in servers:
        server.__exit__(None, None, None)
    for house in houses:
        house.engine.dispose()


@pytest.mark.parametrize("mtom", [True, False])
@pytest.mark.parametrize("policy", [SignaturePolicy.VERIFY, SignaturePolicy.REQUIRED])
def test_a_signed_submission_is_kept_with_what_was_found(
    open_desk: OpensDesk, policy: SignaturePolicy, mtom: bool
) -> None:
    desk = open_desk(policy)
    signed = Signer(desk.world).submission()
    with capture_logs() as lines:
        assert succeeded(desk.client.provide(signed, mtom=mtom))
    found = desk.found(signed)
    doctor = desk.world.people["doctor"].signature.certificate
    assert (found.verdict, found.reason, found.signer_national_id) == (Verdict.VALID, None, DOCTOR)
    assert (found.signed_at, found.certificate_fingerprint) == (desk.world.now, doctor.fingerprint)
    assert found.algorithm.endswith("rsa-sha256")
    (event,) = events_of(desk.house.engine)
    assert (event.succeeded, event.signature, event.submission_set) == (True, "valid", signed.unique_id)
    (line,) = [one for one in lines if one["event"] == "signature.examined"]
    assert (line["verdict"], line["certificate"]) == ("valid", doctor.fingerprint)
    assert DOCTOR not in str(line)
    assert desk.house.rows() == {"sets": 1, "entries": 4, "audited": 1, "documents": 4, "intents": 4, "blobs": 4}
    retrieved = desk.client.retrieve(*(paper.unique_id for paper in signed.papers))
    assert retrieved.contents == [paper.content for paper in signed.papers]
    assert succeeded(desk.client.provide(signed))  # once more: nothing changes
    assert desk.found(signed) == found
    assert desk.house.count(registry_tables.signature_finding) == 1


def test_the_association_from_the_signature_to_the_set_is_registered(open_desk: OpensDesk) -> None:
    desk = open_desk()
    assert succeeded(desk.client.provide(Signer(desk.world).submission(format_code=FORMAT_DETACHED)))
    columns = registry_tables.association.c
    with desk.house.engine.connect() as connection:
        rows = connection.execute(columns.target.table.select()).all()
        (submission_set,) = connection.execute(registry_tables.submission_set.select()).all()
    signs = [row for row in rows if row.association_type == ASSOCIATION_NUMBER[AssociationType.SIGNS]]
    assert [row.target for row in signs] == [submission_set.entry_uuid]


def test_a_hospital_signs_what_its_people_submit(open_desk: OpensDesk, world: World) -> None:
    desk = open_desk(caller=world.caller("hospital", AccessMode.INDIRECT))
    signed = Signer(desk.world, "hospital").submission()
    assert succeeded(desk.client.provide(signed))
    assert desk.found(signed).signer_structure_id == STRUCTURE


def tampered(number: int, content: bytes) -> Callable[[Signer], object]:
    def change(signer: Signer) -> object:
        signed = signer.submission()
        papers = [*signed.papers]
        papers[number] = replace(papers[number], content=content)
        return replace(signed, papers=tuple(papers))

    return change


def without_one(signer: Signer) -> object:
    """One paper more than was signed."""
    signed = signer.submission()
    return replace(signed, papers=(Paper(b"not signed"), *signed.papers))


WRONG: dict[str, tuple[Callable[[Signer], object], Reason]] = {
    "a tampered XML document": (tampered(0, b"<ClinicalDocument xmlns='urn:hl7-org:v3'/>"), Reason.OTHER_DOCUMENT),
    "a tampered binary document": (tampered(1, b"%PDF-1.7"), Reason.OTHER_DOCUMENT),
    "a tampered text": (tampered(2, b"in other words"), Reason.OTHER_DOCUMENT),
    "an XML document that cannot be read": (tampered(0, b"<!DOCTYPE a><a/>"), Reason.NOT_CANONICAL),
    "an XML document that is too large": (tampered(0, b"<a>" + b" " * 12_000_000 + b"</a>"), Reason.NOT_CANONICAL),
    "a document that is not in the manifest": (without_one, Reason.MISSING_DOCUMENT),
    "a document of the manifest that is not there": (
        lambda signer: replace(signed := signer.submission(), papers=signed.papers[1:]),
        Reason.UNKNOWN_DOCUMENT,
    ),
    "the signature of another set": (lambda s: replace(s.submission(), unique_id="1.2.3.4"), Reason.OTHER_SET),
    "a tampered signature": (
        lambda s: s.submission(lambda one: one.replace(b"SigningTime>2", b"SigningTime>1")),
        Reason.WRONG_DIGEST,
    ),
    "no signature at all": (lambda s: s.submission(lambda _: b"<a/>"), Reason.NO_SIGNATURE),
    "no XML": (lambda s: s.submission(lambda _: b"signed: the doctor"), Reason.UNREADABLE),
    "a colleague's signature": (lambda s: replace(s, who="colleague").submission(), Reason.OTHER_SIGNER),
    "the hospital's signature": (lambda s: replace(s, who="hospital").submission(), Reason.OTHER_SIGNER),
    "another author": (
        lambda s: s.submission(person=PERSON.replace("899700218896", "899700218897")),
        Reason.OTHER_AUTHOR,
    ),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("policy", [SignaturePolicy.VERIFY, SignaturePolicy.REQUIRED])
def test_a_submission_with_a_wrong_signature_is_refused_and_leaves_nothing(
    open_desk: OpensDesk, name: str, policy: SignaturePolicy
) -> None:
    change, reason = WRONG[name]
    desk = open_desk(policy)
    submitted = change(Signer(desk.world))
    code, words = desk.refused(submitted)
    assert code == "InvalidDocumentContent"
    assert reason.value in words
    assert words.startswith(submitted.papers[-1].unique_id)  # type: ignore[attr-defined]
    (event,) = events_of(desk.house.engine)
    assert (event.succeeded, event.signature, event.reason) == (False, f"invalid {reason.name}", code)


def test_a_signature_by_an_expired_card_is_refused(open_desk: OpensDesk, world: World, rsa_keys: Keys) -> None:
    minute = datetime.timedelta(minutes=1)
    old = world.pki.issue_cps("899700218833", valid_for=30 * minute, keys=rsa_keys)  # an hour ago
    desk = open_desk(caller=world.caller(national_id="899700218833"))
    person = PERSON.replace("899700218896", "899700218833")
    then = replace(world, people={**world.people, "doctor": old}, now=world.now - 45 * minute)
    signer = Signer(then, national_id="899700218833")
    honest = signer.submission(person=person)
    assert succeeded(desk.client.provide(honest))  # it was valid when it signed

    def later(signature: bytes) -> bytes:
        time = (world.now - 10 * minute).strftime("%Y-%m-%dT%H:%M:%SZ")
        change = lambda root: setattr(first(root, "SigningTime"), "text", time)  # noqa: E731
        return resigned(changed(signature, change), old.signature.key.private_key)

    papers = tuple(replace(one, unique_id=new_oid()) for one in signer.papers)
    code, words = desk.refused(replace(signer, papers=papers).submission(later, person=person), desk.house.rows())
    assert code == "InvalidDocumentContent"
    assert Reason.NOT_VALID_AT_SIGNING.value in words


def test_a_revoked_card_s_signature_is_refused(open_desk: OpensDesk, own_igc: DemoPki, world: World) -> None:
    pair = own_igc.issue_cps()
    own_igc.revoke(pair.signature.certificate, at=world.now - datetime.timedelta(minutes=5))
    own_igc.write_crl()
    profile = load_profile(own_igc.directory)
    lists = RevocationLists([profile])
    lists.refresh()
    desk = open_desk(trust=TrustStore([profile], lists=lists, production=False))
    _, words = desk.refused(Signer(replace(world, people={"doctor": pair})).submission())
    assert Reason.REVOKED.value in words


@pytest.mark.parametrize(
    ("policy", "taken"),
    [(SignaturePolicy.OFF, True), (SignaturePolicy.VERIFY, True), (SignaturePolicy.REQUIRED, False)],
)
def test_an_unsigned_submission_is_taken_unless_signatures_are_required(
    open_desk: OpensDesk, policy: SignaturePolicy, taken: bool
) -> None:
    desk = open_desk(policy)
    plain = submission(b"unsigned", b"as well")
    if taken:
        assert succeeded(desk.client.provide(plain))
        assert desk.found(plain) == ABSENT
        (event,) = events_of(desk.house.engine)
        assert event.signature == ""
    else:
        code, words = desk.refused(plain)
        assert code == "XDSRepositoryMetadataError"
        assert "signature" in words


def test_a_submission_without_documents_has_nothing_to_sign(open_desk: OpensDesk) -> None:
    desk = open_desk(SignaturePolicy.REQUIRED)
    outcome = desk.client.send(request(submission().metadata(), []), mtom=False)
    assert {error.code for error in outcome.errors} == {"XDSRegistryMetadataError"}  # the registry's own reasons


@pytest.mark.parametrize(
    "changes", [{"class_code": "other"}, {"signs": False}, {"format_code": "other"}], ids=lambda one: next(iter(one))
)
def test_metadata_that_tell_half_of_a_signature_are_refused(open_desk: OpensDesk, changes: dict[str, object]) -> None:
    desk = open_desk()
    code, _ = desk.refused(Signer(desk.world).submission(**changes))
    assert code == "XDSRepositoryMetadataError"


def test_a_uuid_in_other_letters_hides_no_signature(open_desk: OpensDesk) -> None:
    desk = open_desk()
    signed = Signer(desk.world).submission(lambda _: b"<a/>", format_code=FORMAT_DETACHED)
    own = f"urn:uuid:{uuid.uuid4()}"
    metadata = signed.metadata().replace('targetObject="set"', f'targetObject="{own}"')
    metadata = re.sub(r'"set"', f'"{own.upper().replace("URN:UUID", "urn:uuid")}"', metadata)
    outcome = desk.client.send(
        request(metadata, [(one.entry_id, base64.b64encode(one.content)) for one in signed.papers]), mtom=False
    )
    assert [error.code for error in outcome.errors] == ["InvalidDocumentContent"]


def test_where_nobody_looks_a_signature_is_kept_as_not_examined(open_desk: OpensDesk) -> None:
    desk = open_desk(SignaturePolicy.OFF)
    signed = Signer(desk.world).submission(lambda _: b"<a/>")
    assert succeeded(desk.client.provide(signed))
    assert desk.found(signed) == SignatureFinding(verdict=Verdict.UNVERIFIABLE, reason=Reason.NOT_EXAMINED)
    (event,) = events_of(desk.house.engine)
    assert event.signature == "unverifiable NOT_EXAMINED"


def test_without_a_caller_a_right_signature_is_unverifiable_and_a_wrong_one_refused(open_desk: OpensDesk) -> None:
    desk = open_desk(caller=None)
    _, words = desk.refused(tampered(1, b"other")(Signer(desk.world)))
    assert Reason.OTHER_DOCUMENT.value in words
    signed = Signer(desk.world).submission()
    assert succeeded(desk.client.provide(signed))
    assert (desk.found(signed).verdict, desk.found(signed).reason) == (Verdict.UNVERIFIABLE, Reason.NOBODY_KNOWN)


def test_where_nobody_is_trusted_no_signature_is_judged(open_desk: OpensDesk) -> None:
    desk = open_desk(judged=False)
    signed = Signer(desk.world).submission()
    assert succeeded(desk.client.provide(signed))
    assert desk.found(signed) == SignatureFinding(verdict=Verdict.UNVERIFIABLE, reason=Reason.NO_TRUST)


def test_where_signatures_are_required_one_that_cannot_be_judged_is_not_enough(open_desk: OpensDesk) -> None:
    desk = open_desk(SignaturePolicy.REQUIRED, caller=None)
    code, words = desk.refused(Signer(desk.world).submission())
    assert code == "InvalidDocumentContent"
    assert Reason.NOBODY_KNOWN.value in words


def test_an_institution_s_name_makes_no_author(open_desk: OpensDesk, world: World) -> None:
    desk = open_desk(caller=world.caller("hospital", AccessMode.INDIRECT))
    named = INSTITUTION.replace("CABINET", STRUCTURE).replace(f"^^^{STRUCTURE}", "^^^10B0000000")
    _, words = desk.refused(Signer(desk.world, "hospital").submission(institution=named))
    assert Reason.OTHER_AUTHOR.value in words


def test_a_registry_without_the_documents_says_so_and_the_repository_keeps_what_it_found(
    open_desk: OpensDesk, tmp_path: Path, backend: Backend
) -> None:
    elsewhere = Backend(f"sqlite:///{tmp_path / 'registry.db'}", backend.store)
    elsewhere.prepare()
    registry = make_registry(open_database(elsewhere.database))
    application = wsgi_application(
        registry_service(registry), limits=SoapLimits(spool_reserve=0), spool_directory=tmp_path
    )
    own = open_database(backend.database)
    with listening(application) as url:
        port = SoapRegistry(url, own, trail=make_trail(own), spool_directory=tmp_path)
        desk = open_desk(registry_port=port)
        signed = Signer(desk.world).submission()
        assert succeeded(desk.client.provide(signed))
    with registry.engine.connect() as connection:
        there = signature_of(connection, signed.unique_id)
    assert (there.verdict, there.reason) == (Verdict.UNVERIFIABLE, Reason.NOT_EXAMINED)
    assert desk.found(signed).verdict is Verdict.VALID
    assert [event.signature for event in events_of(registry.engine)] == ["unverifiable NOT_EXAMINED"]
    assert {event.signature for event in events_of(desk.house.engine)} == {"valid"}
    registry.engine.dispose()
    own.dispose()
