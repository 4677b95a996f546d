// An idempotent producer whose records are refused in part, and which goes on.
//
// java -cp … RefusedProducer.java BOOTSTRAP PROPERTIES TOPIC MODE RECORD…
//   MODE      `each`: the next record is sent when the one before has its answer
//             `together`: all are sent at once, and so share batches and requests
//   RECORD    PARTITION:VALUE, with `-` for a partition that the client chooses
//
// Prints one JSON object for each record, in the order of the records:
//   {"value":…,"partition":…,"offset":…} or {"value":…,"error":CLASS,"message":…}
// and ends with 0 when the producer could still be used and closed.

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.StringSerializer;

public class RefusedProducer {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        properties.put("enable.idempotence", "true");
        properties.put("acks", "all");
        properties.put("linger.ms", arguments[3].equals("together") ? "200" : "0");
        properties.put("delivery.timeout.ms", "30000");
        properties.put("request.timeout.ms", "20000");
        try (var reader = Files.newBufferedReader(Path.of(arguments[1]))) {
            properties.load(reader);
        }
        properties.put("bootstrap.servers", arguments[0]);
        String topic = arguments[2];
        List<String> records = List.of(arguments).subList(4, arguments.length);
        var strings = new StringSerializer();
        try (var producer = new KafkaProducer<>(properties, strings, strings)) {
            List<Future<RecordMetadata>> answers = new ArrayList<>();
            for (String record : records) {
                Future<RecordMetadata> answer = producer.send(parsed(topic, record));
                answers.add(answer);
                if (arguments[3].equals("each")) {
                    waited(answer);
                }
            }
            for (int i = 0; i < records.size(); i++) {
                print(parsed(topic, records.get(i)).value(), answers.get(i));
            }
            producer.close(Duration.ofSeconds(10));
        }
    }

    private static ProducerRecord<String, String> parsed(String topic, String record) {
        String[] parts = record.split(":", 2);
        Integer partition = parts[0].equals("-") ? null : Integer.valueOf(parts[0]);
        return new ProducerRecord<>(topic, partition, null, parts[1]);
    }

    private static void waited(Future<RecordMetadata> answer) throws Exception {
        try {
            answer.get(60, TimeUnit.SECONDS);
        } catch (ExecutionException refused) {
            // Printed with the others at the end.
        }
    }

    private static void print(String value, Future<RecordMetadata> answer) throws Exception {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("value", value);
        try {
            RecordMetadata metadata = answer.get(60, TimeUnit.SECONDS);
            line.put("partition", metadata.partition());
            line.put("offset", metadata.offset());
        } catch (ExecutionException refused) {
            line.put("error", refused.getCause().getClass().getName());
            line.put("message", refused.getCause().getMessage());
        }
        System.out.println(JSON.writeValueAsString(line));
    }
}
