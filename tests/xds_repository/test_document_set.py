"""What makes two requests the same one, and what the repository adds to the metadata it passes on."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from lxml import etree

from schemas.ebrim import reading as r
from schemas.vocabulary import RIM, XDSB
from soap.parts import Spool
from soap.xml import parse_trusted
from tests.xds_repository.submissions import REPOSITORY, Paper, Submission, submission
from xds_repository.document_set import DocumentSet, complete, receive


def read(body: bytes, spool: Path) -> DocumentSet:
    with ExitStack() as held:
        return complete(receive(parse_trusted(body), {}, Spool(spool), held), REPOSITORY)


def digest(papers: Submission, spool: Path) -> str:
    return read(papers.inline(), spool).digest


def test_the_same_request_has_the_same_digest_wherever_its_namespaces_are_declared(tmp_path: Path) -> None:
    body = submission(b"a").inline()
    outside = body.replace(f' xmlns:rim="{RIM}"'.encode(), b"").replace(
        f' xmlns:xdsb="{XDSB}"'.encode(), f' xmlns:rim="{RIM}" xmlns:unused="urn:x" xmlns:xdsb="{XDSB}"'.encode()
    )
    assert outside != body
    assert read(body, tmp_path).digest == read(outside, tmp_path).digest


def test_other_bytes_or_other_metadata_are_another_request(tmp_path: Path) -> None:
    papers = submission(b"a", b"b")
    first, second = papers.papers
    others = [
        papers,
        replace(papers, papers=(replace(first, content=b"c"), second)),
        replace(papers, papers=(replace(first, content=b"b"), replace(second, content=b"a"))),
        replace(papers, papers=(first.saying(title="x"), second)),
        replace(papers, unique_id="1.2.3"),
    ]
    assert len({digest(other, tmp_path) for other in others}) == len(others)


def test_slots_are_added_in_front_where_the_schema_wants_them(tmp_path: Path) -> None:
    paper = Paper(b"abc").saying(repositoryUniqueId="1.2.3")
    (entry,) = read(submission(paper).inline(), tmp_path).request.iter(r.EXTRINSIC_OBJECT)
    tags = [etree.QName(child).localname for child in entry]
    assert tags.index("Classification") == tags.count("Slot")
    slots = {slot.get("name"): [v.text for v in slot.iter(r.VALUE)] for slot in entry.iter(r.SLOT)}
    assert (slots["hash"], slots["size"], slots["repositoryUniqueId"]) == ([paper.sha1], ["3"], [REPOSITORY])
    assert [slot.get("name") for slot in entry if slot.tag == r.SLOT].count("repositoryUniqueId") == 1


def test_an_empty_hash_slot_is_filled(tmp_path: Path) -> None:
    paper = Paper(b"abc").saying(hash="", size="")
    (entry,) = read(submission(paper).inline(), tmp_path).request.iter(r.EXTRINSIC_OBJECT)
    values = {slot.get("name"): [v.text for v in slot.iter(r.VALUE)] for slot in entry if slot.tag == r.SLOT}
    assert (values["hash"], values["size"]) == ([paper.sha1], ["3"])


def test_everything_else_passes_on_as_it_came(tmp_path: Path) -> None:
    papers = submission(Paper(b"abc").saying(**{"urn:x:extra": " kept  as it is ", "title": "\u00e9"}), b"def")
    request = read(papers.inline() + b"\n", tmp_path).request
    for entry in request.iter(r.EXTRINSIC_OBJECT):
        for slot in [slot for slot in entry if slot.get("name") in ("hash", "size", "repositoryUniqueId")]:
            entry.remove(slot)
    sent = parse_trusted(papers.metadata().encode())
    assert etree.tostring(request, method="c14n", exclusive=True) == etree.tostring(sent, method="c14n", exclusive=True)
