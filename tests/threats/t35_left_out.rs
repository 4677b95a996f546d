//! T35: a reader goes on behind records that are left out.

use std::time::Duration;

use crate::frames::batch;
use crate::packing::inflated;
use crate::stage::stage;
use crate::testcontainers::Python;

const READ: &str = r#"
import sys
from confluent_kafka import Consumer, TopicPartition
address, topic, end = sys.argv[1], sys.argv[2], int(sys.argv[3])
consumer = Consumer({"bootstrap.servers": address, "group.id": topic, "enable.auto.commit": False,
    "enable.partition.eof": True, "auto.offset.reset": "earliest"})
consumer.assign([TopicPartition(topic, 0, 0)])
offsets = []
while True:
    message = consumer.poll(60)
    assert message is not None, "nothing in a minute"
    if message.error():
        assert message.error().code() == -191, message.error()
        break
    offsets.append(message.offset())
position = consumer.position([TopicPartition(topic, 0)])[0].offset
print(offsets, position)
consumer.close()
"#;

#[test]
fn t35_offsets_stay_and_a_consumer_passes_what_is_left_out() {
    let stage = stage();
    stage.topic("strict.t35", 1);
    let mut client = stage.client();
    // Left out: a whole batch at the start, records in the middle, a whole batch at the end.
    for values in [&["x", "y"][..], &["{}", "x", "{}"], &["{}"], &["x"]] {
        assert_eq!(client.produce("strict.t35", &batch(values)).0, 0);
    }
    let (error, records) = client.fetch("strict.t35", 0);
    assert_eq!((error, inflated(&records).1), (0, 3));
    let python = Python::environment().limit(Duration::from_mins(2));
    let read = python.evaluate(READ, &[stage.address().as_str(), "strict.t35", "7"]);
    assert!(read.succeeded(), "{}", read.explain());
    // The position after the end of the partition is behind the last record that was left out, or
    // at it: librdkafka counts what it delivered.
    let line = read.stdout.trim().to_owned();
    assert!(line.starts_with("[2, 4, 5] "), "{line}");
}
