"""Small languages: header values, base64, HL7 messages and values, stored query parameters."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from schemas import datatypes as d
from schemas.errors import XDSRegistryError
from soap.intake import MalformedMediaType, media_type, soap_action
from soap.parts import BinaryRefused, decoded
from tests.fuzz.mutation import Grammar
from tests.fuzz.outcome import Outcome
from xds_registry.feed.hl7v2 import Delimiters, Hl7Refused, read_header, read_message
from xds_registry.query.parameters import literals

MEDIA_TYPES = [
    b"application/soap+xml",
    b'application/soap+xml; charset=UTF-8; action="urn:ihe:iti:2007:RegistryStoredQuery"',
    b'multipart/related; boundary="u"; type="application/xop+xml"; start="<r@x>"; start-info="application/soap+xml"',
    b'multipart/related;boundary=x;type=application/xop+xml;start-info="application/soap+xml; action=\\"urn:x\\""',
    b'text/plain; a="\\"\\\\;"; b=c',
]
PARAMETERS = Grammar(
    [b'"', b"\\", b'\\"', b";", b"; ", b"=", b"/", b"charset=", b"action=", b"start-info=", b" ", b"\t", b"<", b"\xe9"],
    b';="/',
)
_LONGEST_TYPE: Final = 4096


def media_types(data: bytes) -> Outcome:
    """A Content-Type that is read means the same when it is written with every value quoted."""
    try:
        kind = media_type(data.decode("latin-1"))
    except MalformedMediaType:
        return Outcome(False, (len(data) > _LONGEST_TYPE, data.count(b'"') % 2))
    quoted = [
        f'; {name}="{value.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"'
        for name, value in kind.parameters.items()
    ]
    written = kind.name + "".join(quoted)
    if len(written) <= _LONGEST_TYPE:
        assert media_type(written) == kind
    action = soap_action({}, kind)
    assert action is None or action
    return Outcome(True, (len(kind.parameters), action is None, kind.name == "multipart/related"))


BASE64 = [base64.b64encode(bytes(range(n))) for n in (0, 1, 2, 3, 40)] + [b" QUJD\r\nREVG\t\n", b"AA==", b"AAA="]
QUANTA = Grammar([b"A", b"AAAA", b"=", b"==", b"\n", b" ", b"-", b"_", b"/", b"+", b"AB==", b"\xc3\xa9"], b"=\n ")


def base64_text(data: bytes) -> Outcome:
    """Exactly the canonical texts are accepted, whatever white space of XML they hold, and give their bytes."""
    text = data.decode("utf-8", errors="replace")
    packed = text.translate(dict.fromkeys(map(ord, " \t\r\n")))
    try:
        content = b"".join(decoded(text))
    except BinaryRefused as refused:
        try:
            canonical = base64.b64encode(base64.b64decode(packed, validate=True)).decode()
        except (binascii.Error, ValueError):
            return Outcome(False, (refused.reason, len(packed) % 4))
        assert canonical != packed, "canonical base64 is refused"
        return Outcome(False, (refused.reason, "decodable"))
    assert base64.b64encode(content).decode() == packed
    return Outcome(True, (len(content) % 3, len(packed) != len(text)))


_MSH = b"MSH|^~\\&|PAM|HOSPITAL|XDS|FEUILLET|20260101120000||ADT^A01^ADT_A01|1|P|2.5||||||8859/1\r"
ADT = [
    _MSH + b"EVN||20260101\rPID|1||42^^^&1.2.3&ISO||Doe^J\xf6hn^^^^^L~Alias||19700101|M\rPV1||I\r",
    _MSH.replace(b"A01", b"A40") + b"PID|||1^^^&1.2.3&ISO\rMRG|2^^^&1.2.3&ISO\r",
    _MSH.replace(b"8859/1", b"UNICODE UTF-8") + b"PID|||7^^^A&1.2&ISO~8^^^B\\T\\C\\X41\\\r\n",
    b"MSH#*~!%#a#b\r",
    b"12345^^^&1.2.250.1.213&ISO^NH",
]
HL7 = Grammar(
    [
        *(b"|", b"^", b"~", b"\\", b"&", b"\r", b"\n", b"\\F\\", b"\\S\\", b"\\T\\", b"\\X41\\", b"\\X0D\\", b'""'),
        *(b"MSH|^~\\&|", b"PID|", b"MRG|", b"&ISO", b"1.2.3", b"^^^", b"urn:uuid:", b"UNICODE UTF-8", b"\xc3\xa9"),
        *(b"20260101", b"+0100", b"@", b"mailto:", b"^^Internet^", b"fr-FR", b"text/xml", b"PID-3|", b"A01", b"A40"),
    ],
    b"|^~&\r\\.",
)


def hl7v2(data: bytes) -> Outcome:
    """A message is read or refused; what is read has fields, and text survives being escaped."""
    try:
        message = read_message(data)
    except Hl7Refused as refused:
        header = read_header(data)
        return Outcome(False, (refused.code, refused.reason, header is None))
    delimiters = message.delimiters
    assert Delimiters.parse(delimiters.field + delimiters.encoding_characters) == delimiters
    for segment in message.segments[:20]:
        for number in range(1, 9):
            value = segment.field(number)
            try:
                repetitions = segment.repetitions(number, 3)
            except Hl7Refused:
                repetitions = []
            for repetition in (value, *repetitions):
                text = segment.subcomponent(segment.component(repetition, 1), 1)
                clean = "".join(c if c >= " " else " " for c in text)
                assert delimiters.unescaped(delimiters.escaped(text)) == clean
    return Outcome(True, (len(message.segments), message.codec, delimiters == Delimiters()))


LITERALS = [
    b"'a'",
    b"12",
    b"('a','b')",
    b"('it''s', 'x^^y')",
    b'"quoted"',
    b"('1.2.3^^^&1.2&ISO')",
    b"",
    b"(1, 2)",
    b"('a'",
]
QUOTED = Grammar(
    [b"'", b"''", b"(", b")", b",", b" ", b"','", b'"', b"('", b"')", b"\xc2\xa0", b"%", b"_", b"\xc3\xa9"], b"',()"
)


def stored_query_literals(data: bytes) -> Outcome:
    """What is read is the same when it is written with every literal quoted."""
    text = data.decode("utf-8", errors="replace")
    try:
        found = literals(text, "$p")
    except XDSRegistryError as error:
        return Outcome(False, (error.code_context,))
    written = ",".join("'" + literal.replace("'", "''") + "'" for literal in found)
    assert literals(f"({written})" if found else "") == found
    return Outcome(True, (min(len(found), 5), "''" in text, '"' in text, text[:1] == "("))


_TYPES = (
    *(d.Cx, d.Cxi, d.Dtm, d.LanguageTag, d.MimeType, d.Oid, d.RecipientValue, d.Sha1Hash, d.SourcePatientInfoItem),
    *(d.UniqueId, d.Uri, d.Uuid, d.Xcn, d.Xon, d.Xtn),
)
VALUES = [
    b"12345^^^&1.2.250.1.213&ISO",
    b"9^^^&1.2.3&ISO^urn:ihe:iti:xds:2013:accession",
    b"20260101120000",
    b"fr-FR",
    b"text/xml",
    b"1.2.250.1.213.4",
    b"Hospital^^^^^&1.2.3&ISO^^^^1.2.3.4|801^Doe^Jane^^^Dr^^^&1.2&ISO^D^^^EI|^^Internet^a@b.example",
    b"da39a3ee5e6b4b0d3255bfef95601890afd80709",
    b"PID-5|Doe^Jane^^^",
    b"1.2.3.4^ext",
    b"http://host/path?query#fragment",
    b"urn:uuid:0f5f4a8e-6a0c-4b6e-9d0e-1a2b3c4d5e6f",
    b"801^Doe^Jane^^^Dr^^^&1.2&ISO^D^^^EI",
    b"Hospital^^^^^&1.2.3&ISO^XX^^^42",
    b"^PRN^PH^^33^1^23456789",
]


def datatypes(data: bytes) -> Outcome:
    """Each data type reads a text or says why not; what it read it writes unchanged, and reads as the same again."""
    text = data.decode("utf-8", errors="replace")
    read = []
    for kind in _TYPES:
        try:
            value = kind.parse(text)
        except d.DataTypeError:
            continue
        assert str(value) == text
        assert kind.parse(str(value)) == value
        hash(value)
        read.append(kind.__name__)
    for part in (d.components(text), d.subcomponents(text)):
        assert part
    assert d.unescape(d.escape(text)) == text
    return Outcome(bool(read), tuple(read))
