// A consumer of a share group (KIP-932) that says of each record what became of it.
//
// java -cp … ShareGroup.java BOOTSTRAP PROPERTIES GROUP WAY COUNT CANARY TOPIC…
//   WAY   `accept`   every record
//         `release`  every record at its first delivery; accepts it at its second
//         `reject`   every record whose value has CANARY; accepts the others
//         `keep`     a first consumer reads once and never acknowledges, so that the lock on
//                    what it was given runs out; a second one accepts what it gets
//
// Prints {"kept":N,"values":[…],"canaries":N,"deliveries":{"1":N,…},"acknowledged":N,"failed":[CLASS…]} when
// COUNT records were accepted or rejected and the broker has taken all acknowledgements; at most
// 100 values. Topics that may not be read end it: {"error":CLASS,"topics":[…]} and 1.

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
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class ShareGroup {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Duration POLL = Duration.ofMillis(500);
    private static final long PATIENCE = Duration.ofSeconds(200).toNanos();

    private final Properties properties = new Properties();
    private final String way;
    private final int count;
    private final byte[] canary;
    private final List<String> topics;
    private final List<String> values = new ArrayList<>();
    private final Map<Integer, Integer> deliveries = new TreeMap<>();
    private final List<String> failed = new ArrayList<>();
    private int canaries = 0;
    private int done = 0;
    private int kept = 0;
    private int acknowledged = 0;

    private ShareGroup(String[] arguments) throws Exception {
        try (var reader = Files.newBufferedReader(Path.of(arguments[1]))) {
            properties.load(reader);
        }
        properties.put("bootstrap.servers", arguments[0]);
        properties.put("group.id", arguments[2]);
        properties.put("share.acknowledgement.mode", "explicit");
        way = arguments[3];
        count = Integer.parseInt(arguments[4]);
        canary = arguments[5].getBytes(StandardCharsets.UTF_8);
        topics = List.of(arguments).subList(6, arguments.length);
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, Object> line = new LinkedHashMap<>();
        try {
            new ShareGroup(arguments).run(line);
        } catch (TopicAuthorizationException denied) {
            line.put("error", denied.getClass().getName());
            line.put("topics", denied.unauthorizedTopics());
        }
        System.out.println(JSON.writeValueAsString(line));
        System.out.flush();
        System.exit(line.containsKey("error") ? 1 : 0);
    }

    private KafkaShareConsumer<byte[], byte[]> consumer() {
        var bytes = new ByteArrayDeserializer();
        var consumer = new KafkaShareConsumer<>(properties, bytes, bytes);
        consumer.setAcknowledgementCommitCallback((offsets, failure) -> {
            if (failure == null) {
                offsets.values().forEach(taken -> acknowledged += taken.size());
            } else {
                failed.add(failure.getClass().getName());
            }
        });
        consumer.subscribe(topics);
        return consumer;
    }

    private void run(Map<String, Object> line) throws Exception {
        KafkaShareConsumer<byte[], byte[]> idle = null;
        if (way.equals("keep")) {
            idle = consumer();
            long end = System.nanoTime() + PATIENCE;
            while (kept == 0 && System.nanoTime() < end) {
                kept += idle.poll(POLL).count();
            }
        }
        try (var consumer = consumer()) {
            long end = System.nanoTime() + PATIENCE;
            while (done < count && System.nanoTime() < end) {
                ConsumerRecords<byte[], byte[]> records = consumer.poll(POLL);
                for (ConsumerRecord<byte[], byte[]> record : records) {
                    take(consumer, record);
                }
                consumer.commitSync(Duration.ofSeconds(30)).forEach((partition, failure) ->
                    failure.ifPresent(f -> failed.add(f.getClass().getName())));
            }
        }
        line.put("kept", kept);
        line.put("values", values);
        line.put("canaries", canaries);
        line.put("done", done);
        line.put("deliveries", deliveries);
        line.put("acknowledged", acknowledged);
        line.put("failed", failed);
    }

    private void take(KafkaShareConsumer<byte[], byte[]> consumer,
                      ConsumerRecord<byte[], byte[]> record) {
        int delivery = record.deliveryCount().orElse((short) 0);
        deliveries.merge(delivery, 1, Integer::sum);
        boolean shown = has(record.value()) || has(record.key());
        for (var header : record.headers()) {
            shown |= has(header.value());
        }
        canaries += shown ? 1 : 0;
        if (values.size() < 100 && record.value() != null) {
            values.add(new String(record.value(), StandardCharsets.UTF_8));
        }
        if (way.equals("release") && delivery == 1) {
            consumer.acknowledge(record, AcknowledgeType.RELEASE);
            return;
        }
        boolean rejects = way.equals("reject") && has(record.value());
        consumer.acknowledge(record, rejects ? AcknowledgeType.REJECT : AcknowledgeType.ACCEPT);
        done++;
    }

    private boolean has(byte[] bytes) {
        if (bytes == null) {
            return false;
        }
        for (int at = 0; at + canary.length <= bytes.length; at++) {
            if (java.util.Arrays.equals(bytes, at, at + canary.length, canary, 0, canary.length)) {
                return true;
            }
        }
        return false;
    }
}
