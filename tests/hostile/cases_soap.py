"""Envelopes and addressing headers that SOAP 1.2 or WS-Addressing forbids, or that would make us talk to strangers."""

from __future__ import annotations

from collections.abc import Iterator

from schemas import vocabulary as v
from soap.vocabulary import ANONYMOUS, NONE, SOAP11, SOAP12, WSA, WSSE
from tests.hostile.case import CANARY, REGISTRY, REPOSITORY, SOAP, Case, Fault, bait_url
from tests.hostile.messages import (
    ACTION_BLOCK,
    FETCH,
    ID_BLOCK,
    MESSAGE_ID,
    MULTI_PATIENT,
    ON_DEMAND,
    PROVIDE,
    PUT,
    QUERY,
    REGISTER,
    REPLY_BLOCK,
    RETRIEVE,
    STORED_QUERY,
    SUBMIT,
    action_block,
    message,
)

_RELIABLE = "http://docs.oasis-open.org/ws-rx/wsrm/200702"
SENDER = Fault()
MISUNDERSTOOD = Fault(500, "MustUnderstand")
VERSION = Fault(500, "VersionMismatch")
HEADER = Fault(subcode="InvalidAddressingHeader")
CARDINALITY = Fault(subcode="InvalidCardinality")
REQUIRED = Fault(subcode="MessageAddressingHeaderRequired")
MISMATCH = Fault(subcode="ActionMismatch")
UNSUPPORTED = Fault(subcode="ActionNotSupported")
ANONYMOUS_ONLY = Fault(subcode="OnlyAnonymousAddressSupported")
SECURITY = Fault(subcode="InvalidSecurity")


def _case(
    name: str,
    rule: str,
    document: str,
    expected: Fault = SENDER,
    *,
    media: str = SOAP,
    path: str = REGISTRY,
    header: str | None = None,
) -> Case:
    headers = [("Content-Type", media)]
    if header is not None:
        headers.append(("SOAPAction", header))
    return Case(f"SOAP: {name}", rule, expected, document.encode, tuple(headers), path)


def cases() -> Iterator[Case]:
    """All of them."""
    for family in (_envelopes, _mandatory, _actions, _addressing, _replies, _security):
        yield from family()


def _envelopes() -> Iterator[Case]:
    right = message()
    header = right[right.index("<s:Header>") : right.index("<s:Body>")]
    body = right[right.index("<s:Body>") : right.index("</s:Envelope>")]

    def envelope(inside: str, attributes: str = "") -> str:
        return f'<s:Envelope xmlns:s="{SOAP12}" xmlns:a="{WSA}"{attributes}>{inside}</s:Envelope>'

    version = "only SOAP 1.2 envelopes"
    yield _case("SOAP 1.1", version, right.replace(SOAP12, SOAP11), VERSION)
    yield _case("a SOAP of the future", version, right.replace(SOAP12, f"http://example.org/{CANARY}"), VERSION)
    yield _case("an envelope without namespace", version, f"<Envelope><Body>{CANARY}</Body></Envelope>", VERSION)
    yield _case("a fault of SOAP 1.1", version, f'<s:Fault xmlns:s="{SOAP11}">{CANARY}</s:Fault>', VERSION)
    whole = "the message is an envelope"
    yield _case("the body alone", whole, QUERY)
    yield _case("an envelope in small letters", whole, right.replace("s:Envelope", "s:envelope"))
    yield _case("an envelope inside another element", whole, f"<y>{right}</y>")
    yield _case("a root of our namespace that is none", whole, f'<s:Body xmlns:s="{SOAP12}">{CANARY}</s:Body>')
    parts = "one optional Header, then one Body, and nothing else"
    yield _case("no body", parts, envelope(header))
    yield _case("an empty envelope", parts, envelope(""))
    yield _case("two headers", parts, envelope(header * 2 + body))
    yield _case("two bodies", parts, envelope(header + body * 2))
    yield _case("the header behind the body", parts, envelope(body + header))
    yield _case("a header on both sides", parts, envelope(header + body + header))
    yield _case("an element behind the body", parts, envelope(f"{header}{body}<y>{CANARY}</y>"))
    yield _case("an element between header and body", parts, envelope(f"{header}<y>{CANARY}</y>{body}"))
    yield _case("an element before the header", parts, envelope(f"<y>{CANARY}</y>{header}{body}"))
    yield _case(
        "a body of SOAP 1.1",
        parts,
        envelope(header + body.replace("s:Body", "t:Body").replace("<t:Body", f'<t:Body xmlns:t="{SOAP11}"')),
    )
    yield _case(
        "a header of SOAP 1.1",
        parts,
        envelope(header.replace("s:Header", "t:Header").replace("<t:Header", f'<t:Header xmlns:t="{SOAP11}"') + body),
    )
    single = "the body holds one element"
    yield _case("an empty body", single, message(""))
    yield _case("a body of white space", single, message(" \n "))
    yield _case("a body of text", single, message(CANARY))
    yield _case("a body of a comment", single, message(f"<!-- {CANARY} -->"))
    yield _case("two elements in the body", single, message(QUERY * 2))
    yield _case("a hundred elements in the body", single, message(QUERY * 100))
    yield _case("a fault in the body", "a request holds no fault", message(f"<s:Fault>{CANARY}</s:Fault>"), MISMATCH)
    yield _case("an envelope in the body", "the body is what the action says", message(right), MISMATCH)
    yield _case("no header", "addressing is required", envelope(body), REQUIRED)
    yield _case("an empty header", "addressing is required", envelope(f"<s:Header/>{body}"), REQUIRED)
    yield _case(
        "WS-Addressing of 2004",
        "addressing is that of 2005",
        right.replace(WSA, "http://schemas.xmlsoap.org/ws/2004/08/addressing"),
        MISUNDERSTOOD,
    )


def _mandatory() -> Iterator[Case]:
    rule = "a mandatory header that nobody knows stops the message"
    for value in ("1", "true", " true "):
        for role, uri in {
            "nobody's role": None,
            "an empty role": "",
            "the next role": f"{SOAP12}/role/next",
            "the ultimate receiver's role": f"{SOAP12}/role/ultimateReceiver",
        }.items():
            stated = "" if uri is None else f' s:role="{uri}"'
            block = f'<c:x xmlns:c="urn:c" s:mustUnderstand="{value}"{stated}>{CANARY}</c:x>'
            yield _case(f"mustUnderstand={value!r} in {role}", rule, message(headers=block), MISUNDERSTOOD)
    for name, block in {
        "a block without namespace": f'<x s:mustUnderstand="1">{CANARY}</x>',
        "a relayed block": f'<c:x xmlns:c="urn:c" s:mustUnderstand="1" s:relay="1">{CANARY}</c:x>',
        "an addressing block that does not exist": '<a:Magic s:mustUnderstand="1"/>',
        "an addressing block in small letters": f'<a:action s:mustUnderstand="1">{STORED_QUERY}</a:action>',
        "wsu:Timestamp outside of security": '<u:Timestamp xmlns:u="urn:u" s:mustUnderstand="1"/>',
        "reliable messaging": f'<r:Sequence xmlns:r="{_RELIABLE}" s:mustUnderstand="1"/>',
        "a name that quotes": f'<c:{CANARY} xmlns:c="urn:{CANARY}" s:mustUnderstand="1"/>',
        "a block with a tail of others": '<c:y xmlns:c="urn:c"/>' * 50 + '<c:x xmlns:c="urn:c" s:mustUnderstand="1"/>',
        "a hundred of them": "".join(f'<c:x{n} xmlns:c="urn:c" s:mustUnderstand="1"/>' for n in range(100)),
    }.items():
        yield _case(f"mandatory: {name}", rule, message(headers=block), MISUNDERSTOOD)
    for value in ("yes", "", "TRUE", "2", CANARY, "tru\u0435"):
        block = f'<c:x xmlns:c="urn:c" s:mustUnderstand="{value}"/>'
        shown = "nonsense" if value == CANARY else ascii(value)
        yield _case(f"mustUnderstand={shown}", "mustUnderstand is a boolean", message(headers=block))


_BODIES = {
    "ITI-18": (REGISTRY, STORED_QUERY, QUERY),
    "ITI-51": (REGISTRY, MULTI_PATIENT, QUERY),
    "ITI-42": (REGISTRY, REGISTER, SUBMIT),
    "ITI-61": (REGISTRY, ON_DEMAND, SUBMIT),
    "ITI-41": (REPOSITORY, PROVIDE, PUT),
    "ITI-43": (REPOSITORY, RETRIEVE, FETCH),
}


def _actions() -> Iterator[Case]:
    rule = "HTTP action, wsa:Action and body agree"
    for name, (path, action, body) in _BODIES.items():
        for other, (other_path, other_action, _) in _BODIES.items():
            if other == name:
                continue
            expected = MISMATCH if other_path == path else UNSUPPORTED
            document = message(body, action=action_block(other_action))
            yield _case(
                f"{name} with the action of {other}",
                rule,
                document,
                expected,
                media=f'{SOAP}; action="{action}"',
                path=path,
            )
            yield _case(
                f"{name} with the HTTP action of {other}",
                rule,
                message(body, action=action_block(action)),
                MISMATCH,
                media=f'{SOAP}; action="{other_action}"',
                path=path,
            )
    other = message()
    yield _case("SOAPAction of another operation", rule, other, MISMATCH, header=f'"{REGISTER}"')
    yield _case("SOAPAction without quotes", rule, other, MISMATCH, header=REGISTER)
    yield _case(
        "SOAPAction that disagrees with Content-Type",
        rule,
        other,
        MISMATCH,
        media=f'{SOAP}; action="{STORED_QUERY}"',
        header=REGISTER,
    )
    yield _case("an action that differs in case", rule, message(action=action_block(STORED_QUERY.upper())), UNSUPPORTED)
    yield _case("an action with a tail", rule, message(action=action_block(f"{STORED_QUERY}{CANARY}")), UNSUPPORTED)
    yield _case("the action of an answer", rule, message(action=action_block(f"{STORED_QUERY}Response")), UNSUPPORTED)
    yield _case("the action of a fault", rule, message(action=action_block(f"{WSA}/fault")), UNSUPPORTED)
    yield _case("an action that nobody knows", rule, message(action=action_block(f"urn:{CANARY}")), UNSUPPORTED)
    yield _case("a body without namespace", rule, message(f"<AdhocQueryRequest>{CANARY}</AdhocQueryRequest>"), MISMATCH)
    yield _case("a body of another namespace", rule, message(QUERY.replace(v.QUERY, f"{v.QUERY}x")), MISMATCH)
    yield _case("a body wrapped once more", rule, message(f"<y>{QUERY}</y>"), MISMATCH)
    yield _case("an answer for a request", rule, message(f'<q:AdhocQueryResponse xmlns:q="{v.QUERY}"/>'), MISMATCH)


def _addressing() -> Iterator[Case]:
    required = "wsa:Action and wsa:MessageID are required"
    yield _case("no action", required, message(action=""), REQUIRED)
    yield _case("no message id", required, message(message_id=""), REQUIRED)
    yield _case(
        "an action in HTTP alone", required, message(action=""), REQUIRED, media=f'{SOAP}; action="{STORED_QUERY}"'
    )
    for name, value in {"empty": "", "of white space": " \n "}.items():
        yield _case(f"an action {name}", required, message(action=action_block(value)), HEADER)
        yield _case(f"a message id {name}", required, message(message_id=f"<a:MessageID>{value}</a:MessageID>"), HEADER)
    uri = "an addressing header holds one URI"
    for name, value in {
        "of two words": f"urn:x {CANARY}",
        "of two lines": f"urn:x\n{CANARY}",
        "of 257 characters": "urn:" + "x" * 253,
        "of a megabyte": "urn:" + "x" * 1_000_000,
        "with an element": f"urn:x<y>{CANARY}</y>",
        "with a right-to-left mark": "urn:\N{RIGHT-TO-LEFT OVERRIDE}x",
        "with a line separator": "urn:\N{LINE SEPARATOR}x",
        "with a tabulator": "urn:&#9;x",
        "with a carriage return": "urn:&#13;&#10;X: y",
    }.items():
        yield _case(f"a message id {name}", uri, message(message_id=f"<a:MessageID>{value}</a:MessageID>"), HEADER)
    for name, value in {"of 2,049 characters": "urn:" + "x" * 2045, "of two words": f"{STORED_QUERY} {CANARY}"}.items():
        yield _case(f"an action {name}", uri, message(action=action_block(value)), HEADER)
        yield _case(f"a recipient {name}", uri, message(headers=f"<a:To>{value}</a:To>"), HEADER)
    once = "each addressing header appears once"
    reference = f"<a:Address>{ANONYMOUS}</a:Address>"
    for name, block in {
        "Action": ACTION_BLOCK,
        "another Action": action_block(REGISTER),
        "MessageID": ID_BLOCK,
        "another MessageID": ID_BLOCK.replace(MESSAGE_ID, f"urn:{CANARY}"),
        "ReplyTo": REPLY_BLOCK,
        "To": "<a:To>urn:x</a:To>" * 2,
        "FaultTo": f"<a:FaultTo>{reference}</a:FaultTo>" * 2,
        "From": f"<a:From>{reference}</a:From>" * 2,
        "unknown addressing header": f"<a:Magic>{CANARY}</a:Magic>" * 2,
    }.items():
        yield _case(f"two {name}", once, message(headers=block), CARDINALITY)


def _replies() -> Iterator[Case]:
    rule = "answers go back on the connection of the request, to nobody else"
    addresses = {
        "a host": bait_url(CANARY),
        "a host over TLS": "https://127.0.0.1/",
        "a file": "file:///etc/passwd",
        "a mailbox": "mailto:a@b.example",
        "metadata of a cloud": "http://169.254.169.254/latest/",
        "anonymous of 2004": "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous",
        "anonymous with a tail": f"{ANONYMOUS}/{CANARY}",
        "anonymous in capitals": ANONYMOUS.upper(),
        "anonymous with parameters": f"{ANONYMOUS}?id=1",
        "nothing": "",
    }
    for kind in ("ReplyTo", "FaultTo"):
        for name, address in addresses.items():
            block = f"<a:{kind}><a:Address>{address}</a:Address></a:{kind}>"
            yield _case(f"{kind} {name}", rule, message(reply_to=block), ANONYMOUS_ONLY)
        addressed = "an endpoint has one address"
        missing = Fault(subcode="MissingAddressInEPR")
        two = f"<a:Address>{ANONYMOUS}</a:Address><a:Address>{NONE}</a:Address>"
        for name, inside in {
            "without address": "",
            "of text": ANONYMOUS,
            "with two addresses": two,
            "with an address of another namespace": f"<Address>{ANONYMOUS}</Address>",
            "with a nested address": f"<y><a:Address>{ANONYMOUS}</a:Address></y>",
        }.items():
            yield _case(f"{kind} {name}", addressed, message(reply_to=f"<a:{kind}>{inside}</a:{kind}>"), missing)


def _security() -> Iterator[Case]:
    rule = "one security header for us"
    block = f'<w:Security xmlns:w="{WSSE}">{CANARY}</w:Security>'
    yield _case("two security headers", rule, message(headers=block * 2), SECURITY)
    yield _case(
        "mandatory security twice", rule, message(headers=block.replace(">", ' s:mustUnderstand="1">', 1) * 2), SECURITY
    )
    yield _case("three security headers", rule, message(headers=block * 3), SECURITY)
    yield _case("security in the body", "the body is what the action says", message(block), MISMATCH)
