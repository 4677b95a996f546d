// Reads records and prints them.
//
// java -cp … Consume.java BOOTSTRAP PROPERTIES TOPIC COUNT PROTOCOL ISOLATION GROUP
//   PROTOCOL    `classic` or `consumer` (KIP-848)
//   ISOLATION   `read_uncommitted` or `read_committed`
//
// Prints one JSON object for each record: partition, offset, timestamp, key, value, headers (a list
// of [name, value]). Ends with 0 when COUNT records or more (whole polls are printed) were read and
// their offsets committed; with 1, after {"error":CLASS,"message":…}, when the consumer failed or
// 60 seconds were not enough.

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class Consume {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        properties.put("auto.offset.reset", "earliest");
        try (var reader = Files.newBufferedReader(Path.of(arguments[1]))) {
            properties.load(reader);
        }
        properties.put("bootstrap.servers", arguments[0]);
        properties.put("group.protocol", arguments[4]);
        properties.put("isolation.level", arguments[5]);
        properties.put("group.id", arguments[6]);
        properties.put("enable.auto.commit", "false");
        var bytes = new ByteArrayDeserializer();
        try (var consumer = new KafkaConsumer<>(properties, bytes, bytes)) {
            consumer.subscribe(List.of(arguments[2]));
            read(consumer, Integer.parseInt(arguments[3]));
            consumer.commitSync(Duration.ofSeconds(30));
        } catch (Exception failure) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("error", failure.getClass().getName());
            line.put("message", failure.getMessage());
            System.out.println(JSON.writeValueAsString(line));
            System.exit(1);
        }
    }

    private static void read(KafkaConsumer<byte[], byte[]> consumer, int count) throws Exception {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        int seen = 0;
        while (seen < count) {
            if (System.nanoTime() > deadline) {
                throw new TimeoutException(seen + " of " + count + " records came");
            }
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                System.out.println(JSON.writeValueAsString(line(record)));
                seen++;
            }
        }
    }

    private static Map<String, Object> line(ConsumerRecord<byte[], byte[]> record) {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("partition", record.partition());
        line.put("offset", record.offset());
        line.put("timestamp", record.timestamp());
        line.put("key", text(record.key()));
        line.put("value", text(record.value()));
        List<Object> headers = new ArrayList<>();
        record.headers().forEach(header -> {
            List<String> pair = new ArrayList<>();
            pair.add(header.key());
            pair.add(text(header.value()));
            headers.add(pair);
        });
        line.put("headers", headers);
        return line;
    }

    private static String text(byte[] bytes) {
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }
}
