"""The shape of a submission: one SubmissionSet, and everything linked as the standard draws it."""

from __future__ import annotations

import pytest
from lxml import etree

from schemas import vocabulary as v
from schemas.metadata import EntryId, Submission
from tests.xds_registry import submissions as s
from tests.xds_registry.submissions import entry, folder, member, request, select, submission, submission_set
from tests.xds_registry.test_validation_attributes import METADATA, only, refused


def test_a_submission_has_one_set() -> None:
    document = entry()
    for sets in ((), (submission_set(), submission_set())):
        code, context = only(request(Submission(submission_sets=sets, document_entries=(document,))))
        assert code == METADATA
        assert context.endswith(f"has {len(sets)}")


def test_a_submission_submits_something() -> None:
    set_ = submission_set()
    errors = refused(request(Submission(submission_sets=(set_,))))
    assert {error.code for error in errors} == {METADATA}
    assert any("at least one DocumentEntry, Folder" in error.code_context for error in errors)
    assert any(error.code_context.startswith(set_.entry_uuid) for error in errors)


def test_a_reference_alone_is_a_submission_and_an_original_that_is_not_there_is_none() -> None:
    set_ = submission_set()
    assert refused(request(submission(set_, member(set_, s.new_id(), "Reference")))) == ()
    errors = refused(request(submission(set_, member(set_, s.new_id(), "Original"))))
    assert {error.code for error in errors} == {METADATA}


def test_a_membership_alone_is_a_submission() -> None:
    assert refused(request(submission(member(s.new_id(), s.new_id())))) == ()


@pytest.mark.parametrize("kind", ["DocumentEntry", "Folder"])
def test_every_object_is_a_member_of_the_set(kind: str) -> None:
    set_, linked = submission_set(), entry()
    loose = entry() if kind == "DocumentEntry" else folder()
    documents = (linked, loose) if kind == "DocumentEntry" else (linked,)
    whole = Submission(
        submission_sets=(set_,),
        document_entries=documents,  # type: ignore[arg-type]
        folders=(loose,) if kind == "Folder" else (),  # type: ignore[arg-type]
        associations=(member(set_, linked, "Original"),),
    )
    code, context = only(request(whole))
    assert code == METADATA
    assert context.startswith(f"{loose.entry_uuid}: the {kind} is not a member")


def test_a_membership_of_a_folder_is_a_member_of_the_set() -> None:
    set_, document, holder = submission_set(), entry(), folder()
    link = member(holder, document)
    whole = Submission(
        submission_sets=(set_,),
        document_entries=(document,),
        folders=(holder,),
        associations=(member(set_, document, "Original"), member(set_, holder), link),
    )
    code, context = only(request(whole))
    assert code == METADATA
    assert context.startswith(f"{link.entry_uuid}: ")


def test_a_member_is_linked_once() -> None:
    set_, document = submission_set(), entry()
    links = [member(set_, document, "Original") for _ in range(2)]
    errors = refused(request(set_, document, *links))
    assert {error.code for error in errors} == {METADATA}
    assert any(x.code_context.startswith(f"{document.entry_uuid}: is a member") for x in errors)


def test_an_id_stands_for_one_object() -> None:
    twin = EntryId("twin")
    errors = refused(request(entry(entry_uuid=twin), folder(entry_uuid=twin)))
    assert {error.code for error in errors} == {METADATA}
    assert any(error.code_context.startswith("twin id: ") for error in errors)


@pytest.mark.parametrize("name", ["urn:uuid:1", "urn:uuid:", "urn:uuid:g0000000-0000-4000-8000-000000000001"])
def test_a_uuid_urn_holds_a_uuid(name: str) -> None:
    code, context = only(request(entry(entry_uuid=EntryId(name))))
    assert code == METADATA
    assert context.startswith(f"{name} id: ")


def test_a_package_is_told_by_a_classification_inside_or_beside_it() -> None:
    message = request(entry(), folder())
    for node in (v.SUBMISSION_SET_NODE, v.FOLDER_NODE):
        (told,) = select(message, f"//rim:Classification[@classificationNode='{node}']")
        package = told.getparent()
        package.getparent().append(told)
    assert refused(message) == ()


def test_a_package_that_is_neither_set_nor_folder_is_refused() -> None:
    message = s.without(request(folder()), f"//rim:Classification[@classificationNode='{v.FOLDER_NODE}']")
    assert METADATA in {error.code for error in refused(message)}


@pytest.mark.parametrize("name", ["Service", "Organization", "Person", "User", "AuditableEvent", "AdhocQuery"])
def test_other_classes_of_objects_are_not_registered(name: str) -> None:
    message = request(entry())
    (holder,) = select(message, "//rim:RegistryObjectList")
    etree.SubElement(holder, f"{{{v.RIM}}}{name}", {"id": "stranger"})
    code, context = only(message)
    assert code == METADATA
    assert context.startswith(f"stranger {name}: ")


def test_an_unknown_kind_of_association_is_named() -> None:
    document = entry()
    message = request(document, s.replaces(document, s.new_id()))
    (link,) = select(message, "//rim:Association[contains(@associationType, 'RPLC')]")
    link.set("associationType", "urn:example:AssociationType:Likes")
    errors = refused(message)
    assert {error.code for error in errors} == {METADATA}
    assert any("urn:example:AssociationType:Likes" in error.code_context for error in errors)


def test_an_association_without_an_id_is_registered() -> None:
    message = request(entry())
    (link,) = select(message, "//rim:Association")
    del link.attrib["id"]
    assert refused(message) == ()


def test_prefixes_comments_and_blanks_mean_nothing_outside_of_values() -> None:
    text = etree.tostring(request(entry(), folder()), encoding="unicode")
    odd = text.replace("<rim:", "<löß-1:").replace("</rim:", "</löß-1:").replace("xmlns:rim=", "xmlns:löß-1=")
    odd = odd.replace("<lcm:", "<").replace("</lcm:", "</").replace("xmlns:lcm=", "xmlns=")
    odd = odd.replace("<löß-1:Slot", "<!-- remark --><löß-1:Slot").replace("</löß-1:Value>", "\n </löß-1:Value>")
    assert refused(s.parsed(odd)) == ()


def test_a_comment_inside_a_value_is_refused() -> None:
    message = request(entry())
    (value,) = select(message, "//rim:Slot[@name='creationTime']//rim:Value")
    value.append(etree.Comment("9"))
    value[-1].tail = "59"
    errors = refused(message)
    assert {error.code for error in errors} == {METADATA}
    assert any("creationTime" in error.code_context for error in errors)


def test_the_members_of_a_submission_set_are_no_memberships_of_its_own() -> None:
    holder, document = submission_set(), entry()
    own = member(holder, document, "Original")
    code, context = only(request(holder, document, own, member(holder, own)))
    assert code == METADATA
    assert "own HasMember" in context
