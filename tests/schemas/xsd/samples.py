"""Valid messages of the kinds that the sample material lacks: answers, and every class of ebRIM in a list."""

from __future__ import annotations

from typing import Final

from lxml import etree

from schemas import vocabulary as v
from soap.xml import parse_trusted
from tests.schemas.corpus import Document

_NAMES: Final = (
    f'xmlns:rim="{v.RIM}" xmlns:rs="{v.RS}" xmlns:lcm="{v.LCM}" xmlns:query="{v.QUERY}" xmlns:xdsb="{v.XDSB}" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
_VALUES: Final = "<rim:ValueList><rim:Value>a</rim:Value><rim:Value/></rim:ValueList>"
_SLOT: Final = f'<rim:Slot name="note" slotType="urn:t">{_VALUES}</rim:Slot>'
_NAME: Final = '<rim:Name><rim:LocalizedString xml:lang="fr" charset="UTF-8" value="Été"/></rim:Name>'
_DESCRIPTION: Final = '<rim:Description><rim:LocalizedString value="note"/></rim:Description>'
_VERSION: Final = '<rim:VersionInfo versionName="1" comment="first"/>'
_CLASSIFICATION: Final = (
    f'<rim:Classification id="c" classifiedObject="x" classificationScheme="urn:s" nodeRepresentation="n">'
    f"{_SLOT}{_NAME}</rim:Classification>"
)
_IDENTIFIER: Final = (
    f'<rim:ExternalIdentifier id="i" registryObject="x" identificationScheme="urn:s" value="1">'
    f"{_NAME}</rim:ExternalIdentifier>"
)
_OBJECT: Final = _SLOT + _NAME + _DESCRIPTION + _VERSION + _CLASSIFICATION + _IDENTIFIER
_COMMON: Final = 'id="x" home="urn:oid:1.2" lid="x" objectType="urn:o" status="urn:s"'
_ADDRESS: Final = (
    '<rim:Address city="Nîmes" country="FR" postalCode="30000" stateOrProvince="Gard" street="rue" streetNumber="1"/>'
)
_TELEPHONE: Final = '<rim:TelephoneNumber areaCode="4" countryCode="33" extension="1" number="66" phoneType="w"/>'
_EMAIL: Final = '<rim:EmailAddress address="a@b.fr" type="w"/>'
_PERSON_NAME: Final = '<rim:PersonName firstName="A" middleName="B" lastName="C"/>'
_NODE: Final = f'<rim:ClassificationNode {_COMMON} parent="urn:p" code="c" path="/a/b">{_SLOT}</rim:ClassificationNode>'
_LINK: Final = (
    f'<rim:SpecificationLink {_COMMON} serviceBinding="urn:b" specificationObject="urn:o">{_NAME}<rim:UsageDescription>'
    '<rim:LocalizedString value="u"/></rim:UsageDescription><rim:UsageParameter>p</rim:UsageParameter>'
    "<rim:UsageParameter>q</rim:UsageParameter></rim:SpecificationLink>"
)
_BINDING: Final = (
    f'<rim:ServiceBinding {_COMMON} service="urn:s" accessURI="http://a/b" targetBinding="urn:t">'
    f"{_NAME}{_LINK}{_LINK}</rim:ServiceBinding>"
)
_REFERENCE: Final = f'<rim:ObjectRef id="r" home="urn:oid:1.2" createReplica="false">{_SLOT}</rim:ObjectRef>'
_TIMES: Final = 'startTime="2024-05-17T13:42:05Z" endTime="2024-05-17T13:42:05Z" notificationInterval="P1D"'

#: One object of every class, with everything that it may hold.
OBJECTS: Final = (
    f'<rim:Identifiable id="x" home="urn:oid:1.2">{_SLOT}</rim:Identifiable>',
    f"<rim:RegistryObject {_COMMON}>{_OBJECT}</rim:RegistryObject>",
    _REFERENCE,
    f'<rim:ExtrinsicObject {_COMMON} mimeType="text/xml" isOpaque="false">{_OBJECT}'
    '<rim:ContentVersionInfo versionName="1.1" comment="c"/></rim:ExtrinsicObject>',
    f"<rim:RegistryPackage {_COMMON}>{_OBJECT}<rim:RegistryObjectList>{_REFERENCE}</rim:RegistryObjectList>"
    "</rim:RegistryPackage>",
    f'<rim:Association {_COMMON} associationType="urn:t" sourceObject="a" targetObject="b">{_OBJECT}</rim:Association>',
    _CLASSIFICATION,
    _IDENTIFIER,
    f'<rim:AdhocQuery {_COMMON}>{_OBJECT}<rim:QueryExpression queryLanguage="urn:l">text</rim:QueryExpression>'
    "</rim:AdhocQuery>",
    f"<rim:ClassificationNode {_COMMON}>{_OBJECT}{_NODE}{_NODE}</rim:ClassificationNode>",
    f'<rim:ClassificationScheme {_COMMON} isInternal="true" nodeType="urn:n">{_OBJECT}{_NODE}'
    "</rim:ClassificationScheme>",
    f"<rim:Person {_COMMON}>{_OBJECT}{_ADDRESS}{_PERSON_NAME}{_TELEPHONE}{_EMAIL}</rim:Person>",
    f"<rim:User {_COMMON}>{_OBJECT}{_ADDRESS}{_ADDRESS}{_PERSON_NAME}{_TELEPHONE}{_EMAIL}</rim:User>",
    f'<rim:Organization {_COMMON} parent="urn:p" primaryContact="urn:c">{_OBJECT}{_ADDRESS}{_TELEPHONE}{_EMAIL}{_EMAIL}'
    "</rim:Organization>",
    f"<rim:Service {_COMMON}>{_OBJECT}{_BINDING}{_BINDING}</rim:Service>",
    _BINDING,
    _LINK,
    f'<rim:ExternalLink {_COMMON} externalURI="http://a/b">{_OBJECT}</rim:ExternalLink>',
    f'<rim:Registry {_COMMON} operator="urn:o" specificationVersion="3.0" replicationSyncLatency="P1D" '
    f'catalogingLatency="P1D" conformanceProfile="registryFull">{_OBJECT}</rim:Registry>',
    f'<rim:Federation {_COMMON} replicationSyncLatency="P1D">{_OBJECT}</rim:Federation>',
    f'<rim:AuditableEvent {_COMMON} eventType="urn:e" timestamp="2024-05-17T13:42:05Z" user="urn:u" requestId="urn:r">'
    f"{_OBJECT}<rim:affectedObjects>{_REFERENCE}{_REFERENCE}</rim:affectedObjects></rim:AuditableEvent>",
    f'<rim:Subscription {_COMMON} selector="urn:q" {_TIMES}>{_OBJECT}<rim:NotifyAction endPoint="http://a/b" '
    'notificationOption="urn:o"/><rim:NotifyAction endPoint="http://c"/></rim:Subscription>',
)

_SLOTS: Final = f"<rs:{{}}SlotList>{_SLOT}</rs:{{}}SlotList>"
_ERRORS: Final = (
    f'<rs:RegistryErrorList highestSeverity="{v.Severity.ERROR}"><rs:RegistryError errorCode="XDSRegistryError" '
    f'codeContext="why" severity="{v.Severity.ERROR}" location="doc1"/><rs:RegistryError errorCode="E" codeContext=""/>'
    "</rs:RegistryErrorList>"
)
_ADDRESSED: Final = (
    "<xdsb:HomeCommunityId>urn:oid:1.2</xdsb:HomeCommunityId><xdsb:RepositoryUniqueId>1.2</xdsb:RepositoryUniqueId>"
    "<xdsb:DocumentUniqueId>1.2.3</xdsb:DocumentUniqueId>"
)
_RETRIEVED: Final = (
    f"<xdsb:DocumentResponse>{_ADDRESSED}<xdsb:NewRepositoryUniqueId>1.3</xdsb:NewRepositoryUniqueId>"
    "<xdsb:NewDocumentUniqueId>1.4</xdsb:NewDocumentUniqueId><xdsb:mimeType>text/xml</xdsb:mimeType>"
    "<xdsb:Document>Y2Rh</xdsb:Document></xdsb:DocumentResponse>"
)
_RESPONSE: Final = f'<rs:RegistryResponse {{}} status="{v.ResponseStatus.PARTIAL_SUCCESS}" requestId="urn:r">'
_RESPONDED: Final = f"{_RESPONSE}{_SLOTS.format('Response', 'Response')}{_ERRORS}</rs:RegistryResponse>"
_LISTED: Final = "<rim:RegistryObjectList>{}</rim:RegistryObjectList>"

#: One message of every kind.
MESSAGES: Final = (
    _RESPONDED.format(_NAMES),
    f'<query:AdhocQueryResponse {_NAMES} status="{v.ResponseStatus.SUCCESS}" startIndex="0" totalResultCount="1">'
    f"{_SLOTS.format('Response', 'Response')}{_ERRORS}{_LISTED.format(_REFERENCE)}</query:AdhocQueryResponse>",
    f'<query:AdhocQueryRequest {_NAMES} id="r" comment="c" federated="false" federation="urn:f" startIndex="0" '
    f'maxResults="-1">{_SLOTS.format("Request", "Request")}<query:ResponseOption returnType="LeafClass" '
    f'returnComposedObjects="true"/><rim:AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d">{_SLOT}'
    "</rim:AdhocQuery></query:AdhocQueryRequest>",
    f"<xdsb:RetrieveDocumentSetResponse {_NAMES}>{_RESPONDED.format('')}{_RETRIEVED}{_RETRIEVED}"
    "</xdsb:RetrieveDocumentSetResponse>",
    f"<xdsb:RetrieveDocumentSetRequest {_NAMES}><xdsb:DocumentRequest>{_ADDRESSED}</xdsb:DocumentRequest>"
    "</xdsb:RetrieveDocumentSetRequest>",
    f'<lcm:RemoveObjectsRequest {_NAMES} id="r" comment="c" deletionScope="urn:d">{_SLOTS.format("Request", "Request")}'
    f'<rim:AdhocQuery id="q"/><rim:ObjectRefList>{_REFERENCE}</rim:ObjectRefList></lcm:RemoveObjectsRequest>',
    f"<xdsb:ProvideAndRegisterDocumentSetRequest {_NAMES}><lcm:SubmitObjectsRequest>{_LISTED.format(_REFERENCE)}"
    '</lcm:SubmitObjectsRequest><xdsb:Document id="x">Y2Rh</xdsb:Document></xdsb:ProvideAndRegisterDocumentSetRequest>',
    f'<lcm:SubmitObjectsRequest {_NAMES} id="r" comment="c">{_SLOTS.format("Request", "Request")}{_LISTED.format("")}'
    "</lcm:SubmitObjectsRequest>",
)


def parse(text: str) -> etree._Element:
    """The element of a sample."""
    return parse_trusted(text.encode())


def samples() -> list[Document]:
    """Every message, and every class of object in a list."""
    found = [Document(f"message {number}", parse(text)) for number, text in enumerate(MESSAGES)]
    for text in OBJECTS:
        listed = parse(f"<rim:RegistryObjectList {_NAMES}>{text}</rim:RegistryObjectList>")
        found.append(Document(etree.QName(listed[0]).localname, listed))
    return found


def derived(declared: str, actual: str) -> etree._Element:
    """A list of one object that is declared as one class and says by xsi:type that it is another."""
    return parse(
        f'<rim:RegistryObjectList {_NAMES}><rim:{declared} id="x" xsi:type="rim:{actual}"/></rim:RegistryObjectList>'
    )
