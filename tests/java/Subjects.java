import java.io.FileInputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;

/** Prints the subject of each certificate as Kafka's default principal builder takes it. */
public class Subjects {
    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        // The first two are the bootstrap address and the properties file.
        for (int i = 2; i < arguments.length; i++) {
            try (FileInputStream file = new FileInputStream(arguments[i])) {
                CertificateFactory factory = CertificateFactory.getInstance("X.509");
                X509Certificate certificate = (X509Certificate) factory.generateCertificate(file);
                out.println(certificate.getSubjectX500Principal().getName());
            }
        }
    }
}
