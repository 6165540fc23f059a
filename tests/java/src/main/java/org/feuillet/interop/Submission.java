package org.feuillet.interop;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;

/** The metadata of one document in one submission set, as ebRIM (ITI TF-3: 4.2.3, 4.2.5). */
final class Submission {
    static final String DOCUMENT_SYMBOL = "Document01";

    private static final Map<String, String> DOCUMENT_CODES = Map.of(
            "classCode", "urn:uuid:41a5887f-8865-4c09-adf7-e362475b143a",
            "typeCode", "urn:uuid:f0306f51-975f-434e-a61c-c59651d33983",
            "formatCode", "urn:uuid:a09d5840-386c-46f2-b5ad-9c3699a4309d",
            "healthcareFacilityTypeCode", "urn:uuid:f33fb8ac-18af-42cc-ae0e-ed0b0bdb91e1",
            "practiceSettingCode", "urn:uuid:cccf5598-8b07-4b77-a05e-ae952c785ead",
            "confidentialityCode", "urn:uuid:f4f85eac-e6cb-4883-b524-f2705394840f");
    private static final String CONTENT_TYPE_CODE = "urn:uuid:aa543740-bdda-424e-8c96-df4873be8500";
    private static final String ENTRY_TYPE = "urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1";
    private static final String SET_NODE = "urn:uuid:a54d6aa5-d40d-43f9-88c5-b4633d873bdd";

    final String documentUniqueId = newOid();

    private final Properties settings;
    private int classifications;

    Submission(Properties settings) {
        this.settings = settings;
    }

    /** What ITI-42 registers: with size, hash and repository, which ITI-41 leaves to the repository. */
    String registered(byte[] document) {
        return submitObjectsRequest(
                slot("size", Integer.toString(document.length))
                        + slot("hash", sha1(document))
                        + slot("repositoryUniqueId", settings.getProperty("repositoryUniqueId")));
    }

    String provided() {
        return submitObjectsRequest("");
    }

    private String submitObjectsRequest(String repositorySlots) {
        String now = DateTimeFormatter.ofPattern("yyyyMMddHHmmss").format(LocalDateTime.now(ZoneOffset.UTC));
        String patient = settings.getProperty("patient");
        List<String> codes = new ArrayList<>();
        DOCUMENT_CODES.forEach((name, scheme) -> codes.add(code(DOCUMENT_SYMBOL, name, scheme)));
        return """
                <lcm:SubmitObjectsRequest xmlns:lcm="urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
                    xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">
                  <RegistryObjectList>
                    <ExtrinsicObject id="%1$s" mimeType="%2$s" objectType="%3$s"
                        status="urn:oasis:names:tc:ebxml-regrep:StatusType:Approved">
                      %4$s<Name><LocalizedString value="Report from another stack"/></Name>%5$s%6$s
                    </ExtrinsicObject>
                    <RegistryPackage id="SubmissionSet01">%7$s%8$s</RegistryPackage>
                    <Classification id="node" classifiedObject="SubmissionSet01" classificationNode="%9$s"
                        objectType="urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:Classification"/>
                    <Association id="member" sourceObject="SubmissionSet01" targetObject="%1$s"
                        objectType="urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:Association"
                        associationType="urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember">%10$s</Association>
                  </RegistryObjectList>
                </lcm:SubmitObjectsRequest>
                """.formatted(
                DOCUMENT_SYMBOL,
                settings.getProperty("mimeType"),
                ENTRY_TYPE,
                slot("creationTime", now) + slot("languageCode", settings.getProperty("languageCode"))
                        + slot("sourcePatientId", patient) + repositorySlots,
                String.join("", codes),
                identifier(DOCUMENT_SYMBOL, "XDSDocumentEntry.patientId",
                        "urn:uuid:58a6f841-87b3-4a3e-92fd-a8ffeff98427", patient)
                        + identifier(DOCUMENT_SYMBOL, "XDSDocumentEntry.uniqueId",
                                "urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab", documentUniqueId),
                slot("submissionTime", now),
                code("SubmissionSet01", "contentTypeCode", CONTENT_TYPE_CODE)
                        + identifier("SubmissionSet01", "XDSSubmissionSet.patientId",
                                "urn:uuid:6b5aea1a-874d-4603-a4bc-96a0a7b38446", patient)
                        + identifier("SubmissionSet01", "XDSSubmissionSet.sourceId",
                                "urn:uuid:554ac39e-e3fe-47fe-b233-965d2a147832", newOid())
                        + identifier("SubmissionSet01", "XDSSubmissionSet.uniqueId",
                                "urn:uuid:96fdda7c-d067-4183-912e-bf5ee74998a8", newOid()),
                SET_NODE,
                slot("SubmissionSetStatus", "Original"));
    }

    private static String slot(String name, String value) {
        return "<Slot name=\"%s\"><ValueList><Value>%s</Value></ValueList></Slot>".formatted(name, escaped(value));
    }

    /** A coded attribute; the settings hold it as `code|codingScheme|display name`. */
    private String code(String object, String attribute, String scheme) {
        String[] coded = settings.getProperty(attribute).split("\\|");
        return """
                <Classification id="c%d" classifiedObject="%s" classificationScheme="%s" nodeRepresentation="%s"
                    objectType="urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:Classification">
                  %s<Name><LocalizedString value="%s"/></Name>
                </Classification>
                """.formatted(++classifications, object, scheme, escaped(coded[0]), slot("codingScheme", coded[1]),
                escaped(coded[2]));
    }

    private String identifier(String object, String name, String scheme, String value) {
        return """
                <ExternalIdentifier id="i%d" registryObject="%s" identificationScheme="%s" value="%s"
                    objectType="urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:ExternalIdentifier">
                  <Name><LocalizedString value="%s"/></Name>
                </ExternalIdentifier>
                """.formatted(++classifications, object, scheme, escaped(value), name);
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;").replace("<", "&lt;").replace("\"", "&quot;");
    }

    private static String sha1(byte[] document) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(document));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** An OID below 2.25, made from a random UUID (ITU-T X.667). */
    private static String newOid() {
        return "2.25." + new java.math.BigInteger(UUID.randomUUID().toString().replace("-", ""), 16);
    }
}
