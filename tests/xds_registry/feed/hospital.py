"""A hospital that announces its patients: messages of both syntaxes, and a socket to send them over."""

from __future__ import annotations

import socket
import uuid
from dataclasses import dataclass

from lxml import etree
from sqlalchemy import select

from dmp.audit.event import Action
from schemas.vocabulary import HL7V3
from soap.xml import parse_trusted
from tests.services.trail import changes_of
from xds_registry import tables as t
from xds_registry.patients import find_patient
from xds_registry.registry import Registry

AUTHORITY = "1.3.6.1.4.1.21367.13.20.1000"
SECOND_AUTHORITY = "1.3.6.1.4.1.21367.13.20.2000"
NAMESPACE = "IHERED"
FOREIGN = "1.2.3.4.5"


def cx(identifier: str, authority: str = AUTHORITY) -> str:
    """A patient identifier as messages and metadata write it."""
    return f"{identifier}^^^&{authority}&ISO"


def adt(
    trigger: str,
    pid3: str,
    mrg1: str | None = None,
    *,
    message_type: str | None = None,
    control_id: str = "MSG1",
    version: str = "2.3.1",
    charset: str = "",
) -> str:
    """An ADT message as text."""
    kind = f"ADT^{trigger}" if message_type is None else message_type
    lines = [
        f"MSH|^~\\&|HIS|HOSPITAL|REG|DOMAIN|20260101000000||{kind}|{control_id}|P|{version}||||||{charset}".rstrip("|"),
        f"EVN|{trigger}|20260101000000",
        f"PID|||{pid3}||DUPONT^ANNE||19700101|F",
    ]
    lines += ["PV1||O"] if mrg1 is None else [f"MRG|{mrg1}"]
    return "".join(f"{line}\r" for line in lines)


@dataclass(frozen=True)
class Ack:
    """An acknowledgement, taken apart with nothing of the product."""

    text: str

    @property
    def segments(self) -> dict[str, list[str]]:
        return {line[:3]: line.split("|") for line in self.text.split("\r") if line}

    @property
    def code(self) -> str:
        return self.segments["MSA"][1]

    @property
    def control_id(self) -> str:
        return self.segments["MSA"][2]

    @property
    def remark(self) -> str:
        return (self.segments["MSA"] + [""])[3]

    @property
    def error(self) -> tuple[str, str]:
        """ERR-2 and the code of ERR-3."""
        err = self.segments["ERR"]
        return err[2], err[3].split("^")[0]


class Link:
    """A connection to the listener."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=60)
        self.buffer = b""

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def receive(self) -> Ack | None:
        """The next acknowledgement; None when the listener closed the connection."""
        while b"\x1c\r" not in self.buffer:
            try:
                chunk = self.socket.recv(4096)
            except ConnectionResetError:
                return None
            if not chunk:
                return None
            self.buffer += chunk
        frame, _, self.buffer = self.buffer.partition(b"\x1c\r")
        assert frame[:1] == b"\x0b"
        return Ack(frame[1:].decode())

    def ask(self, message: str) -> Ack:
        self.send(b"\x0b" + message.encode() + b"\x1c\r")
        answer = self.receive()
        assert answer is not None
        return answer


def known(registry: Registry, patient_id: str) -> bool:
    """Whether the registry knows a patient."""
    with registry.engine.connect() as connection:
        return find_patient(connection, patient_id) is not None


def survivor(registry: Registry, patient_id: str) -> str | None:
    """The identifier of the patient that another one was merged into."""
    with registry.engine.connect() as connection:
        patient = find_patient(connection, patient_id)
        assert patient is not None
        statement = select(t.patient.c.patient_id).where(t.patient.c.pk == patient.survivor_pk)
        return connection.execute(statement).scalar_one_or_none()


def events(registry: Registry) -> list[tuple[str, str]]:
    """What the audit trail says was done, and to whom: "added" or "merged" (away), and the identifier."""
    names = {Action.CREATE: "added", Action.DELETE: "merged"}
    done = sorted(changes_of(registry.engine), key=lambda event: event.happened_at)
    return [(names[event.action], event.patient) for event in done if event.action in names]


def ids(*identifiers: tuple[str, str]) -> str:
    """HL7 V3 ids of (root, extension)."""
    return "".join(f'<id root="{root}" extension="{extension}"/>' for root, extension in identifiers)


def prpa(
    name: str,
    patient: str,
    prior: str | None = None,
    *,
    interaction: str | None = None,
    mode: str = "T",
) -> etree._Element:
    """A message of ITI-44; `patient` and `prior` are ids."""
    role = f"<priorRegisteredRole>{prior}</priorRegisteredRole>"
    replacement = f"<replacementOf><priorRegistration><subject1>{role}</subject1></priorRegistration></replacementOf>"
    if prior is None:
        replacement = ""
    return parse_trusted(
        f'<{name} xmlns="{HL7V3}" ITSVersion="XML_1.0"><id root="{uuid.uuid4()}" extension="M1"/>'
        '<creationTime value="20260101000000"/>'
        f'<interactionId root="2.16.840.1.113883.1.6" extension="{interaction or name}"/>'
        f'<processingCode code="D"/><processingModeCode code="{mode}"/><acceptAckCode code="AL"/>'
        '<receiver typeCode="RCV"><device><id root="1.2.840.114350.1"/></device></receiver>'
        '<sender typeCode="SND"><device><id root="1.2.840.114350.2" extension="HIS"/></device></sender>'
        f"<controlActProcess><subject><registrationEvent><subject1><patient>{patient}</patient></subject1>"
        f"{replacement}</registrationEvent></subject></controlActProcess></{name}>".encode()
    )
