package org.feuillet.interop;

import ihe.iti.xds_b._2007.DocumentRegistryPortType;
import ihe.iti.xds_b._2007.DocumentRegistryService;
import ihe.iti.xds_b._2007.DocumentRepositoryPortType;
import ihe.iti.xds_b._2007.DocumentRepositoryService;
import ihe.iti.xds_b._2007.DocumentRequestType;
import ihe.iti.xds_b._2007.ProvideAndRegisterDocumentSetRequestType;
import ihe.iti.xds_b._2007.ProvidedDocumentType;
import ihe.iti.xds_b._2007.RetrieveDocumentSetRequestType;
import ihe.iti.xds_b._2007.RetrieveDocumentSetResponseType;
import jakarta.xml.bind.JAXBContext;
import jakarta.xml.bind.JAXBException;
import jakarta.xml.ws.soap.AddressingFeature;
import jakarta.xml.ws.soap.MTOMFeature;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.TreeSet;
import javax.xml.transform.stream.StreamSource;
import oasis.names.tc.ebxml_regrep.xsd.lcm._3.SubmitObjectsRequest;
import oasis.names.tc.ebxml_regrep.xsd.query._3.AdhocQueryRequest;
import oasis.names.tc.ebxml_regrep.xsd.query._3.AdhocQueryResponse;
import oasis.names.tc.ebxml_regrep.xsd.rim._3.ExtrinsicObjectType;
import oasis.names.tc.ebxml_regrep.xsd.rs._3.RegistryResponseType;

/**
 * Registers, provides, finds and reads back a document through stubs that Apache CXF generated from the server's WSDL.
 * The one argument is a properties file; prints one line for each transaction that did what it should, and fails otherwise.
 */
public final class Client {
    private static final String SUCCESS = "urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success";

    private final Properties settings;
    private final byte[] document;
    private final DocumentRegistryPortType registry;
    private final DocumentRepositoryPortType repository;

    private Client(Properties settings) throws IOException {
        this.settings = settings;
        document = Files.readAllBytes(Path.of(settings.getProperty("document")));
        // the addresses come from the WSDL; MTOM is negotiated by the binding (ITI TF-2: Appendix V.3.6)
        registry = new DocumentRegistryService(URI.create(settings.getProperty("registry.wsdl")).toURL())
                .getDocumentRegistryPortSoap12(new AddressingFeature(true, true));
        repository = new DocumentRepositoryService(URI.create(settings.getProperty("repository.wsdl")).toURL())
                .getDocumentRepositoryPortSoap12(new AddressingFeature(true, true), new MTOMFeature(true, 0));
    }

    public static void main(String[] arguments) throws Exception {
        Properties settings = new Properties();
        try (InputStream file = Files.newInputStream(Path.of(arguments[0]))) {
            settings.load(file);
        }
        new Client(settings).run();
    }

    private void run() throws IOException, JAXBException {
        Submission registered = new Submission(settings);
        register(registered);
        System.out.println("OK ITI-42 registered " + registered.documentUniqueId);

        Submission provided = new Submission(settings);
        provide(provided);
        System.out.println("OK ITI-41 provided " + provided.documentUniqueId + ", " + document.length + " bytes");

        TreeSet<String> wanted = new TreeSet<>(List.of(registered.documentUniqueId, provided.documentUniqueId));
        TreeSet<String> found = find();
        require(found.equals(wanted), "found " + found + ", wanted " + wanted);
        System.out.println("OK ITI-18 found " + found.size() + " documents");

        byte[] read = retrieve(provided.documentUniqueId);
        require(Arrays.equals(read, document), "read " + read.length + " bytes that differ from what was provided");
        System.out.println("OK ITI-43 read back " + read.length + " bytes");
    }

    private void register(Submission submission) throws JAXBException {
        SubmitObjectsRequest request = unmarshalled(submission.registered(document), SubmitObjectsRequest.class);
        succeeded(registry.documentRegistryRegisterDocumentSetB(request));
    }

    private void provide(Submission submission) throws JAXBException {
        ProvideAndRegisterDocumentSetRequestType request = new ProvideAndRegisterDocumentSetRequestType();
        request.setSubmitObjectsRequest(unmarshalled(submission.provided(), SubmitObjectsRequest.class));
        ProvidedDocumentType part = new ProvidedDocumentType();
        part.setId(Submission.DOCUMENT_SYMBOL);
        part.setValue(document);
        request.getDocument().add(part);
        succeeded(repository.documentRepositoryProvideAndRegisterDocumentSetB(request));
    }

    /** The unique ids of the patient's approved documents (FindDocuments, ITI TF-2: 3.18.4.1.2.3.7.1). */
    private TreeSet<String> find() throws JAXBException {
        String query = """
                <q:AdhocQueryRequest xmlns:q="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"
                    xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0">
                  <q:ResponseOption returnComposedObjects="true" returnType="LeafClass"/>
                  <AdhocQuery id="urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d">
                    <Slot name="$XDSDocumentEntryPatientId"><ValueList><Value>'%s'</Value></ValueList></Slot>
                    <Slot name="$XDSDocumentEntryStatus"><ValueList>
                      <Value>('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')</Value>
                    </ValueList></Slot>
                  </AdhocQuery>
                </q:AdhocQueryRequest>
                """.formatted(settings.getProperty("patient").replace("&", "&amp;"));
        AdhocQueryResponse response =
                registry.documentRegistryRegistryStoredQuery(unmarshalled(query, AdhocQueryRequest.class));
        succeeded(response);
        TreeSet<String> found = new TreeSet<>();
        response.getRegistryObjectList().getExtrinsicObjectOrRegistryPackageOrAssociation().stream()
                .map(ExtrinsicObjectType.class::cast)
                .flatMap(entry -> entry.getExternalIdentifier().stream())
                .filter(id -> id.getIdentificationScheme().equals("urn:uuid:2e82c1f6-a085-4c72-9da3-8640a32e42ab"))
                .forEach(id -> found.add(id.getValue()));
        return found;
    }

    private byte[] retrieve(String uniqueId) throws IOException {
        DocumentRequestType wanted = new DocumentRequestType();
        wanted.setRepositoryUniqueId(settings.getProperty("repositoryUniqueId"));
        wanted.setDocumentUniqueId(uniqueId);
        RetrieveDocumentSetRequestType request = new RetrieveDocumentSetRequestType();
        request.getDocumentRequest().add(wanted);
        RetrieveDocumentSetResponseType response = repository.documentRepositoryRetrieveDocumentSet(request);
        succeeded(response.getRegistryResponse());
        require(response.getDocumentResponse().size() == 1, "one document should have come back");
        try (InputStream content = response.getDocumentResponse().get(0).getDocument().getInputStream()) {
            return content.readAllBytes();
        }
    }

    private static void succeeded(RegistryResponseType response) {
        String errors = response.getRegistryErrorList() == null
                ? "no errors"
                : response.getRegistryErrorList().getRegistryError().stream()
                        .map(error -> error.getErrorCode() + ": " + error.getCodeContext())
                        .toList()
                        .toString();
        require(SUCCESS.equals(response.getStatus()), response.getStatus() + ", " + errors);
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }

    private static <T> T unmarshalled(String xml, Class<T> type) throws JAXBException {
        return JAXBContext.newInstance(type)
                .createUnmarshaller()
                .unmarshal(new StreamSource(new StringReader(xml)), type)
                .getValue();
    }
}
