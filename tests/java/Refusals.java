// What Kafka's own clients are told of groups, transactional ids and topics that they may not use.
//
// java -cp … Refusals.java BOOTSTRAP PROPERTIES OPEN CLOSED
//
// OPEN and CLOSED are topics, and prefixes of groups and transactional ids. Prints one JSON object
// for each step: {"step":…,"error":…}, where `error` is the simple name of the exception's class, or
// null; listings have "names" in place of it.

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerGroupMetadata;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class Refusals {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private static Properties given = new Properties();
    private static String open;
    private static String closed;

    private interface Step {
        void run() throws Exception;
    }

    private interface Listing {
        Collection<String> names() throws Exception;
    }

    public static void main(String[] arguments) throws Exception {
        try (var reader = Files.newBufferedReader(Path.of(arguments[1]))) {
            given.load(reader);
        }
        given.put("bootstrap.servers", arguments[0]);
        open = arguments[2];
        closed = arguments[3];
        for (String protocol : List.of("classic", "consumer")) {
            step("join open " + protocol, () -> join(protocol, open, open));
            step("join closed " + protocol, () -> join(protocol, closed, open));
            step("subscribe closed " + protocol, () -> join(protocol, open, closed));
        }
        step("share closed group", () -> share(closed, open));
        step("share closed topic", () -> share(open + "-share", closed));
        step("commit open", () -> commit(open, open));
        step("commit closed group", () -> commit(closed, open));
        step("commit closed topic", () -> commit(open, closed));
        step("committed closed group", () -> committed(closed));
        step("transaction open", () -> transaction(open, open, open));
        step("transaction closed id", () -> transaction(closed, open, open));
        step("transaction closed topic", () -> transaction(open, closed, open));
        step("transaction closed group", () -> transaction(open, open, closed));
        try (Admin admin = Admin.create(given)) {
            administer(admin);
        }
    }

    private static void administer(Admin admin) throws Exception {
        var place = new TopicPartition(open, 0);
        var hidden = new TopicPartition(closed, 0);
        var start = Map.of(place, new OffsetAndMetadata(0));
        step("describe open", () -> admin.describeConsumerGroups(List.of(open)).all().get());
        step("describe closed", () -> admin.describeConsumerGroups(List.of(closed)).all().get());
        step("offsets closed", () ->
            admin.listConsumerGroupOffsets(closed).partitionsToOffsetAndMetadata().get());
        step("reset closed", () -> admin.alterConsumerGroupOffsets(closed, start).all().get());
        step("forget closed", () ->
            admin.deleteConsumerGroupOffsets(closed, start.keySet()).all().get());
        step("delete closed", () -> admin.deleteConsumerGroups(List.of(closed)).all().get());
        step("latest open", () -> admin.listOffsets(Map.of(place, OffsetSpec.latest())).all().get());
        step("latest closed", () ->
            admin.listOffsets(Map.of(hidden, OffsetSpec.latest())).all().get());
        step("transactions closed", () -> admin.describeTransactions(List.of(closed)).all().get());
        step("producers closed", () -> admin.describeProducers(List.of(hidden)).all().get());
        step("fence closed", () -> admin.fenceProducers(List.of(closed)).all().get());
        list("groups", () ->
            admin.listGroups().all().get().stream().map(group -> group.groupId()).toList());
        list("transactions", () -> admin.listTransactions().all().get().stream()
            .map(transaction -> transaction.transactionalId()).toList());
    }

    private static void join(String protocol, String group, String topic) {
        var properties = consumer(group);
        properties.put("group.protocol", protocol);
        try (var consumer = new KafkaConsumer<String, String>(properties)) {
            consumer.subscribe(List.of(topic));
            long end = System.nanoTime() + PATIENCE.toNanos();
            while (consumer.assignment().isEmpty()) {
                consumer.poll(Duration.ofMillis(100));
                if (System.nanoTime() > end) {
                    throw new IllegalStateException("no assignment");
                }
            }
        }
    }

    private static void share(String group, String topic) {
        try (var consumer = new KafkaShareConsumer<String, String>(consumer(group))) {
            consumer.subscribe(List.of(topic));
            long end = System.nanoTime() + PATIENCE.toNanos();
            while (System.nanoTime() < end) {
                consumer.poll(Duration.ofMillis(100));
            }
        }
    }

    private static void commit(String group, String topic) {
        try (var consumer = new KafkaConsumer<String, String>(consumer(group + "-by-hand"))) {
            consumer.assign(List.of(new TopicPartition(topic, 0)));
            var offsets = Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(0));
            consumer.commitSync(offsets, PATIENCE);
        }
    }

    private static void committed(String group) {
        try (var consumer = new KafkaConsumer<String, String>(consumer(group))) {
            consumer.committed(java.util.Set.of(new TopicPartition(open, 0)), PATIENCE);
        }
    }

    private static void transaction(String id, String topic, String group) throws Exception {
        var properties = new Properties();
        properties.putAll(given);
        properties.put("transactional.id", id);
        properties.put("max.block.ms", "60000");
        var strings = new StringSerializer();
        try (var producer = new KafkaProducer<>(properties, strings, strings)) {
            producer.initTransactions();
            producer.beginTransaction();
            try {
                producer.send(new ProducerRecord<>(topic, "value")).get();
                var offsets = Map.of(new TopicPartition(open, 0), new OffsetAndMetadata(0));
                var members = new ConsumerGroupMetadata(group + "-in-transaction");
                producer.sendOffsetsToTransaction(offsets, members);
                producer.commitTransaction();
            } catch (Exception error) {
                producer.close(Duration.ZERO);
                throw error;
            }
        }
    }

    private static Properties consumer(String group) {
        var properties = new Properties();
        properties.putAll(given);
        properties.put("group.id", group);
        properties.put("key.deserializer", StringDeserializer.class.getName());
        properties.put("value.deserializer", StringDeserializer.class.getName());
        return properties;
    }

    private static void step(String name, Step step) throws Exception {
        long end = System.nanoTime() + PATIENCE.toNanos();
        String error = null;
        while (true) {
            try {
                step.run();
                error = null;
            } catch (ExecutionException wrapped) {
                error = wrapped.getCause().getClass().getSimpleName();
                if (wrapped.getCause() instanceof RetriableException && System.nanoTime() < end) {
                    continue;
                }
            } catch (Exception plain) {
                error = plain.getClass().getSimpleName();
            }
            break;
        }
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("step", name);
        row.put("error", error);
        System.out.println(JSON.writeValueAsString(row));
    }

    private static void list(String name, Listing listing) throws Exception {
        Map<String, Object> row = new LinkedHashMap<>();
        row.put("step", name);
        row.put("names", listing.names());
        System.out.println(JSON.writeValueAsString(row));
    }
}
