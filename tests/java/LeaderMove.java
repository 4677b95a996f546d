// A producer and a consumer that run while every partition's leader is moved (KIP-951).
//
// java -cp … LeaderMove.java BOOTSTRAP PROPERTIES TOPIC DIRECT MOVES
//   DIRECT    where an admin client without a login reaches the brokers themselves
//   MOVES     how often each partition gets another leader
//
// Prints {"step":"moved","partition":…,"from":…,"to":…} for each move, and at the end
//   {"step":"end","produced":…,"consumed":…,"missing":…,"duplicates":…,"disordered":…,
//    "errors":[…],"connected":["host:port",…]}
// where `connected` is every address that the producer and the consumer have opened.

import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitionReassignment;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.ElectionType;
import org.apache.kafka.common.Node;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.TopicPartitionInfo;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Configuration;
import org.apache.logging.log4j.core.config.LoggerConfig;
import org.apache.logging.log4j.core.config.Property;

public class LeaderMove {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Set<String> CONNECTED = new ConcurrentSkipListSet<>();
    private static final Set<String> ERRORS = new ConcurrentSkipListSet<>();
    private static final AtomicLong PRODUCED = new AtomicLong();
    private static final AtomicBoolean MOVING = new AtomicBoolean(true);

    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        // Only what the answers themselves say about leaders helps: no refresh comes in between.
        properties.put("metadata.max.age.ms", "300000");
        try (var reader = Files.newBufferedReader(Path.of(arguments[1]))) {
            properties.load(reader);
        }
        properties.put("bootstrap.servers", arguments[0]);
        String topic = arguments[2];
        Map<String, Object> direct = Map.of("bootstrap.servers", arguments[3]);
        try (Admin admin = Admin.create(direct)) {
            int partitions = partitions(admin, topic).size();
            watchConnections();
            Thread producer = new Thread(() -> produce(properties, topic, partitions));
            producer.start();
            Map<Integer, List<Long>> seen = new HashMap<>();
            Thread consumer = new Thread(() -> consume(properties, topic, seen, producer));
            consumer.start();
            for (int move = 0; move < Integer.parseInt(arguments[4]); move++) {
                for (int partition = 0; partition < partitions; partition++) {
                    Thread.sleep(300);
                    move(admin, topic, partition);
                }
            }
            Thread.sleep(500);
            MOVING.set(false);
            producer.join();
            consumer.join();
            System.out.println(JSON.writeValueAsString(summary(seen)));
        }
    }

    private static void produce(Properties properties, String topic, int partitions) {
        var strings = new StringSerializer();
        try (var producer = new KafkaProducer<>(properties, strings, strings)) {
            for (long number = 0; MOVING.get(); number++) {
                int partition = (int) (number % partitions);
                String value = Long.toString(number / partitions);
                producer.send(new ProducerRecord<>(topic, partition, null, value), (m, failure) -> {
                    if (failure == null) {
                        PRODUCED.incrementAndGet();
                    } else {
                        ERRORS.add("produce: " + failure);
                    }
                });
                Thread.sleep(2);
            }
        } catch (Exception failure) {
            ERRORS.add("producer: " + failure);
        }
    }

    private static void consume(
            Properties properties, String topic, Map<Integer, List<Long>> seen, Thread producer) {
        Properties own = new Properties();
        own.putAll(properties);
        own.put("group.id", "leader-move-" + topic);
        own.put("auto.offset.reset", "earliest");
        var strings = new StringDeserializer();
        try (var consumer = new KafkaConsumer<>(own, strings, strings)) {
            consumer.subscribe(List.of(topic));
            long count = 0;
            long deadline = System.nanoTime() + Duration.ofSeconds(90).toNanos();
            while (producer.isAlive() || count < PRODUCED.get()) {
                if (System.nanoTime() > deadline) {
                    ERRORS.add("consumer: " + count + " of " + PRODUCED.get() + " after 90 s");
                    return;
                }
                for (var record : consumer.poll(Duration.ofMillis(100))) {
                    seen.computeIfAbsent(record.partition(), partition -> new ArrayList<>())
                            .add(Long.valueOf(record.value()));
                    count++;
                }
            }
        } catch (Exception failure) {
            ERRORS.add("consumer: " + failure);
        }
    }

    private static List<TopicPartitionInfo> partitions(Admin admin, String topic) throws Exception {
        return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions();
    }

    private static int leader(Admin admin, String topic, int partition) throws Exception {
        Node leader = partitions(admin, topic).get(partition).leader();
        return leader == null ? -1 : leader.id();
    }

    /** Puts the next replica in front and elects it. */
    private static void move(Admin admin, String topic, int partition) throws Exception {
        var where = new TopicPartition(topic, partition);
        TopicPartitionInfo before = partitions(admin, topic).get(partition);
        List<Integer> replicas = new ArrayList<>();
        before.replicas().stream().map(Node::id).forEach(replicas::add);
        replicas.remove(Integer.valueOf(before.leader().id()));
        replicas.add(before.leader().id());
        var order = Optional.of(new NewPartitionReassignment(replicas));
        admin.alterPartitionReassignments(Map.of(where, order)).all().get();
        while (!admin.listPartitionReassignments(Set.of(where)).reassignments().get().isEmpty()) {
            Thread.sleep(20);
        }
        admin.electLeaders(ElectionType.PREFERRED, Set.of(where)).partitions().get();
        int after = leader(admin, topic, partition);
        for (int i = 0; i < 500 && (after < 0 || after == before.leader().id()); i++) {
            Thread.sleep(20);
            after = leader(admin, topic, partition);
        }
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("step", "moved");
        line.put("partition", partition);
        line.put("from", before.leader().id());
        line.put("to", after);
        System.out.println(JSON.writeValueAsString(line));
    }

    private static Map<String, Object> summary(Map<Integer, List<Long>> seen) {
        long consumed = 0;
        long missing = 0;
        long duplicates = 0;
        long disordered = 0;
        for (List<Long> values : seen.values()) {
            var distinct = new TreeSet<>(values);
            consumed += distinct.size();
            duplicates += values.size() - distinct.size();
            missing += distinct.last() + 1 - distinct.size();
            for (int i = 1; i < values.size(); i++) {
                disordered += values.get(i) < values.get(i - 1) ? 1 : 0;
            }
        }
        Map<String, Object> line = new LinkedHashMap<>();
        line.put("step", "end");
        line.put("produced", PRODUCED.get());
        line.put("consumed", consumed);
        line.put("missing", missing);
        line.put("duplicates", duplicates);
        line.put("disordered", disordered);
        line.put("errors", ERRORS);
        line.put("connected", CONNECTED);
        return line;
    }

    /** Clients tell their connections to their log only; the admin client's are left out. */
    private static void watchConnections() {
        Pattern node = Pattern.compile("Initiating connection to node (\\S+) ");
        var appender = new AbstractAppender("connections", null, null, true, Property.EMPTY_ARRAY) {
            @Override
            public void append(LogEvent event) {
                String message = event.getMessage().getFormattedMessage();
                Matcher matcher = node.matcher(message);
                if (matcher.find() && !message.contains("[AdminClient")) {
                    CONNECTED.add(matcher.group(1));
                }
            }
        };
        appender.start();
        Configuration configuration =
                ((LoggerContext) LogManager.getContext(false)).getConfiguration();
        var logger = new LoggerConfig("org.apache.kafka.clients.NetworkClient", Level.DEBUG, false);
        logger.addAppender(appender, Level.DEBUG, null);
        configuration.addLogger("org.apache.kafka.clients.NetworkClient", logger);
        ((LoggerContext) LogManager.getContext(false)).updateLoggers();
    }
}
