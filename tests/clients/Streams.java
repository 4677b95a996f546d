// A Kafka Streams application, exactly once: how often each word has come, one output for each
// input. java -cp … Streams.java SETTINGS.json
//
// Reads `bootstrap`, `topic` (created, input), `transactions` (created, output), `group` (the
// application), `protocol` (classic or streams), `records`. Prints {"step": "started"} when it
// has written its first word, then {"step": "streams", "inputs", "outputs", "wrong"}: of every
// word, the outputs must be 1, 2, 3, … each once.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.LongDeserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Produced;

public class Streams {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int WORDS = 7;
    private static JsonNode settings;

    public static void main(String[] arguments) throws Exception {
        settings = JSON.readTree(Files.readString(Path.of(arguments[0])));
        int records = settings.get("records").asInt();
        var strings = Serdes.String();
        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(text("topic"), Consumed.with(strings, strings))
                // The key is another one, so the counts go through a topic between.
                .groupBy((key, word) -> word, Grouped.with(strings, strings))
                .count()
                .toStream()
                .to(text("transactions"), Produced.with(strings, Serdes.Long()));
        Path state = Files.createTempDirectory("streams");
        try (var streams = new KafkaStreams(builder.build(), application(state))) {
            streams.setUncaughtExceptionHandler(failure -> {
                System.err.println(failure);
                return StreamThreadExceptionResponse.REPLACE_THREAD;
            });
            streams.start();
            Thread writer = new Thread(() -> write(records));
            writer.start();
            Map<String, List<Long>> read = read(records);
            writer.join();
            int outputs = read.values().stream().mapToInt(List::size).sum();
            List<String> wrong = new ArrayList<>();
            read.forEach((word, counts) -> {
                for (int i = 0; i < counts.size(); i++) {
                    if (counts.get(i) != i + 1) {
                        wrong.add(word + " has " + counts.get(i) + " at " + (i + 1));
                        break;
                    }
                }
            });
            print(Map.of("step", "streams", "inputs", records, "outputs", outputs, "wrong", wrong));
        }
        System.exit(0);
    }

    private static void write(int records) {
        Properties properties = common();
        properties.put("delivery.timeout.ms", "120000");
        var strings = new StringSerializer();
        try (var producer = new KafkaProducer<>(properties, strings, strings)) {
            for (int i = 0; i < records; i++) {
                String word = "word-" + i % WORDS;
                producer.send(new ProducerRecord<>(text("topic"), "k" + i, word));
                if (i == 0) print(Map.of("step", "started"));
                if (i % 10 == 9) Thread.sleep(20);
            }
        } catch (Exception failure) {
            throw new IllegalStateException(failure);
        }
    }

    /// What is committed, in its order, and nothing more for a while after the last.
    private static Map<String, List<Long>> read(int records) {
        Properties properties = common();
        properties.put("group.id", text("group") + ".reader");
        properties.put("isolation.level", "read_committed");
        properties.put("auto.offset.reset", "earliest");
        Map<String, List<Long>> read = new TreeMap<>();
        int outputs = 0;
        var keys = new StringDeserializer();
        try (var consumer = new KafkaConsumer<>(properties, keys, new LongDeserializer())) {
            consumer.subscribe(List.of(text("transactions")));
            long end = System.nanoTime() + Duration.ofMinutes(3).toNanos();
            for (int quiet = 0; quiet < 6 && System.nanoTime() < end;) {
                var polled = consumer.poll(Duration.ofMillis(500));
                polled.forEach(record ->
                        read.computeIfAbsent(record.key(), key -> new ArrayList<>())
                                .add(record.value()));
                outputs += polled.count();
                quiet = outputs >= records && polled.isEmpty() ? quiet + 1 : 0;
            }
        }
        return read;
    }

    private static Properties application(Path state) {
        Properties properties = common();
        properties.put("application.id", text("group"));
        properties.put("processing.guarantee", "exactly_once_v2");
        properties.put("group.protocol", text("protocol"));
        properties.put("commit.interval.ms", "200");
        // Every input has an output of its own.
        properties.put("statestore.cache.max.bytes", "0");
        properties.put("state.dir", state.toString());
        properties.put("num.stream.threads", "2");
        return properties;
    }

    private static Properties common() {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", text("bootstrap"));
        return properties;
    }

    private static void print(Map<String, ?> line) throws Exception {
        System.out.println(JSON.writeValueAsString(line));
    }

    private static String text(String name) {
        return settings.get(name).asText();
    }
}
