from __future__ import annotations

import uuid

import pytest
from lxml import etree

from soap.envelope import fault_envelope, is_uuid_urn, read_envelope, request_head, tail
from soap.faults import FaultCode, SoapFault
from soap.vocabulary import ANONYMOUS, FEUILLET, NONE, SECURITY, SOAP11, SOAP12, SOAP_FAULT_ACTION, WSA, WSSE
from soap.xml import parse_untrusted
from tests.soap.service_under_test import QUERY, Served, envelope, fault_of

RELIABLE = "http://docs.oasis-open.org/ws-rx/wsrm/200702"


def understood(**changes: str | None) -> tuple[str, str | None]:
    """The envelope is read: action and reply address."""
    read = read_envelope(parse_untrusted(envelope(**changes)))  # type: ignore[arg-type]
    return read.addressing.action, read.addressing.reply_to


def fault(document: bytes) -> SoapFault:
    with pytest.raises(SoapFault) as caught:
        read_envelope(parse_untrusted(document))
    return caught.value


def test_addressing_and_the_single_child_of_the_body_are_read() -> None:
    read = read_envelope(parse_untrusted(envelope(message_id="urn:x", headers=f'<w:Security xmlns:w="{WSSE}"/>')))
    assert read.body.tag == f"{{{QUERY}}}AdhocQueryRequest"
    assert read.security is not None
    assert read.security.tag == SECURITY
    addressing = read.addressing
    assert (addressing.action, addressing.message_id) == ("urn:test:Query", "urn:x")
    assert (addressing.to, addressing.reply_to) == ("http://xds.example/", ANONYMOUS)


@pytest.mark.parametrize("reply_to", [ANONYMOUS, NONE, f" {ANONYMOUS}\n"])
def test_answers_on_the_same_connection_may_be_asked_for(reply_to: str) -> None:
    assert understood(reply_to=reply_to)[1] == reply_to.strip()


def test_a_missing_reply_to_means_anonymous() -> None:
    assert understood(reply_to=None)[1] is None


@pytest.mark.parametrize("kind", ["ReplyTo", "FaultTo"])
def test_an_answer_to_somewhere_else_is_refused_with_the_fault_of_ws_addressing(kind: str) -> None:
    elsewhere = f"<a:{kind}><a:Address>http://elsewhere.example/</a:Address></a:{kind}>"
    refused = fault(envelope(reply_to=None, headers=elsewhere))
    assert refused.subcodes == (f"{{{WSA}}}InvalidAddressingHeader", f"{{{WSA}}}OnlyAnonymousAddressSupported")
    assert refused.problem_header == kind


@pytest.mark.parametrize(
    "headers",
    [
        '<x s:mustUnderstand="0"/>',
        '<x s:mustUnderstand="false"/>',
        f'<x s:mustUnderstand="1" s:role="{SOAP12}/role/none"/>',
        '<x s:mustUnderstand="1" s:role="urn:somebody-else"/>',
        f'<w:Security xmlns:w="{WSSE}" s:mustUnderstand="1"/>',
        '<a:RelatesTo s:mustUnderstand="1">urn:x</a:RelatesTo><a:RelatesTo>urn:y</a:RelatesTo>',
        f"<!-- comments are allowed --><a:From><a:Address>{ANONYMOUS}</a:Address></a:From>",
        "\n   ",
    ],
)
def test_headers_for_others_and_headers_that_are_known_do_not_stop_a_message(headers: str) -> None:
    assert understood(headers=headers)[0] == "urn:test:Query"


def not_understood(headers: str) -> list[str]:
    """The names that the fault gives, as Clark names; the fault itself must be well-formed."""
    refused = fault(envelope(headers=headers))
    assert refused.code is FaultCode.MUST_UNDERSTAND
    answer = parse_untrusted(fault_envelope(refused, "id", None))
    assert fault_of(answer) == ("MustUnderstand", None)
    names = []
    for block in answer.iter(f"{{{SOAP12}}}NotUnderstood"):
        prefix, colon, local = (block.get("qname") or "").rpartition(":")
        namespace = block.nsmap[prefix] if colon else None
        names.append(f"{{{namespace}}}{local}" if namespace else local)
    return names


def test_the_fault_names_a_standard_header_that_is_not_understood() -> None:
    block = f'<r:Sequence xmlns:r="{RELIABLE}" s:mustUnderstand="true"/>'
    assert not_understood(block) == [f"{{{RELIABLE}}}Sequence"]
    assert not_understood(block * 50) == [f"{{{RELIABLE}}}Sequence"]


@pytest.mark.parametrize(
    "block", ['<canary s:mustUnderstand="1"/>', '<c:canary xmlns:c="urn:canary" s:mustUnderstand="1"/>']
)
def test_the_fault_does_not_repeat_a_name_that_a_sender_made_up(block: str) -> None:
    assert not_understood(block) == []


@pytest.mark.parametrize("value", ["yes", "", "TRUE", "2"])
def test_must_understand_is_a_boolean(value: str) -> None:
    assert fault(envelope(headers=f'<x s:mustUnderstand="{value}"/>')).code is FaultCode.SENDER


def test_another_version_of_soap_is_told_which_one_is_spoken() -> None:
    refused = fault(envelope().replace(SOAP12.encode(), SOAP11.encode()))
    assert (refused.code, refused.http_status) == (FaultCode.VERSION_MISMATCH, 500)
    answer = parse_untrusted(fault_envelope(refused, "id", None))
    supported = answer.find(f".//{{{SOAP12}}}Upgrade/{{{SOAP12}}}SupportedEnvelope")
    assert supported is not None
    prefix, _, local = (supported.get("qname") or "").partition(":")
    assert (supported.nsmap[prefix], local) == (SOAP12, "Envelope")


@pytest.mark.parametrize("name", ["Action", "MessageID"])
def test_a_missing_header_is_named(name: str) -> None:
    root = parse_untrusted(envelope())
    block = root.find(f".//{{{WSA}}}{name}")
    assert block is not None
    block.getparent().remove(block)  # type: ignore[union-attr]
    refused = fault(etree.tostring(root))
    assert (refused.subcode, refused.problem_header) == (f"{{{WSA}}}MessageAddressingHeaderRequired", name)


@pytest.mark.parametrize(("length", "accepted"), [(255, True), (256, True), (257, False)])
def test_a_message_id_has_at_most_256_characters(length: int, accepted: bool) -> None:
    document = envelope(message_id="urn:" + "x" * (length - 4))
    if accepted:
        assert len(read_envelope(parse_untrusted(document)).addressing.message_id) == length
    else:
        assert fault(document).subcode == f"{{{WSA}}}InvalidAddressingHeader"


def test_every_combination_of_action_and_body_that_disagrees_is_refused(served: Served) -> None:
    own = {operation: f"urn:test:{operation}" for operation in ("Store", "Fetch", "Query", "Register")}
    bodies = {
        "Store": '<x:StoreRequest xmlns:x="urn:ihe:iti:xds-b:2007"/>',
        "Fetch": '<x:FetchRequest xmlns:x="urn:ihe:iti:xds-b:2007"/>',
        "Query": f'<q:AdhocQueryRequest xmlns:q="{QUERY}"/>',
        "Register": '<l:SubmitObjectsRequest xmlns:l="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"/>',
    }
    for name, body in bodies.items():
        for action_of, action in own.items():
            answer = served.call(envelope(action, body))
            if name == action_of:
                assert answer.status == 200
            else:
                assert (answer.status, *answer.fault()) == (400, "Sender", "ActionMismatch")
    assert len(served.recorder.messages) == len(own)


@pytest.mark.parametrize("stated", ['"urn:test:Query"', "urn:test:Query", "", '""'])
def test_an_http_action_that_agrees_or_says_nothing_is_accepted(served: Served, stated: str) -> None:
    assert served.call(envelope(), environ={"HTTP_SOAPACTION": stated}).status == 200


def test_operations_that_share_a_body_are_told_apart_by_their_action(served: Served) -> None:
    body = '<l:SubmitObjectsRequest xmlns:l="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"/>'
    for name in ("Register", "Update", "OnDemand"):
        answer = served.call(envelope(f"urn:test:{name}", body))
        assert answer.header("Action") == f"urn:test:{name}Response"
        assert served.recorder.messages[-1].operation.name == name


def test_an_answer_relates_to_its_request(served: Served) -> None:
    message_id = f"urn:uuid:{uuid.uuid4()}"
    answer = served.call(envelope(message_id=message_id))
    assert answer.header("RelatesTo") == message_id
    assert answer.header("To") == ANONYMOUS
    assert is_uuid_urn(answer.header("MessageID") or "")


def test_a_fault_relates_to_its_request_when_that_has_the_id_of_a_uuid(served: Served) -> None:
    message_id = f"urn:uuid:{uuid.uuid4()}"
    assert served.call(envelope("urn:unknown", message_id=message_id)).header("RelatesTo") == message_id
    for invented in ("urn:canary", "urn:uuid:canary", f"urn:uuid:{'0' * 36}"):
        answer = served.call(envelope("urn:unknown", message_id=invented))
        assert answer.header("RelatesTo") is None
        assert b"canary" not in answer.body


def test_faults_carry_the_action_of_whoever_defines_them_and_a_correlation_id(served: Served) -> None:
    addressing = served.call(envelope("urn:unknown"), environ={"feuillet.correlation_id": "c-17"})
    assert addressing.header("Action") == f"{WSA}/fault"
    assert addressing.envelope.findtext(f".//{{{FEUILLET}}}CorrelationId") == "c-17"
    assert served.call(b"<a").header("Action") == SOAP_FAULT_ACTION


def test_what_we_send_is_what_we_read() -> None:
    document = request_head("urn:a&b", "urn:m<1>", "http://to/?a&b") + b"<x/>" + tail()
    addressing = read_envelope(parse_untrusted(document)).addressing
    assert (addressing.action, addressing.message_id, addressing.to) == ("urn:a&b", "urn:m<1>", "http://to/?a&b")
