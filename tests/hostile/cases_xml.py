"""Documents that are no XML, too much XML, or XML that would make a parser fetch, expand or guess."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator

from soap.vocabulary import WSSE
from tests.hostile.case import CANARY, REPOSITORY, SOAP, Case, Fault, bait_url
from tests.hostile.messages import (
    ACTION_BLOCK,
    ID_BLOCK,
    NOTE,
    QUERY,
    REPLY_BLOCK,
    STORED_QUERY,
    content_type,
    message,
    package,
    root,
)

Document = str | bytes | Callable[[], str | bytes]
PLAIN = "application/soap+xml"
_OPEN = message()[: message().index("</q:")]
REFUSED, TOO_LARGE = Fault(), Fault(413)


def _case(name: str, rule: str, document: Document, *, media: str = SOAP, expected: Fault = REFUSED) -> Case:
    def body() -> bytes:
        made = document() if callable(document) else document
        return made.encode() if isinstance(made, str) else made

    return Case(f"XML: {name}", rule, expected, body, (("Content-Type", media),))


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (_doctypes, _bombs, _instructions, _limits, _encodings, _characters, _malformed, _nodes_in_text):
        yield from family()


def _doctype_forms() -> dict[str, str]:
    return {
        "bare": "<!DOCTYPE s>",
        "system": f'<!DOCTYPE s SYSTEM "{bait_url("x.dtd")}">',
        "public": f'<!DOCTYPE s PUBLIC "-//x//{CANARY}" "{bait_url("x.dtd")}">',
        "entity": f'<!DOCTYPE s [<!ENTITY e "{CANARY}">]>',
        "file entity": '<!DOCTYPE s [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        "parameter entity": f'<!DOCTYPE s [<!ENTITY % p SYSTEM "{bait_url("p")}"> %p;]>',
        "default attribute": f'<!DOCTYPE s [<!ATTLIST s note CDATA "{CANARY}">]>',
    }


_WRITTEN: dict[str, Callable[[str], bytes]] = {
    "UTF-8": str.encode,
    "UTF-8 with a mark": lambda text: text.encode("utf-8-sig"),
    "UTF-16 LE with a mark": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "UTF-16 BE with a mark": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "UTF-16 LE without a mark": lambda text: text.encode("utf-16-le"),
    "UTF-16 BE without a mark": lambda text: text.encode("utf-16-be"),
    "UTF-32 LE": lambda text: codecs.BOM_UTF32_LE + text.encode("utf-32-le"),
    "UTF-32 BE": lambda text: codecs.BOM_UTF32_BE + text.encode("utf-32-be"),
    "UTF-7": lambda text: f'<?xml version="1.0" encoding="UTF-7"?>{text}'.encode("utf-7"),
    "EBCDIC": lambda text: f'<?xml version="1.0" encoding="IBM037"?>{text}'.encode("cp037"),
}


def _doctypes() -> Iterator[Case]:
    rule = "no document type declaration, in whatever encoding"
    for form, doctype in _doctype_forms().items():
        text = message(QUERY.replace(CANARY, "&e;") if "entity" in form else QUERY, before=doctype)
        for encoding, write in _WRITTEN.items():
            yield _case(f"{form} DOCTYPE in {encoding}", rule, lambda t=text, w=write: w(t), media=PLAIN)
    bare = "<!DOCTYPE s>"
    yield _case("DOCTYPE behind a comment", rule, message(before=f"<!-- {CANARY} -->\n{bare}"))
    yield _case("DOCTYPE behind a declaration", rule, message(before=f'<?xml version="1.0"?>\n{bare}'))
    yield _case("DOCTYPE behind much white space", rule, message(before=" \n" * 10_000 + bare))
    yield _case("DOCTYPE inside the body", rule, message(f"{bare}{QUERY}"))
    yield _case("DOCTYPE at the end", rule, message(after=bare))
    yield _case("DOCTYPE in small letters", rule, message(before="<!doctype s>"))
    yield _case("DOCTYPE that never ends", rule, f"<!DOCTYPE s [ {CANARY}")
    yield _case(
        "DOCTYPE in a root part",
        rule,
        lambda: package(root(message(before=bare).encode())),
        media=content_type(),
    )


def _bombs() -> Iterator[Case]:
    rule = "no entity is expanded and nothing is fetched"
    laughs = '<!ENTITY l0 "ha">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    square = f'<!ENTITY q "{"a" * 50_000}">'
    loop = '<!ENTITY a "&b;"><!ENTITY b "&a;">'
    parameter = "<!ENTITY % a \"<!ENTITY b SYSTEM 'file:///dev/zero'>\"> %a;"
    for name, subset, reference in (
        ("billion laughs", laughs, "&l11;"),
        ("quadratic blow-up", square, "&q;" * 50_000),
        ("entities in a circle", loop, "&a;"),
        ("parameter entities", parameter, "&b;"),
        ("an endless file", '<!ENTITY z SYSTEM "file:///dev/zero">', "&z;"),
    ):
        text = message(QUERY.replace(CANARY, CANARY + reference), before=f"<!DOCTYPE s [{subset}]>")
        yield _case(name, rule, text)
        yield _case(f"{name} in UTF-16", rule, text.encode("utf-16"), media=PLAIN)
    inside = f'<c:x xmlns:c="urn:c" note="{CANARY}&l11;"/>'
    yield _case("laughs in an attribute", rule, message(headers=inside, before=f"<!DOCTYPE s [{laughs}]>"))
    yield _case("an undeclared entity", rule, message(QUERY.replace(CANARY, "&nbsp;")))
    yield _case("an undeclared entity in an attribute", rule, message(headers='<c:x xmlns:c="u" b="&e;"/>'))
    fetched = "an XInclude is an element like any other"
    xi = "http://www.w3.org/2001/XInclude"
    include = f'<i:include xmlns:i="{xi}" href="{bait_url("x")}"/>'
    mismatch = Fault(subcode="ActionMismatch")
    yield _case("XInclude for the body", fetched, message(include), expected=mismatch)
    yield _case(
        "XInclude of a file as text",
        fetched,
        message(include.replace("href", 'parse="text" href').replace(bait_url("x"), "/etc/passwd")),
        expected=mismatch,
    )
    yield _case(
        "a mandatory XInclude for a header",
        fetched,
        message(headers=include.replace(" href", ' s:mustUnderstand="true" href')),
        expected=Fault(500, "MustUnderstand"),
    )
    located = '<c:x xmlns:c="urn:c" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:schemaLocation="urn:c {}"/>'
    for name, place in (("a host", bait_url("c.xsd")), ("a file", "file:///etc/passwd")):
        yield _case(
            f"a schemaLocation that names {name}",
            "the schema that a document names is not fetched",
            message(located.format(place)),
            expected=mismatch,
        )
    yield _case(
        "a base address",
        "xml:base means nothing",
        message(f'<c:x xmlns:c="urn:c" xml:base="{bait_url()}">{include}</c:x>'),
        expected=mismatch,
    )


def _instructions() -> Iterator[Case]:
    rule = "no processing instruction, wherever it stands"
    forms = {
        "a stylesheet": f'<?xml-stylesheet type="text/xsl" href="{bait_url("x.xsl")}"?>',
        "a catalogue": f'<?oasis-xml-catalog catalog="{bait_url("c.xml")}"?>',
        "an instruction": f"<?php {CANARY} ?>",
    }
    for form, pi in forms.items():
        yield _case(f"{form} in front", rule, message(before=pi))
        yield _case(f"{form} behind a declaration", rule, message(before=f'<?xml version="1.0"?>{pi}'))
        yield _case(f"{form} in the header", rule, message(headers=pi))
        yield _case(f"{form} in the body", rule, message(pi + QUERY))
        yield _case(f"{form} in a text", rule, message(QUERY.replace(CANARY, CANARY + pi)))
        yield _case(f"{form} in the action", rule, message(action=ACTION_BLOCK.replace("</", f"{pi}</")))
        yield _case(f"{form} at the end", rule, message(after=pi))
    yield _case("a second declaration", rule, message(before='<?xml version="1.0"?><?xml version="1.0"?>'))
    yield _case("a declaration behind a blank", rule, message(before=' <?xml version="1.0"?>'))


def _limits() -> Iterator[Case]:
    def note(inside: str, attributes: str = "", name: str = "c:x") -> str:
        return f'<{name} xmlns:c="urn:c"{attributes}>{inside}</{name}>'

    def body(inside: str) -> str:
        return QUERY.replace("</q:AdhocQueryRequest>", f"{inside}</q:AdhocQueryRequest>")

    declared = "".join(f' xmlns:n{n}="urn:{n}"' for n in range(33))
    levels = ["".join(f' xmlns:m{level}x{n}="u"' for n in range(22)) for level in range(3)]
    scope = "".join(f"<y{level}>" for level in levels) + "</y>" * 3
    sixty = "".join(f' a{n}=""' for n in range(60))
    loads: dict[str, tuple[str, Callable[[], str]]] = {
        "elements 101 deep": ("at most 100 levels", lambda: message(body("<y>" * 98 + "</y>" * 98))),
        "headers 101 deep": ("at most 100 levels", lambda: message(headers=note("<y>" * 98 + "</y>" * 98))),
        "elements 257 deep": ("at most 100 levels", lambda: message(body("<y>" * 257 + "</y>" * 257))),
        "elements 100,000 deep": ("at most 100 levels", lambda: message(body("<y>" * 100_000 + "</y>" * 100_000))),
        "elements that never end": ("at most 100 levels", lambda: _OPEN + "<y>" * 1_000_000),
        "100,001 elements": ("at most 100,000 elements", lambda: message(body("<y/>" * 100_001))),
        "100,001 elements in UTF-16": ("at most 100,000 elements", lambda: message(body("<y/>" * 100_001))),
        "100,001 elements and a comment": (
            "at most 100,000 elements",
            lambda: message(body("<!---->" + "<y/>" * 100_001)),
        ),
        "a million elements and a comment": (
            "at most 100,000 elements",
            lambda: message(body("<!---->" + "<y/>" * 1_000_000)),
        ),
        "100,001 headers": ("at most 100,000 elements", lambda: message(headers="<y/>" * 100_001)),
        "a million elements": ("at most 100,000 elements", lambda: message(body("<y/>" * 1_000_000))),
        "a million unlike elements": (
            "at most 100,000 elements",
            lambda: message(body("".join(f"<y{n}/>" for n in range(1_000_000)))),
        ),
        "65 attributes": ("at most 64", lambda: message(body(note("", "".join(f' a{n}="1"' for n in range(65)))))),
        "100,000 attributes": (
            "at most 64 attributes",
            lambda: message(body(note("", "".join(f' a{n}="1"' for n in range(100_000))))),
        ),
        "a million attributes": (
            "at most 64 attributes",
            lambda: message(body(note("", "".join(f' a{n}=""' for n in range(1_000_000))))),
        ),
        "60 attributes on each of 2,000 elements": (
            "at most 100,000 attributes in all",
            lambda: message(body(f"<y{sixty}/>" * 2000)),
        ),
        "34 namespaces": ("at most 32 declarations", lambda: message(body(note("", declared)))),
        "66 namespaces in scope": ("at most 64 in scope", lambda: message(body(scope))),
        "100,000 namespaces": (
            "at most 32 declarations",
            lambda: message(body(note("", "".join(f' xmlns:n{n}="u"' for n in range(100_000))))),
        ),
        "one namespace on each of 100 levels": (
            "at most 64 in scope",
            lambda: message(body("".join(f'<y xmlns:n{n}="u">' for n in range(90)) + "</y>" * 90)),
        ),
        "an element's name of 257": ("names have at most 256", lambda: message(body(f"<{'n' * 257}/>"))),
        "an attribute's name of 257": ("names have at most 256", lambda: message(body(f'<y {"n" * 257}=""/>'))),
        "a prefix of 257": ("names have at most 256", lambda: message(body(f'<y xmlns:{"n" * 257}="u"/>'))),
        "an element's name of a million": ("names have at most 256", lambda: message(body(f"<{'n' * 1_000_000}/>"))),
        "a value of 65,537": ("values have at most 65,536", lambda: message(body(f'<y a="{"v" * 65_537}"/>'))),
        "a value of 9 MB": ("values have at most 65,536", lambda: message(body(f'<y a="{"v" * 9_000_000}"/>'))),
        "a namespace of 65,537": ("values have at most 65,536", lambda: message(body(f'<y xmlns="{"v" * 65_537}"/>'))),
        "a text of 10,000,001": ("texts have at most 10 MB", lambda: message(body(f"<y>{'t' * 10_000_001}</y>"))),
        "a CDATA section of 10,000,001": (
            "texts have at most 10 MB",
            lambda: message(body(f"<y><![CDATA[{'t' * 10_000_001}]]></y>")),
        ),
        "10,001 comments": ("at most 10,000 comments", lambda: message(body("<!---->" * 10_001))),
        "a million comments": ("at most 10,000 comments", lambda: message(body("<!---->" * 1_000_000))),
        "a comment that never ends": ("well-formed", lambda: message(body("<!--" + "x" * 1_000_000))),
        "a tag that never ends": ("well-formed", lambda: _OPEN + "<y " + "a='b' " * 1_000_000),
        "a value that never ends": ("well-formed", lambda: _OPEN + "<y a='" + "b" * 5_000_000),
    }
    for name, (rule, make) in loads.items():
        if name.endswith("UTF-16"):
            yield _case(name, rule, lambda make=make: make().encode("utf-16"), media=PLAIN)
        else:
            yield _case(name, rule, make)
    over = 12_000_001
    yield _case(
        "12,000,001 bytes", "at most 12 MB", lambda: message(after=" " * (over - len(message()))), expected=TOO_LARGE
    )
    yield _case(
        "UTF-16 that is longer as UTF-8",
        "at most 12 MB",
        lambda: message(body("<y>" + "\N{DEVANAGARI LETTER A}" * 3_000_000 + "</y>" + "x" * 3_200_000)).encode(
            "utf-16"
        ),
        media=PLAIN,
        expected=TOO_LARGE,
    )
    yield Case(
        "XML: a root part of 2,000,001 bytes",
        "the root part has at most 2 MB",
        TOO_LARGE,
        lambda: package(root(b"<a>" + b"x" * 2_000_000)),
        (("Content-Type", content_type()),),
        REPOSITORY,
    )


def _encodings() -> Iterator[Case]:
    rule = "transport, mark and declaration name one encoding, UTF-8 or UTF-16"
    text = message()
    said = '<?xml version="1.0" encoding="{}"?>'
    for declared in ("UTF-16", "ISO-8859-1", "US-ASCII", "windows-1252", "UTF-7", "UTF-32", "UCS-4", CANARY, ""):
        name = "nonsense" if declared == CANARY else declared or "nothing"
        yield _case(f"UTF-8 that declares {name}", rule, said.format(declared) + text, media=PLAIN)
    for charset in ("utf-16", "iso-8859-1", "us-ascii", "utf-7", "ibm037", "utf-32", CANARY):
        name = "nonsense" if charset == CANARY else charset
        yield _case(f"UTF-8 sent as {name}", rule, text, media=f"{PLAIN}; charset={charset}")
    wide = "UTF-16"
    yield _case("UTF-16 sent as UTF-8", rule, text.encode("utf-16"))
    yield _case("UTF-16 that declares UTF-8", rule, (said.format("UTF-8") + text).encode("utf-16"), media=PLAIN)
    yield _case("UTF-8 with a mark that declares UTF-16", rule, (said.format(wide) + text).encode("utf-8-sig"))
    yield _case("UTF-8 with a mark sent as UTF-16", rule, text.encode("utf-8-sig"), media=f"{PLAIN}; charset=utf-16")
    yield _case("Latin 1 without saying so", rule, message(QUERY.replace(CANARY, "é")).encode("latin-1"), media=PLAIN)
    yield _case("half a UTF-16 unit", rule, text.encode("utf-16")[:-1], media=PLAIN)
    yield _case("a mark alone", rule, codecs.BOM_UTF16_LE, media=PLAIN)
    yield _case("two marks", rule, codecs.BOM_UTF8 * 2 + text.encode(), media=PLAIN)
    yield _case("marks of two kinds", rule, codecs.BOM_UTF16_LE + text.encode("utf-16-be"), media=PLAIN)
    for name, unit in (("high", b"\x00\xd8"), ("low", b"\x00\xdc"), ("swapped", b"\x00\xdc\x00\xd8")):
        spoiled = text.encode("utf-16-le").replace(CANARY.encode("utf-16-le"), CANARY.encode("utf-16-le") + unit)
        yield _case(f"lone {name} surrogate in UTF-16", rule, codecs.BOM_UTF16_LE + spoiled, media=PLAIN)
    for version in ("1.1", "1.2", "2.0", CANARY):
        name = "nonsense" if version == CANARY else version
        yield _case(f"XML version {name}", "only XML 1.0", f'<?xml version="{version}"?>{text}')
    for name, declaration in {
        "without version": '<?xml encoding="utf-8"?>',
        "empty": "<?xml ?>",
        "with two versions": '<?xml version="1.0" version="1.0"?>',
        "without quotes": "<?xml version=1.0?>",
        "that never ends": '<?xml version="1.0"',
        "of a megabyte": f'<?xml version="1.0"{" " * 1_000_000}?>',
        "in capitals": '<?XML version="1.0"?>',
        "with a strange standalone": '<?xml version="1.0" standalone="maybe"?>',
    }.items():
        yield _case(f"a declaration {name}", "well-formed", declaration + text)


def _characters() -> Iterator[Case]:
    rule = "only the characters of XML 1.0"

    def spoiled(inserted: bytes) -> bytes:
        return message().encode().replace(CANARY.encode(), CANARY.encode() + inserted)

    for code in [*range(0x00, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20)]:
        yield _case(f"control character {code:02X}", rule, spoiled(bytes([code])))
    for reference in (
        "0",
        "x0",
        "1",
        "x1F",
        "xD800",
        "xDFFF",
        "xFFFE",
        "xFFFF",
        "x110000",
        "x99999999999",
        "",
        "x",
        "a",
    ):
        yield _case(f"character reference &#{reference};", rule, spoiled(f"&#{reference};".encode()))
    for name, data in {
        "overlong slash of two": b"\xc0\xaf",
        "overlong slash of three": b"\xe0\x80\xaf",
        "overlong slash of four": b"\xf0\x80\x80\xaf",
        "overlong NUL": b"\xc0\x80",
        "overlong less-than": b"\xc0\xbc",
        "high surrogate": b"\xed\xa0\x80",
        "low surrogate": b"\xed\xb0\x80",
        "pair of surrogates": b"\xed\xa0\xbd\xed\xb8\x80",
        "stray continuation": b"\x80",
        "byte FE": b"\xfe",
        "byte FF": b"\xff",
        "start of two alone": b"\xc3",
        "start of three cut": b"\xe2\x82",
        "start of four cut": b"\xf0\x9f\x98",
        "beyond the last plane": b"\xf4\x90\x80\x80",
        "five bytes": b"\xf8\x88\x80\x80\x80",
        "non-character FFFE": b"\xef\xbf\xbe",
        "non-character FFFF": b"\xef\xbf\xbf",
    }.items():
        yield _case(f"UTF-8: {name}", rule, spoiled(data))


def _malformed() -> Iterator[Case]:
    rule = "well-formed with namespaces"
    bodies = {
        "an element not closed": f"<y>{CANARY}",
        "elements that overlap": f"<y><z>{CANARY}</y></z>",
        "another end tag": f"<y>{CANARY}</z>",
        "an attribute twice": f'<y b="1" b="{CANARY}"/>',
        "an attribute twice by two prefixes": '<y xmlns:p="u" xmlns:q="u" p:b="1" q:b="2"/>',
        "an unbound prefix": f"<p:y>{CANARY}</p:y>",
        "an unbound prefix of an attribute": '<y p:b="1"/>',
        "a name with two colons": '<p:q:y xmlns:p="u" xmlns:q="v"/>',
        "an empty prefix": "<:y/>",
        "a prefix bound to nothing": '<y xmlns:p=""/>',
        "xml bound anew": '<y xmlns:xml="urn:x"/>',
        "xmlns bound": '<y xmlns:xmlns="urn:x"/>',
        "two hyphens in a comment": f"<!-- {CANARY} -- -->",
        "an open comment": f"<!-- {CANARY}",
        "an open CDATA section": f"<![CDATA[{CANARY}",
        "the end of a CDATA section": f"<y>{CANARY}]]></y>",
        "an attribute without quotes": f"<y b={CANARY}/>",
        "an attribute without value": "<y b/>",
        "a less-than sign in a value": f'<y b="<{CANARY}"/>',
        "a bare ampersand": f"<y>{CANARY} & more</y>",
        "a name that starts with a digit": "<1y/>",
        "two values run together": '<y a="1"b="2"/>',
        "a conditional section": f"<![INCLUDE[{CANARY}]]>",
        "an element declaration": "<!ELEMENT y ANY>",
    }
    for name, inserted in bodies.items():
        yield _case(name, rule, message(QUERY.replace("<q:ResponseOption", f"{inserted}<q:ResponseOption", 1)))
    for name, document in {
        "nothing": "",
        "white space": " \r\n\t ",
        "a word": CANARY,
        "JSON": f'{{"a": "{CANARY}"}}',
        "HTML": f"<html><br>{CANARY}</html>",
        "two documents": message() * 2,
        "text behind the document": message(after=CANARY),
        "text before the document": message(before=CANARY),
        "the document cut off": message()[:-1],
        "half the document": message()[: len(message()) // 2],
        "one angle bracket": "<",
        "an end tag": "</s>",
        "a comment alone": f"<!-- {CANARY} -->",
        "ten megabytes of angle brackets": "<" * 10_000_000,
        "ten megabytes of ampersands": "&" * 10_000_000,
        "bytes of no kind": bytes(range(256)) * 100,
        "a gzip file": b"\x1f\x8b\x08" + bytes(500),
        "a ZIP file": b"PK\x03\x04" + bytes(500),
    }.items():
        yield _case(name, rule, document)


def _nodes_in_text() -> Iterator[Case]:
    rule = "a value that decides something is one text, with no other node in it"
    header = Fault(subcode="InvalidAddressingHeader")
    split = f"{STORED_QUERY}<!-- {CANARY} -->.other"
    yield _case("a comment in the action", rule, message(action=f"<a:Action>{split}</a:Action>"), expected=header)
    yield _case(
        "an element in the action",
        rule,
        message(action=f"<a:Action>{STORED_QUERY}<b>{CANARY}</b></a:Action>"),
        expected=header,
    )
    yield _case(
        "a comment in the message id",
        rule,
        message(message_id=ID_BLOCK.replace("urn:uuid:", "urn:<!-- -->uuid:")),
        expected=header,
    )
    yield _case(
        "a comment in the reply address",
        rule,
        message(reply_to=REPLY_BLOCK.replace("</a:Address>", "<!-- --></a:Address>")),
        expected=header,
    )
    for name, inside in {
        "a comment": f"<!-- {CANARY} -->",
        "a deep comment": f"<y><z>t<!-- {CANARY} --></z></y>",
    }.items():
        yield _case(
            f"{name} in the security header",
            "no comment inside wsse:Security",
            message(headers=f'<w:Security xmlns:w="{WSSE}">{inside}</w:Security>'),
            expected=Fault(subcode="InvalidSecurity"),
        )
    for name, text in {
        "text": CANARY,
        "a CDATA section": f"<![CDATA[{CANARY}]]>",
        "a character reference": "&#65;",
    }.items():
        yield _case(f"{name} in the header", "only elements in the envelope", message(headers=text))
        yield _case(f"{name} in the body", "only elements in the envelope", message(text + QUERY))
        yield _case(
            f"{name} in the envelope",
            "only elements in the envelope",
            message().replace("<s:Body>", f"{text}<s:Body>"),
        )
        yield _case(f"{name} behind the envelope", "nothing behind the envelope", message(after=text))
    assert NOTE in message()
