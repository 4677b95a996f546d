// A transaction in which a record is refused: it cannot be committed, can be aborted, and the
// producer goes on with the next one.
//
// java -cp … TransactionalRefusal.java BOOTSTRAP PROPERTIES TOPIC TRANSACTIONAL_ID GOOD BAD
//
// GOOD is sent with a key and BAD without one, so that a compacted topic refuses it as well.
// Prints one JSON object for each step, in order: `init`, `send` GOOD, `send` BAD, `commit`
// (must fail), `abort`, then `send` GOOD and `commit` of a second transaction:
//   {"step":…,"value":…} with "error" and "message" where the step has failed.

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

public class TransactionalRefusal {
    private static final ObjectMapper JSON = new ObjectMapper();

    private interface Step {
        void run() throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        properties.put("linger.ms", "0");
        properties.put("max.block.ms", "30000");
        properties.put("delivery.timeout.ms", "30000");
        properties.put("request.timeout.ms", "20000");
        try (var reader = Files.newBufferedReader(Path.of(arguments[1]))) {
            properties.load(reader);
        }
        properties.put("bootstrap.servers", arguments[0]);
        properties.put("transactional.id", arguments[3]);
        String topic = arguments[2];
        String good = arguments[4];
        String bad = arguments[5];
        var strings = new StringSerializer();
        try (var producer = new KafkaProducer<>(properties, strings, strings)) {
            step("init", null, producer::initTransactions);
            producer.beginTransaction();
            step("send", good, () -> send(producer, topic, "key", good));
            step("send", bad, () -> send(producer, topic, null, bad));
            step("commit", null, producer::commitTransaction);
            step("abort", null, producer::abortTransaction);
            producer.beginTransaction();
            step("send", good, () -> send(producer, topic, "key", good));
            step("commit", null, producer::commitTransaction);
        }
    }

    private static void send(
            KafkaProducer<String, String> producer, String topic, String key, String value)
            throws Exception {
        producer.send(new ProducerRecord<>(topic, key, value)).get(60, TimeUnit.SECONDS);
    }

    private static void step(String name, String value, Step step) throws Exception {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("step", name);
        line.put("value", value);
        try {
            step.run();
        } catch (Exception failure) {
            Throwable cause =
                    failure instanceof ExecutionException ? failure.getCause() : failure;
            line.put("error", cause.getClass().getName());
            line.put("message", cause.getMessage());
        }
        System.out.println(JSON.writeValueAsString(line));
    }
}
