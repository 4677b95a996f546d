// Produces the same records once for each codec and each kind of producer.
//
// java -cp … ProduceMatrix.java BOOTSTRAP PROPERTIES TOPIC RECORD…
//
// Every combination of none, gzip, snappy, lz4, zstd and plain, idempotent, transactional. Prints
// {"codec":…,"mode":…,"delivered":…} for each; ends with an exception where a record is refused.

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

public class ProduceMatrix {
    private static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");
    private static final List<String> MODES = List.of("plain", "idempotent", "transactional");

    public static void main(String[] arguments) throws Exception {
        Properties given = new Properties();
        try (var reader = Files.newBufferedReader(Path.of(arguments[1]))) {
            given.load(reader);
        }
        given.put("bootstrap.servers", arguments[0]);
        given.put("linger.ms", "50");
        List<String> records = List.of(arguments).subList(3, arguments.length);
        for (String codec : CODECS) {
            for (String mode : MODES) {
                produce(given, arguments[2], codec, mode, records);
                Map<String, Object> line = new LinkedHashMap<>();
                line.put("codec", codec);
                line.put("mode", mode);
                line.put("delivered", records.size());
                System.out.println(new ObjectMapper().writeValueAsString(line));
            }
        }
    }

    private static void produce(
            Properties given, String topic, String codec, String mode, List<String> records)
            throws Exception {
        Properties properties = new Properties();
        properties.putAll(given);
        properties.put("compression.type", codec);
        properties.put("enable.idempotence", Boolean.toString(!mode.equals("plain")));
        boolean transactional = mode.equals("transactional");
        if (transactional) {
            properties.put("transactional.id", "java-" + UUID.randomUUID());
        }
        var strings = new StringSerializer();
        try (var producer = new KafkaProducer<>(properties, strings, strings)) {
            if (transactional) {
                producer.initTransactions();
                producer.beginTransaction();
            }
            List<Future<?>> answers = new ArrayList<>();
            for (String record : records) {
                answers.add(producer.send(new ProducerRecord<>(topic, record)));
            }
            for (Future<?> answer : answers) {
                answer.get(60, TimeUnit.SECONDS);
            }
            if (transactional) {
                producer.commitTransaction();
            }
        }
    }
}
