// Reads one partition from its start until the consumer stands at its end.
//
// java -cp … ReadToEnd.java BOOTSTRAP PROPERTIES TOPIC
//
// Prints {"offset":…,"value":…} for each record of partition 0, then {"position":…,"end":…}. Fails
// when the consumer has not come to the end within 60 seconds.

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class ReadToEnd {
    private static final ObjectMapper JSON = new ObjectMapper();

    private static String text(byte[] bytes) {
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }

    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        try (var reader = Files.newBufferedReader(Path.of(arguments[1]))) {
            properties.load(reader);
        }
        properties.put("bootstrap.servers", arguments[0]);
        var bytes = new ByteArrayDeserializer();
        var partition = new TopicPartition(arguments[2], 0);
        try (var consumer = new KafkaConsumer<>(properties, bytes, bytes)) {
            consumer.assign(List.of(partition));
            consumer.seekToBeginning(List.of(partition));
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
            while (consumer.position(partition) < end && System.nanoTime() < deadline) {
                for (var record : consumer.poll(Duration.ofMillis(200))) {
                    Map<String, Object> line = new LinkedHashMap<>();
                    line.put("offset", record.offset());
                    byte[] value = record.value();
                    line.put("value", text(value));
                    System.out.println(JSON.writeValueAsString(line));
                }
            }
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("position", consumer.position(partition));
            line.put("end", end);
            System.out.println(JSON.writeValueAsString(line));
            if (consumer.position(partition) < end) {
                System.exit(1);
            }
        }
    }
}
