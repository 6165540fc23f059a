"""Inline documents that are no strict base64, or not what their metadata say; and documents and entries that disagree.

These are correct SOAP: the answer is an XDS error. ITI TF-2: 3.41.4.1.3, RFC 4648 §3
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator

from tests.hostile.case import CANARY, REPOSITORY, SOAP, Case, Failure
from tests.hostile.messages import content_type, document, package, piece, provide, root, xop
from tests.xds_repository.submissions import Paper, submission

CORRECT = base64.b64encode(f"{CANARY}0".encode()).decode()
# What cannot be decoded is no document: its entry has none. ITI TF-3: Table 4.2.4.1-2
_UNREADABLE = {"XDSMissingDocument"}
_SPOILED = {
    "a hyphen of the URL alphabet": "AA-A",
    "an underscore of the URL alphabet": "AA_A",
    "an exclamation mark": "AA!A",
    "a no-break space": "AAAA\N{NO-BREAK SPACE}AAAA",
    "a letter that is not ASCII": "AAéA",
    "a full-width letter": "AA\N{FULLWIDTH LATIN CAPITAL LETTER A}A",
    "one character": "A",
    "two characters": "AA",
    "three characters": "AAA",
    "five characters": "AAAAA",
    "too little padding": "AA=",
    "too much padding": "AAA==",
    "padding alone": "====",
    "one equals sign": "=",
    "three equals signs": "A===",
    "padding in the middle": "AA==AAAA",
    "single padding in the middle": "AAA=AAAA",
    "two texts joined": "AA==AA==",
    "unused bits before double padding": "AB==",
    "unused bits before single padding": "AAB=",
    "padding after a whole quantum": "AAAA=",
    "a percent sign": "AA%3D",
    "a comment between": "AA<!-- -->AA",
    "an element between": "AA<b/>AA",
    "a data URL": "data:;base64,AAAA",
}


def _failure(name: str, rule: str, codes: set[str], body: Callable[[], bytes], media: str = SOAP) -> Case:
    return Case(name, rule, Failure(frozenset(codes)), body, (("Content-Type", media),), REPOSITORY)


def cases() -> Iterator[Case]:
    """All of them."""
    for name, text in _SPOILED.items():
        yield _failure(
            f"base64: {name}",
            "inline documents are strict base64",
            _UNREADABLE,
            lambda text=text: provide(text),
        )
    for name, text in {
        "after a long correct text": "A" * 400_000 + "AA-A",
        "padding inside a long text": "A" * 262_140 + "AAA=" + "AAAA",
        "nothing but white space and one character": " \n" * 1000 + "A",
    }.items():
        yield _failure(
            f"base64: {name}",
            "inline documents are strict base64",
            _UNREADABLE,
            lambda text=text: provide(text),
        )
    yield _failure(
        "a document without an entry",
        "documents and entries correspond one to one",
        {"XDSMissingDocumentMetadata", "XDSMissingDocument"},
        lambda: package(root(provide(xop("cid:d0@x"), ids=("nobody",))), document()),
        content_type(),
    )
    yield _failure(
        "two documents with one id",
        "documents and entries correspond one to one",
        {"XDSRepositoryMetadataError"},
        lambda: package(root(_twice()), document(), piece("d1@x", f"{CANARY}1".encode())),
        content_type(),
    )
    for name, slots in {
        "a hash of other bytes": {"hash": "0" * 40},
        "a hash that is none": {"hash": "z" * 40},
        "a size too small": {"size": "11"},
        "a size too large": {"size": "13"},
        "a negative size": {"size": "-12"},
        "a size of a word": {"size": "many"},
    }.items():
        paper = Paper(f"{CANARY}0".encode()).saying(**slots)
        made = submission(paper)
        for way, content in (("inline", CORRECT), ("attached", xop("cid:d0@x"))):
            text = provide(content, metadata=made.metadata(), ids=(paper.entry_id,))
            yield _failure(
                f"{name}, {way}",
                "size and hash, where stated, are those of the bytes",
                {"XDSRepositoryMetadataError"},
                (lambda t=text: t) if way == "inline" else (lambda t=text: package(root(t), document())),
                SOAP if way == "inline" else content_type(),
            )


def _twice() -> bytes:
    text = provide(xop("cid:d0@x"))
    start = text.index(b"<x:Document ")
    end = text.index(b"</x:Document>") + len(b"</x:Document>")
    element = text[start:end]
    return text[:end] + element.replace(b"d0@x", b"d1@x") + text[end:]
