// The Java client in one cell of the client matrix: java -cp … Client.java SETTINGS.json
//
// What SETTINGS.json holds and what is printed: see the module doc of `run` beside this file.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.ApiException;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.common.utils.AppInfoParser;

public class Client {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String LOGIN = "org.apache.kafka.common.security.";
    private static JsonNode settings;
    private static String topic;

    public static void main(String[] arguments) throws Exception {
        settings = JSON.readTree(Files.readString(Path.of(arguments[0])));
        topic = text("topic");
        switch (text("do")) {
            case "matrix" -> matrix();
            case "refused" -> refused();
            default -> steady();
        }
        System.exit(0);
    }

    private static void matrix() throws Exception {
        Set<String> sent = new HashSet<>();
        for (JsonNode codec : settings.get("codecs")) {
            step("produce " + codec.asText(), () -> {
                try (var producer = producer(Map.of("compression.type", codec.asText()))) {
                    List<Future<?>> waiting = new ArrayList<>();
                    for (int i = 0; i < settings.get("records").asInt(); i++) {
                        String value = codec.asText() + "-" + i;
                        sent.add(value);
                        waiting.add(producer.send(new ProducerRecord<>(topic, "k" + i, value)));
                    }
                    for (var each : waiting) each.get(60, TimeUnit.SECONDS);
                    return null;
                }
            });
        }
        step("consume in a group", () -> {
            try (var consumer = consumer(Map.of())) {
                consumer.subscribe(List.of(topic));
                List<String> read = read(consumer, sent.size());
                consumer.commitSync();
                return same(sent, read);
            }
        });
        step("committed offsets", () -> {
            try (var consumer = consumer(Map.of())) {
                var places = consumer.partitionsFor(topic).stream()
                        .map(p -> new org.apache.kafka.common.TopicPartition(topic, p.partition()));
                var committed = consumer.committed(new HashSet<>(places.toList())).values();
                long sum = committed.stream().mapToLong(c -> c == null ? 0 : c.offset()).sum();
                return sum == sent.size() ? null : "committed " + sum + " of " + sent.size();
            }
        });
        step("transaction", () -> {
            topic = text("transactions");
            Map<String, Object> more = Map.of("transactional.id", text("transactional_id"));
            try (var producer = producer(more)) {
                producer.initTransactions();
                for (boolean committed : new boolean[] {false, true}) {
                    producer.beginTransaction();
                    for (int i = 0; i < 3; i++) {
                        String value = (committed ? "in-" : "out-") + i;
                        producer.send(new ProducerRecord<>(topic, "k" + i, value));
                    }
                    producer.flush();
                    if (committed) producer.commitTransaction(); else producer.abortTransaction();
                }
            }
            try (var consumer = consumer(Map.of("isolation.level", "read_committed"))) {
                consumer.subscribe(List.of(topic));
                return same(Set.of("in-0", "in-1", "in-2"), read(consumer, 3));
            }
        });
    }

    private static void refused() throws Exception {
        List<String> outcomes = new ArrayList<>();
        try (var producer = producer(Map.of())) {
            for (String value : List.of("good", "bad", "good", "good")) {
                outcomes.add(outcome(producer, value));
            }
        }
        print(Map.of("step", "idempotent", "outcomes", outcomes));
        List<String> steps = new ArrayList<>();
        Map<String, Object> more = Map.of("transactional.id", text("transactional_id"));
        try (var producer = producer(more)) {
            producer.initTransactions();
            for (String values : List.of("good bad", "good", "good")) {
                producer.beginTransaction();
                for (String value : values.split(" ")) steps.add(outcome(producer, value));
                try {
                    producer.commitTransaction();
                    steps.add("commit");
                } catch (Exception failure) {
                    steps.add("commit: " + name(failure));
                    producer.abortTransaction();
                    steps.add("abort");
                }
            }
        }
        print(Map.of("step", "transactional", "outcomes", steps));
    }

    private static void steady() throws Exception {
        AtomicInteger acknowledged = new AtomicInteger();
        List<String> errors = new ArrayList<>();
        int number = 0;
        try (var producer = producer(Map.of("linger.ms", "5"))) {
            print(Map.of("step", "started"));
            while (!Files.exists(Path.of(text("until")))) {
                producer.send(new ProducerRecord<>(topic, null, "r-" + number++), (place, error) -> {
                    if (error == null) acknowledged.incrementAndGet();
                    else synchronized (errors) { errors.add(error.toString()); }
                });
                Thread.sleep(2);
            }
        }
        print(Map.of("step", "steady", "sent", number, "acknowledged", acknowledged.get(),
                "errors", errors));
    }

    private static String outcome(KafkaProducer<String, String> producer, String value) {
        try {
            // A compacted topic refuses a record without a key, as a rule refuses a bad one.
            String key = value.equals("bad") ? null : "key";
            producer.send(new ProducerRecord<>(topic, 0, key, value)).get(60, TimeUnit.SECONDS);
            return value;
        } catch (Exception failure) {
            return value + ": " + name(failure);
        }
    }

    private static String name(Throwable failure) {
        // Whether the last error is wrapped depends on who saw it first.
        boolean wraps = failure instanceof ExecutionException
                || failure.getClass() == KafkaException.class;
        Throwable cause = wraps && failure.getCause() != null ? failure.getCause() : failure;
        String name = cause instanceof ApiException api ? Errors.forException(api).name() : "";
        return name.isEmpty() || name.equals("UNKNOWN_SERVER_ERROR")
                ? cause.getClass().getSimpleName() : name;
    }

    private static String same(Set<String> wanted, List<String> read) {
        boolean same = read.size() == wanted.size() && wanted.equals(new HashSet<>(read));
        return same ? null : "read " + read.size() + " of " + wanted.size() + " values";
    }

    private static List<String> read(KafkaConsumer<String, String> consumer, int count) {
        List<String> read = new ArrayList<>();
        long end = System.nanoTime() + Duration.ofSeconds(40).toNanos();
        while (read.size() < count && System.nanoTime() < end) {
            consumer.poll(Duration.ofMillis(500)).forEach(record -> read.add(record.value()));
        }
        return read;
    }

    private static KafkaProducer<String, String> producer(Map<String, Object> more) {
        Properties properties = common();
        properties.put("enable.idempotence", "true");
        properties.put("delivery.timeout.ms", "60000");
        properties.put("max.block.ms", "60000");
        properties.putAll(more);
        return new KafkaProducer<>(properties, new StringSerializer(), new StringSerializer());
    }

    private static KafkaConsumer<String, String> consumer(Map<String, Object> more) {
        Properties properties = common();
        properties.put("group.id", text("group"));
        properties.put("auto.offset.reset", "earliest");
        properties.put("enable.auto.commit", "false");
        properties.putAll(more);
        var strings = new StringDeserializer();
        return new KafkaConsumer<>(properties, strings, strings);
    }

    private static Properties common() {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", text("bootstrap"));
        properties.put("security.protocol", text("security"));
        if (settings.has("ca")) {
            properties.put("ssl.truststore.type", "PEM");
            properties.put("ssl.truststore.location", text("ca"));
        }
        if (settings.has("store")) {
            properties.put("ssl.keystore.type", "PEM");
            properties.put("ssl.keystore.location", text("store"));
        }
        if (settings.has("mechanism")) {
            String mechanism = text("mechanism");
            properties.put("sasl.mechanism", mechanism);
            String module = LOGIN + (mechanism.equals("PLAIN") ? "plain.PlainLoginModule"
                    : mechanism.equals("OAUTHBEARER") ? "oauthbearer.OAuthBearerLoginModule"
                    : "scram.ScramLoginModule");
            String options = String.format(" username=\"%s\" password=\"%s\"",
                    text("username"), text("password"));
            if (mechanism.equals("OAUTHBEARER")) {
                options = String.format(" clientId=\"%s\" clientSecret=\"%s\"",
                        text("username"), text("password"));
                properties.put("sasl.oauthbearer.token.endpoint.url", text("token_url"));
                // Kafka 3.9 has it in a package of its own.
                String secured = AppInfoParser.getVersion().startsWith("3.") ? "secured." : "";
                properties.put("sasl.login.callback.handler.class",
                        LOGIN + "oauthbearer." + secured + "OAuthBearerLoginCallbackHandler");
            }
            properties.put("sasl.jaas.config", LOGIN + module.substring(LOGIN.length())
                    + " required" + options + ";");
        }
        return properties;
    }

    private static void step(String name, Callable<String> action) throws Exception {
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("step", name);
        try {
            String problem = action.call();
            if (problem != null) line.put("error", problem);
        } catch (Exception failure) {
            line.put("error", String.valueOf(failure));
        }
        print(line);
    }

    private static void print(Map<String, ?> line) throws Exception {
        System.out.println(JSON.writeValueAsString(line));
    }

    private static String text(String name) {
        return settings.has(name) ? settings.get(name).asText() : "";
    }
}
