"""Values of every data type and objects of every kind, as hypothesis strategies: legal and awkward."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import strategies as st

from schemas import datatypes as d
from schemas import metadata as m
from schemas.attributes import ASSOCIATION, DOCUMENT_ENTRY, FOLDER, SUBMISSION_SET, ObjectTable
from schemas.ebrim.reading import BLANKS
from schemas.vocabulary import AssociationType, AvailabilityStatus, DocumentEntryType

#: Markup, accents composed and decomposed, characters outside the first plane, look-alikes of blanks, HL7 separators.
AWKWARD = (
    *(
        "<&>\"'",
        "]]>",
        "&amp;",
        "&#0;",
        "<!--",
        "<?pi?>",
        "</rim:Value>",
        'value="',
        "\u00e9",
        "e\u0301",
        "Œuvre d'été",
    ),
    *("\u0300", "\U0001f469\u200d\u2695\ufe0f", "\U00020000", "\ufeff", "\u00a0", "\u2028", "a\tb", "a\nb", "a\rb"),
    *("^", "&", "|", "~", "\\", "\\T\\", "\\X0D\\", "日本語", "ﬁ"),
)

_characters = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")


def texts(most: int = 40) -> st.SearchStrategy[str]:
    """A text that is not blank, has no blanks around it and at most `most` characters."""
    plain = st.text(_characters, max_size=most)
    mixed = st.lists(st.sampled_from(AWKWARD), min_size=1, max_size=6).map("".join)
    return st.one_of(plain, mixed).map(lambda text: text[:most].strip(BLANKS)).filter(str.strip)


_symbols = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,20}", fullmatch=True)
uuid_urns = st.uuids().map(lambda value: value.urn)
oid_texts = st.builds(
    lambda first, arcs: ".".join([first, *map(str, arcs)]),
    st.sampled_from("012"),
    st.lists(st.integers(0, 10**7), min_size=1, max_size=6),
)
_uris = st.one_of(uuid_urns, oid_texts.map("urn:oid:{}".format), _symbols)
_components = texts(16).map(d.escape)
_authorities = oid_texts.map("&{}&ISO".format)

dtm_texts = st.builds(
    lambda moment, digits: f"{moment.year:04}{moment:%m%d%H%M%S}"[:digits],
    st.datetimes(),
    st.sampled_from((4, 6, 8, 10, 12, 14)),
)
cx_texts = st.builds("{}^^^{}".format, _components, _authorities)
cxi_texts = st.builds(
    "{}^^^{}^{}".format,
    _components,
    st.one_of(st.just(""), _authorities, _components),
    _components,
)
xcn_texts = st.one_of(
    st.builds("{}^{}^{}^^^^^^{}^D^^^EI".format, _components, _components, _components, _authorities),
    st.builds("^{}^{}".format, _components, _components),
    st.builds("{}^^".format, _components),
)
xon_texts = st.one_of(
    _components,
    st.builds("{}^^^^^^^^^{}".format, _components, oid_texts),
    st.builds("{}^^^^^{}^^^^{}".format, _components, _authorities, _components),
)
xtn_texts = st.one_of(
    st.builds("^NET^Internet^{}".format, _components),
    st.builds("^PRN^PH^^33^1^{}".format, st.from_regex(r"[0-9]{4,9}", fullmatch=True)),
    st.builds("^WPN^CP^^^^^^^^^{}".format, _components),
)
recipient_texts = st.one_of(
    xon_texts,
    st.builds("|{}".format, xcn_texts),
    st.builds("||{}".format, xtn_texts),
    st.builds("{}|{}|{}".format, xon_texts, xcn_texts, xtn_texts),
).filter(lambda text: len(text) <= 256)
info_texts = st.builds("PID-{}|{}".format, st.integers(1, 39), st.one_of(st.just(""), texts()))
_solid = texts(64).map(lambda text: "".join(c for c in text if not c.isspace() and c.isprintable())).filter(bool)
unique_id_texts = st.one_of(oid_texts, uuid_urns, st.builds("{}^{}".format, oid_texts, _symbols), _solid)
sha1_texts = st.from_regex(r"[0-9a-fA-F]{40}", fullmatch=True)
language_texts = st.from_regex(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}", fullmatch=True)
mime_texts = st.one_of(
    st.sampled_from(("text/xml", "Application/PDF", "text/plain; charset=utf-8", "application/xslt+xml")),
    st.from_regex(
        r"[A-Za-z0-9!#$&^_.+-]{1,20}/[A-Za-z0-9!#$&^_.+-]{1,20}(; ?[a-z]{1,8}=[a-z0-9]{1,8})?", fullmatch=True
    ),
)

#: Every data type with texts that it accepts.
DATA_TYPES: dict[type, st.SearchStrategy[str]] = {
    d.Cx: cx_texts,
    d.Cxi: cxi_texts,
    d.Dtm: dtm_texts,
    d.LanguageTag: language_texts,
    d.MimeType: mime_texts,
    d.Oid: oid_texts,
    d.RecipientValue: recipient_texts,
    d.Sha1Hash: sha1_texts,
    d.SourcePatientInfoItem: info_texts,
    d.UniqueId: unique_id_texts,
    d.Uri: unique_id_texts,
    d.Uuid: st.one_of(uuid_urns, uuid_urns.map(lambda urn: "urn:uuid:" + urn[9:].upper())),
    d.Xcn: xcn_texts,
    d.Xon: xon_texts,
    d.Xtn: xtn_texts,
}

localized = st.builds(m.LocalizedText, texts(), st.one_of(st.none(), st.sampled_from(("fr", "fr-FR", "en-US"))))
_text_lists = st.lists(localized, max_size=2).map(tuple)


def _slots(known: frozenset[str], most: int = 2) -> st.SearchStrategy[tuple[m.Slot, ...]]:
    names = st.one_of(st.from_regex(r"urn:[a-z]{2,8}:[a-z]{1,8}", fullmatch=True), texts()).filter(
        lambda name: name not in known
    )
    values = st.lists(st.one_of(st.just(""), texts()), max_size=3).map(tuple)
    slot = st.builds(m.Slot, names, values, st.one_of(st.none(), _uris))
    return st.lists(slot, max_size=most, unique_by=lambda one: one.name).map(tuple)


codes = st.builds(m.CodedValue, texts(), texts(), _text_lists, _slots(frozenset({"codingScheme"}), 1))
_author_slots = {"authorPerson", "authorInstitution", "authorRole", "authorSpecialty", "authorTelecommunication"}
authors = st.builds(
    m.Author,
    st.one_of(st.none(), st.builds(d.Xcn.parse, xcn_texts)),
    st.lists(st.builds(d.Xon.parse, xon_texts), max_size=2).map(tuple),
    st.lists(texts(), max_size=2).map(tuple),
    st.lists(texts(), max_size=2).map(tuple),
    st.lists(st.builds(d.Xtn.parse, xtn_texts), max_size=2).map(tuple),
    _slots(frozenset(_author_slots), 1),
).filter(lambda author: author.person or author.institutions or author.telecommunications)
_extra_classifications = st.lists(
    st.builds(
        m.ExtraClassification,
        st.one_of(st.none(), uuid_urns),
        st.one_of(st.none(), uuid_urns),
        st.one_of(st.none(), st.just(""), texts()),
        _text_lists,
        _slots(frozenset(), 1),
    ),
    max_size=2,
).map(tuple)
_extra_identifiers = st.lists(st.builds(m.ExtraIdentifier, uuid_urns, texts(), _text_lists), max_size=2).map(tuple)

entry_ids = st.one_of(uuid_urns, _symbols).map(m.EntryId)


def _maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(st.none(), strategy)


def _shared(table: ObjectTable) -> dict[str, st.SearchStrategy[object]]:
    """The fields that all objects have."""
    return {
        "entry_uuid": entry_ids,
        "availability_status": _maybe(st.sampled_from(AvailabilityStatus)),
        "home_community_id": _maybe(oid_texts.map("urn:oid:{}".format)),
        "title": _text_lists,
        "comments": _text_lists,
        "extra_slots": _slots(frozenset(table.slots)),
        "extra_classifications": _extra_classifications,
        "extra_identifiers": _extra_identifiers,
    }


def _versioned(table: ObjectTable) -> dict[str, st.SearchStrategy[object]]:
    return _shared(table) | {
        "logical_id": _maybe(uuid_urns),
        "version": _maybe(st.integers(0, 10**9 - 1)),
        "patient_id": _maybe(st.builds(d.Cx.parse, cx_texts)),
        "unique_id": _maybe(st.builds(d.UniqueId.parse, unique_id_texts)),
        "limited_metadata": st.booleans(),
    }


def _values(kind: type, texts_of: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    return texts_of.map(kind.parse)  # type: ignore[attr-defined]


def _many(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(strategy, max_size=2).map(tuple)


_times = _maybe(_values(d.Dtm, dtm_texts))
_code = _maybe(codes)
document_entries: st.SearchStrategy[m.DocumentEntry] = st.builds(
    m.DocumentEntry,
    **_versioned(DOCUMENT_ENTRY),
    object_type=_maybe(st.sampled_from(DocumentEntryType)),
    mime_type=_maybe(_values(d.MimeType, mime_texts)),
    authors=_many(authors),
    **dict.fromkeys(("class_code", "type_code", "format_code", "healthcare_facility_type_code"), _code),
    practice_setting_code=_code,
    confidentiality_codes=_many(codes),
    event_codes=_many(codes),
    **dict.fromkeys(("creation_time", "service_start_time", "service_stop_time"), _times),
    hash=_maybe(_values(d.Sha1Hash, sha1_texts)),
    size=_maybe(st.integers(0, 10**18 - 1)),
    language_code=_maybe(_values(d.LanguageTag, language_texts)),
    legal_authenticator=_maybe(_values(d.Xcn, xcn_texts)),
    source_patient_id=_maybe(_values(d.Cx, cx_texts)),
    source_patient_info=_many(_values(d.SourcePatientInfoItem, info_texts)),
    reference_ids=_many(_values(d.Cxi, cxi_texts)),
    repository_unique_id=_maybe(_values(d.Oid, oid_texts)),
    uri=_maybe(_values(d.Uri, unique_id_texts)),
    document_availability=_maybe(texts()),
)
submission_sets: st.SearchStrategy[m.SubmissionSet] = st.builds(
    m.SubmissionSet,
    **_versioned(SUBMISSION_SET),
    authors=_many(authors),
    content_type_code=_code,
    intended_recipients=_many(_values(d.RecipientValue, recipient_texts)),
    source_id=_maybe(_values(d.Oid, oid_texts)),
    submission_time=_times,
)
folders: st.SearchStrategy[m.Folder] = st.builds(
    m.Folder, **_versioned(FOLDER), code_list=_many(codes), last_update_time=_times
)
associations: st.SearchStrategy[m.Association] = st.builds(
    m.Association,
    **_shared(ASSOCIATION),
    association_type=st.sampled_from(AssociationType),
    source=entry_ids,
    target=entry_ids,
    **{attribute.field: _maybe(texts()) for attribute in ASSOCIATION.slots.values()},
    documentation=_code,
)
registry_objects = st.one_of(document_entries, submission_sets, folders, associations)


def _numbered(submission: m.Submission) -> m.Submission:
    """The same submission with an id of its own for every object."""
    numbered = {
        name: tuple(
            replace(item, entry_uuid=m.EntryId(f"{name}-{at}")) for at, item in enumerate(getattr(submission, name))
        )
        for name in (field.name for field in fields(m.Submission))
        if name != "references"
    }
    return replace(submission, **numbered)


submissions: st.SearchStrategy[m.Submission] = st.builds(
    m.Submission,
    submission_sets=_many(submission_sets),
    document_entries=_many(document_entries),
    folders=_many(folders),
    associations=_many(associations),
    references=_many(uuid_urns.map(m.EntryId)),
).map(_numbered)
