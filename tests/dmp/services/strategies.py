"""Every message as a hypothesis strategy: legal values, and texts that a careless codec would spoil."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from dmp.services import vocabulary as v
from dmp.services.messages.candidates import CandidateQuery, Candidates, SoughtTraits
from dmp.services.messages.closing import Closing
from dmp.services.messages.demographics import Demographics, DemographicsQuery
from dmp.services.messages.operations import accounts, habilitations, record_list
from dmp.services.messages.operations.outcome import Outcome
from dmp.services.messages.patient import CardIdentity, LegalRepresentative, Observation, Patient
from dmp.services.messages.people import Author, PersonName, PostalAddress, Telecom, TelecomUse
from dmp.services.messages.registration import Registration, RegistrationAnswer
from dmp.services.messages.wrapper import Acknowledgement, Device, Head, Identifier, Verdict
from dmp.services.vocabulary import ObservationCode, Reason, ResponseCode
from schemas.datatypes import Cx
from tests.schemas.strategies import oid_texts, texts

words = texts(30)
maybe = st.one_of(st.just(""), words)
#: Outside the hours in which legal time is ambiguous, and to the second.
moments = st.datetimes(datetime(2011, 1, 1), datetime(2060, 1, 1)).map(
    lambda at: at.replace(microsecond=0, hour=4 + at.hour % 16, tzinfo=UTC)
)
stamps = st.one_of(st.just(""), moments.map(lambda at: f"{at:%Y%m%d%H%M%S}"))
dates = st.from_regex(r"(19|20)[0-9]{6}", fullmatch=True)
numbers = st.from_regex(r"[0-9A-Z]{1,22}", fullmatch=True)
identifiers = st.builds(Cx.of, numbers, oid_texts)
ids = st.builds(Identifier, oid_texts, maybe)
devices = st.builds(Device, ids, maybe)
heads = st.builds(
    Head,
    message_id=ids,
    created_at=moments,
    sender=devices,
    receiver=devices,
    processing=st.sampled_from("PTD"),
)
acknowledgements = st.builds(Acknowledgement, ids, st.just(Verdict.ERROR), words, maybe) | st.builds(
    Acknowledgement, ids
)
names = st.builds(
    PersonName,
    given=st.lists(words, min_size=1, max_size=3).map(tuple),
    usual=words,
    birth=maybe,
    family=maybe,
    prefix=maybe,
)
telecoms = st.lists(st.builds(Telecom, st.sampled_from(TelecomUse), words), max_size=4, unique=True).map(tuple)
addresses = st.builds(
    PostalAddress,
    lines=st.lists(words, max_size=3).map(tuple),
    additional=maybe,
    postal_code=maybe,
    city=words,
    country=maybe,
)
representatives = st.builds(
    LegalRepresentative,
    relationship=st.sampled_from(["FTH", "MTH", "GUARD"]),
    name=names,
    address=st.none() | addresses,
    telecoms=telecoms,
)
_TEXTS = (ObservationCode.REGIME, ObservationCode.DEFERRAL)
observations = st.lists(st.sampled_from(ObservationCode), unique=True).flatmap(
    lambda codes: st.tuples(
        *[
            st.builds(Observation, st.just(code), words if code in _TEXTS else st.booleans(), st.none() | moments)
            for code in codes
        ]
    )
)
patients = st.builds(
    Patient,
    identifiers=st.lists(identifiers, min_size=1, max_size=3, unique=True).map(tuple),
    status=st.none() | st.sampled_from(v.PatientStatus),
    closed_at=st.none() | moments,
    name=names,
    telecoms=telecoms,
    sex=st.sampled_from(["", "M", "F", "U"]),
    birth_date=st.one_of(st.just(""), dates),
    deceased=st.none() | st.booleans(),
    address=st.none() | addresses,
    birth_place=st.none() | addresses,
    representatives=st.lists(representatives, max_size=2).map(tuple),
    card=st.none()
    | st.builds(CardIdentity, name=names, birth_date=st.from_regex(r"[0-9]{6}([0-9]{2})?", fullmatch=True)),
    observations=observations,
)
authors = st.builds(
    Author,
    national_id=numbers,
    family=words,
    given=words,
    speciality=maybe,
    structure_id=st.one_of(st.just(""), numbers),
    structure_name=maybe,
)
closings = st.none() | st.builds(Closing, words, maybe)

queries = st.builds(
    DemographicsQuery,
    head=heads,
    reason=st.sampled_from([Reason.TEST_EXISTENCE, Reason.READ]),
    query_id=ids,
    patient=identifiers,
)
demographics = st.builds(
    Demographics,
    head=heads,
    acknowledgement=acknowledgements,
    reason=st.sampled_from([Reason.TEST_EXISTENCE, Reason.READ]),
    query_id=ids,
    found=st.sampled_from(ResponseCode),
    authorisation=maybe,
    treating=st.none() | st.booleans(),
    patient=st.none() | patients,
    closing=closings,
)
registrations = st.builds(
    Registration,
    head=heads,
    reason=st.sampled_from([Reason.CREATE, Reason.REACTIVATE, Reason.AMEND, Reason.CLOSE]),
    patient=patients,
    author=authors,
    closing=closings,
)
registration_answers = st.builds(
    RegistrationAnswer,
    head=heads,
    acknowledgement=acknowledgements,
    reason=st.sampled_from([Reason.CREATE, Reason.REACTIVATE, Reason.AMEND, Reason.CLOSE]),
    patient=st.none() | patients,
)
sought = st.builds(
    SoughtTraits,
    family=words,
    given=maybe,
    birth_date=st.one_of(st.just(""), dates),
    sex=st.sampled_from(["", "M", "F"]),
    postal_code=maybe,
    city=maybe,
)
candidate_queries = st.builds(CandidateQuery, head=heads, query_id=ids, sought=sought)
candidates = st.builds(
    Candidates,
    head=heads,
    acknowledgement=acknowledgements,
    query_id=ids,
    sought=sought,
    found=st.sampled_from(ResponseCode),
    patients=st.lists(patients, max_size=2).map(tuple),
)

outcomes = st.builds(Outcome, words, maybe)
settings_of_authorisation = st.builds(
    habilitations.SetAuthorisation,
    st.sampled_from(habilitations.AuthorisationAction),
    st.none() | st.sampled_from(habilitations.SpecificRight),
)
authorisation_queries = st.builds(habilitations.ListAuthorisations, st.sampled_from(habilitations.AuthorisationMode))
authorisation_lists = st.builds(
    habilitations.AuthorisationList,
    outcomes,
    st.lists(
        st.builds(
            habilitations.AuthorisationRow,
            national_id=words,
            national_id_type=oid_texts,
            first_name=maybe,
            last_name=maybe,
            speciality_codes=st.lists(words, max_size=2).map(tuple),
            speciality_labels=st.lists(words, max_size=2).map(tuple),
            start=stamps,
            last_action=stamps,
            mode=st.sampled_from(habilitations.AuthorisationMode),
            rights=st.lists(st.sampled_from(habilitations.SpecificRight), max_size=1).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
)
account_creations = st.builds(accounts.CreateAccess, st.sampled_from(accounts.ChannelType), words)
channel_updates = st.builds(
    accounts.UpdateChannel, st.sampled_from(accounts.ChannelType), st.sampled_from(accounts.ChannelAction), words
)
accesses = st.builds(accounts.Access, outcomes, maybe, maybe)
record_list_queries = st.builds(record_list.RecordListQuery, st.none() | moments, st.sampled_from(record_list.ListedBy))
record_lists = st.builds(
    record_list.RecordList,
    outcomes,
    st.lists(
        st.builds(
            record_list.RecordRow,
            identifiers=st.lists(identifiers, min_size=1, max_size=2).map(tuple),
            usual_name=maybe,
            birth_name=maybe,
            first_name=maybe,
            civility=maybe,
            birth_date=st.one_of(st.just(""), dates),
            treating=st.booleans(),
            message=st.booleans(),
            last_access=stamps,
            last_update=stamps,
            last_addition=stamps,
        ),
        max_size=3,
    ).map(tuple),
)
