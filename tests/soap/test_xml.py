from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

import soap.xml
from soap.xml import Refusal, XmlLimits, XmlRefused, load_schema, parse_trusted, parse_untrusted, text_only


def verdict(document: bytes, limits: XmlLimits | None = None, charset: str | None = None) -> Refusal | None:
    try:
        parse_untrusted(document, limits or XmlLimits(), charset=charset)
    except XmlRefused as refused:
        return refused.reason
    return None


DOCTYPES = [
    "<!DOCTYPE a>",
    '<!DOCTYPE a SYSTEM "file:///etc/passwd">',
    '<!DOCTYPE a PUBLIC "-//x" "http://127.0.0.1:9/x.dtd">',
    '<!DOCTYPE a [<!ENTITY e "v">]>',
    '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p"> %p;]>',
    '<!DOCTYPE a [<!ATTLIST a xmlns CDATA "urn:evil">]>',
]


@pytest.mark.parametrize("doctype", DOCTYPES)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_doctype_is_refused_in_every_accepted_encoding(doctype: str, encoding: str) -> None:
    assert verdict(f"{doctype}<a>x</a>".encode(encoding)) is Refusal.DOCTYPE
    assert verdict(f"<!-- c -->\n{doctype}<a>x</a>".encode(encoding)) is Refusal.DOCTYPE


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "cp037", "utf-7"])
def test_other_encodings_are_refused(encoding: str) -> None:
    assert verdict(f'<?xml version="1.0" encoding="{encoding}"?><a>x</a>'.encode(encoding)) is not None


@pytest.mark.parametrize(
    ("document", "charset", "accepted"),
    [
        (b"<a/>", None, True),
        (b"<a/>", "utf-8", True),
        (b"<a/>", "UTF-8", True),
        (b"<a/>", "utf-16", False),
        (b"<a/>", "iso-8859-1", False),
        (b'<?xml version="1.0" encoding="UTF-8"?><a/>', "utf-8", True),
        (b"<?xml version='1.0' encoding='utf-8' standalone='yes' ?><a/>", None, True),
        (b'<?xml version="1.0" encoding="UTF-16"?><a/>', None, False),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><a/>', None, False),
        (b'<?xml version="1.0" encoding="US-ASCII"?><a/>', None, False),
        (b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?><a/>', "utf-8", True),
        (b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-16"?><a/>', None, False),
        ('<?xml version="1.0" encoding="UTF-16"?><a>é</a>'.encode("utf-16"), "utf-16", True),
        ('<?xml version="1.0" encoding="UTF-16"?><a>é</a>'.encode("utf-16"), "utf-8", False),
        ('<?xml version="1.0" encoding="UTF-8"?><a>é</a>'.encode("utf-16"), None, False),
        ("<a>é</a>".encode("utf-16"), None, True),
        (b"\xff\xfe<\x00a\x00/\x00\x00\xd8>\x00", None, False),
    ],
)
def test_transport_mark_and_declaration_must_agree(document: bytes, charset: str | None, accepted: bool) -> None:
    assert (verdict(document, charset=charset) is None) is accepted


def test_utf_16_text_is_read_as_text() -> None:
    document = '<?xml version="1.0" encoding="UTF-16"?><a>é€𝄞</a>'.encode("utf-16")
    assert text_only(parse_untrusted(document)) == "é€𝄞"


@pytest.mark.parametrize("version", ["1.1", "1.2", "2.0", ""])
def test_only_xml_1_0_is_accepted(version: str) -> None:
    assert verdict(f'<?xml version="{version}"?><a/>'.encode()) is Refusal.VERSION


@pytest.mark.parametrize(
    "declaration",
    [
        b'<?xml encoding="utf-8"?>',
        b"<?xml ?>",
        b'<?xml version="1.0" version="1.0"?>',
        b"<?xml version=1.0?>",
    ],
)
def test_a_malformed_declaration_is_refused(declaration: bytes) -> None:
    assert verdict(declaration + b"<a/>") is Refusal.NOT_WELL_FORMED


@pytest.mark.parametrize(
    "document",
    [b"<?x y?><a/>", b"<a><?x y?></a>", b"<a/><?x y?>", b"<a>t<?x?>u</a>", b"<!-- --><?xml-stylesheet href='x'?><a/>"],
)
def test_a_processing_instruction_is_refused_wherever_it_stands(document: bytes) -> None:
    assert verdict(document) is Refusal.PROCESSING_INSTRUCTION


@pytest.mark.parametrize("document", ["<?p a?><a/>", "<a><?p?></a>", "<a/><?p?>", "<!--c--><?p x?>\n<a><b/></a>"])
def test_a_carried_document_may_have_as_many_instructions_as_it_is_allowed(document: str) -> None:
    assert verdict(document.encode(), XmlLimits(processing_instructions=1)) is None
    assert verdict(f"<?q?>{document}".encode(), XmlLimits(processing_instructions=1)) is Refusal.PROCESSING_INSTRUCTION
    assert verdict(b"<?q?>" + document.encode(), XmlLimits(processing_instructions=2)) is None


@pytest.mark.parametrize("before", ["<?p ?>", "<?p <!DOCTYPE?>", "<?p <a/> ?>"])
def test_instructions_hide_no_doctype(before: str) -> None:
    limits = XmlLimits(processing_instructions=9)
    assert verdict(f"{before}<!DOCTYPE a><a/>".encode(), limits) is Refusal.DOCTYPE
    assert verdict(f"{before}<a/>".encode(), limits) is None
    assert verdict(f"{before[:-2]}<a/>".encode(), limits) is Refusal.PROCESSING_INSTRUCTION


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b" ",
        b"a",
        b"<a>",
        b"<a></b>",
        b"<a/><b/>",
        b"<a/>text",
        b"<a>&undeclared;</a>",
        b'<a b="&undeclared;"/>',
        b"<a>\x01</a>",
        b"<a>&#0;</a>",
        b"<a>\xff\xfe</a>",
        b"<a>\xc0\xaf</a>",
        b'<a b="1" b="2"/>',
        b'<a xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>',
        b"<p:a/>",
        b"<a><![CDATA[</a>",
        b"<!ELEMENT a ANY><a/>",
        b"<a",
        b"<!--",
    ],
)
def test_what_is_not_well_formed_is_refused(document: bytes) -> None:
    assert verdict(document) in (Refusal.NOT_WELL_FORMED, Refusal.DOCTYPE)


SMALL = XmlLimits(
    depth=4,
    elements=10,
    attributes=3,
    attributes_total=12,
    namespaces=2,
    namespaces_in_scope=3,
    comments=2,
    name=8,
    attribute_value=20,
    text=30,
    document=5000,
)


def _declared(count: int, start: int = 0) -> str:
    return "".join(f' xmlns:n{i}="u{i}"' for i in range(start, start + count))


BOUNDARIES: list[tuple[str, Any, int, Refusal]] = [
    ("depth", lambda n: "<a>" * n + "</a>" * n, SMALL.depth, Refusal.TOO_DEEP),
    ("elements", lambda n: "<a>" + "<b/>" * (n - 1) + "</a>", SMALL.elements, Refusal.TOO_MANY_ELEMENTS),
    (
        "attributes",
        lambda n: "<a" + "".join(f' b{i}="1"' for i in range(n)) + "/>",
        SMALL.attributes,
        Refusal.TOO_MANY_ATTRIBUTES,
    ),
    (
        "attributes in all",
        lambda n: "<a>" + "".join(f'<b c="{i}"/>' if i % 3 else f'<b c="{i}" d="" e=""/>' for i in range(n)) + "</a>",
        6,
        Refusal.TOO_MANY_ATTRIBUTES,
    ),
    ("namespaces of one element", lambda n: f"<a{_declared(n)}/>", SMALL.namespaces, Refusal.TOO_MANY_NAMESPACES),
    (
        "namespaces in scope",
        lambda n: f"<a{_declared(1)}><a{_declared(1, 1)}><a{_declared(n - 2, 2)}/></a></a>",
        SMALL.namespaces_in_scope,
        Refusal.TOO_MANY_NAMESPACES,
    ),
    ("comments", lambda n: "<a>" + "<!---->" * n + "</a>", SMALL.comments, Refusal.TOO_MANY_COMMENTS),
    ("element name", lambda n: f"<{'a' * n}/>", SMALL.name, Refusal.NAME_TOO_LONG),
    ("attribute name", lambda n: f'<a {"b" * n}="1"/>', SMALL.name, Refusal.NAME_TOO_LONG),
    ("prefix", lambda n: f'<a xmlns:{"p" * n}="u"/>', SMALL.name, Refusal.NAME_TOO_LONG),
    ("value", lambda n: f'<a b="{"v" * n}"/>', SMALL.attribute_value, Refusal.VALUE_TOO_LONG),
    ("text", lambda n: f"<a>{'x ' * (n // 2)}{'y' * (n % 2)}</a>", SMALL.text, Refusal.TEXT_TOO_LONG),
    ("document", lambda n: "<a>" + " " * (n - 7) + "</a>", SMALL.document, Refusal.TOO_LARGE),
]


@pytest.mark.parametrize(("name", "make", "limit", "reason"), BOUNDARIES, ids=[row[0] for row in BOUNDARIES])
def test_each_limit_holds_at_its_boundary(name: str, make: Any, limit: int, reason: Refusal) -> None:
    limits = (
        XmlLimits(**{**{f: getattr(SMALL, f) for f in XmlLimits.__slots__}, "text": 6000})
        if name == "document"
        else SMALL
    )
    assert verdict(make(limit - 1).encode(), limits) is None
    assert verdict(make(limit).encode(), limits) is None
    assert verdict(make(limit + 1).encode(), limits) is reason


DEFAULT_BOUNDARIES: list[tuple[str, Any, int, Refusal]] = [
    ("depth", lambda n: "<a>" * n + "</a>" * n, 100, Refusal.TOO_DEEP),
    ("elements", lambda n: "<a>" + "<b/>" * (n - 1) + "</a>", 100_000, Refusal.TOO_MANY_ELEMENTS),
    ("attributes", lambda n: "<a" + "".join(f" b{i}='1'" for i in range(n)) + "/>", 64, Refusal.TOO_MANY_ATTRIBUTES),
    ("namespaces", lambda n: f"<a{_declared(n)}/>", 32, Refusal.TOO_MANY_NAMESPACES),
    (
        "in scope",
        lambda n: f"<a{_declared(32)}><a{_declared(20, 32)}><a{_declared(n - 52, 52)}/></a></a>",
        64,
        Refusal.TOO_MANY_NAMESPACES,
    ),
    ("name", lambda n: f"<{'a' * n}/>", 256, Refusal.NAME_TOO_LONG),
    ("value", lambda n: f'<a b="{"v" * n}"/>', 65_536, Refusal.VALUE_TOO_LONG),
    ("text", lambda n: f"<a>{'x' * n}</a>", 10_000_000, Refusal.TEXT_TOO_LONG),
]


@pytest.mark.parametrize(
    ("make", "limit", "reason"), [row[1:] for row in DEFAULT_BOUNDARIES], ids=[row[0] for row in DEFAULT_BOUNDARIES]
)
def test_the_default_limits_hold_at_their_boundaries(make: Any, limit: int, reason: Refusal) -> None:
    for size, expected in ((limit - 1, None), (limit, None), (limit + 1, reason)):
        assert verdict(make(size).encode()) is expected, size


def test_markup_inside_comments_and_cdata_counts_as_nothing() -> None:
    inside = "<b/>" * 200_000
    assert verdict(f"<a><![CDATA[{inside}]]></a>".encode()) is None
    assert verdict(f"<a><!--{inside} <?x?> <!DOCTYPE a> --></a>".encode()) is None


def test_a_document_in_pieces_is_the_same_document() -> None:
    document = b"<a><b>text</b></a>"
    root = parse_untrusted(document[i : i + 1] for i in range(len(document)))
    assert etree.tostring(root) == document


def test_pieces_beyond_the_limit_are_not_read() -> None:
    read = 0

    def endless() -> Any:
        nonlocal read
        while True:
            read += 1000
            yield b"x" * 1000

    with pytest.raises(XmlRefused) as refused:
        parse_untrusted(endless(), SMALL)
    assert refused.value.reason is Refusal.TOO_LARGE
    assert read <= SMALL.document + 1000


def test_a_document_that_takes_too_much_time_is_given_up() -> None:
    document = ("<a>" + "<b/>" * 50_000 + "<?x?></a>").encode()
    assert verdict(document, XmlLimits(cpu_seconds=0.0)) is Refusal.TOO_SLOW


def test_a_small_document_is_never_called_slow_however_busy_the_machine() -> None:
    document = ("<a>" + '<b xmlns:c="urn:c"/>' * 3_000 + "</a>").encode()
    assert verdict(document, XmlLimits(cpu_seconds=0.0)) is None


def _document(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    names = st.sampled_from(["a", "b", "p:c", "loooooong"])
    attributes = st.dictionaries(st.sampled_from(["x", "y", "z", "p:w", "attribute"]), st.text("ab<&= \n", max_size=25))

    def element(name: str, attrs: dict[str, str], declared: int, inner: list[str]) -> str:
        escaped = "".join(
            f' {key}="{value.replace("&", "&amp;").replace("<", "&lt;")}"' for key, value in attrs.items()
        )
        return f"<{name}{_declared(declared)}{escaped}>{''.join(inner)}</{name}>"

    return st.builds(element, names, attributes, st.integers(0, 3), st.lists(children, max_size=4))


_TREES = st.recursive(
    st.one_of(st.text("xy =", max_size=40), st.sampled_from(["<!--c-->", "<![CDATA[<a>]]>", "<?pi?>", "&amp;"])),
    _document,
    max_leaves=12,
)


@given(st.lists(_TREES, max_size=4))
def test_both_ways_through_the_parser_give_one_verdict(inner: list[str]) -> None:
    data = f'<root xmlns:p="u">{"".join(inner)}</root>'.encode()

    def counted() -> Refusal | None:
        try:
            soap.xml._Counted(SMALL).parse(data)
        except XmlRefused as refused:
            return refused.reason
        return None

    assert (verdict(data, SMALL) is None) == (counted() is None)


def test_text_only_refuses_every_child_node() -> None:
    assert text_only(parse_untrusted(b"<a>admin</a>")) == "admin"
    assert text_only(parse_untrusted(b"<a/>")) == ""
    assert text_only(parse_untrusted(b"<a><![CDATA[x<y]]>z</a>")) == "x<yz"
    for document in (b"<a>admin<!-- -->.evil</a>", b"<a>admin<b/>.evil</a>", b"<a><!-- -->x</a>"):
        with pytest.raises(XmlRefused):
            text_only(parse_untrusted(document))


def test_no_connection_is_attempted_and_no_file_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_network(*arguments: Any) -> None:
        raise AssertionError("the parser went to the network")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    secret = tmp_path / "secret"
    secret.write_text("canary")
    documents = [
        f'<!DOCTYPE a [<!ENTITY e SYSTEM "{secret.as_uri()}">]><a>&e;</a>',
        '<a xmlns:i="http://www.w3.org/2001/XInclude"><i:include href="http://127.0.0.1:9/"/></a>',
        f'<a xmlns:i="http://www.w3.org/2001/XInclude"><i:include parse="text" href="{secret}"/></a>',
        '<a xmlns:s="http://www.w3.org/2001/XMLSchema-instance" s:schemaLocation="u http://127.0.0.1:9/x.xsd"/>',
    ]
    for document in documents:
        try:
            root = parse_untrusted(document.encode())
        except XmlRefused:
            continue
        assert b"canary" not in etree.tostring(root)


def test_names_of_foreign_documents_do_not_stay_in_a_thread_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soap.xml._names, "spent", 10**9)
    threads: list[threading.Thread] = []
    monkeypatch.setattr(
        soap.xml, "_parse", lambda *a, _parse=soap.xml._parse: threads.append(threading.current_thread()) or _parse(*a)
    )
    assert parse_untrusted(b"<a><b/></a>").tag == "a"
    assert verdict(b"<a>") is Refusal.NOT_WELL_FORMED
    assert all(thread is not threading.current_thread() for thread in threads)
    assert len(threads) == 2


def test_names_on_the_counted_way_are_charged_to_the_thread() -> None:
    before = soap.xml._names.spent
    unknown = "".join(f"<n{i}/>" for i in range(10_000))
    parse_untrusted(f"<a>{unknown}<!-- <?x?> --></a>".encode())
    assert soap.xml._names.spent >= before + 10_000 * 2


def test_a_schema_is_compiled_with_its_local_includes(tmp_path: Path) -> None:
    head = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">'
    (tmp_path / "b.xsd").write_text(f'{head}<xs:element name="b" type="xs:int"/></xs:schema>')
    (tmp_path / "a.xsd").write_text(f'{head}<xs:include schemaLocation="b.xsd"/></xs:schema>')
    schema = load_schema(tmp_path / "a.xsd")
    assert schema.validate(parse_trusted(b"<b>1</b>"))
    assert not schema.validate(parse_trusted(b"<b>x</b>"))


def test_old_libraries_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    soap.xml.check_libraries()
    monkeypatch.setattr(soap.xml, "_OLDEST_LIBXML", (99, 0, 0))
    with pytest.raises(RuntimeError, match="libxml2 >="):
        soap.xml.check_libraries()


def test_a_crowd_of_elements_is_refused_without_parsing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soap.xml.etree, "XMLPullParser", None)
    assert verdict(b"<a>" + b"<b></b>" * 5 + b"<c/>" * 5 + b"</a>", SMALL) is Refusal.TOO_MANY_ELEMENTS


def test_tags_in_comments_and_cdata_are_no_crowd() -> None:
    assert verdict(b"<a><!--" + b"<b/>" * 20 + b"--><![CDATA[<b/><b/>]]></a>", SMALL) is None
    assert verdict(b"<a><![CDATA[" + b"<b/>" * 7 + b"]]></a>", SMALL) is None


@pytest.mark.parametrize("name", ["{n}:a:b", "p:{n}:b", "p:b:{n}"])
@pytest.mark.parametrize("form", ["<a xmlns:p='u'><{name}/></a>", "<a xmlns:p='u' {name}='v'/>"])
def test_a_long_name_with_two_colons_is_refused_like_a_short_one(name: str, form: str) -> None:
    for length in (1, 300):
        document = form.format(name=name.format(n="n" * length)).encode()
        assert verdict(document) in (Refusal.NOT_WELL_FORMED, Refusal.NAME_TOO_LONG)
