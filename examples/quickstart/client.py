"""Reads a topic to its end, or writes a record to it, as the person whose settings are given.

    client.py SETTINGS TOPIC            prints every record
    client.py SETTINGS TOPIC RECORD     writes one, and says what became of it

SETTINGS are those of librdkafka, one NAME=VALUE a line, as the quickstart writes them: with
sasl.oauthbearer.method=oidc the client fetches its tokens itself. Needs `confluent-kafka`.
"""

import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition


def main(settings_file, topic, *records):
    with open(settings_file, encoding="utf-8") as lines:
        settings = dict(line.strip().split("=", 1) for line in lines if "=" in line)
    if records:
        write(settings, topic, records)
    else:
        read(settings, topic)


def write(settings, topic, records):
    def report(error, message):
        print(error or f"stored at offset {message.offset()}")

    producer = Producer(settings)
    for record in records:
        producer.produce(topic, record, on_delivery=report)
    if producer.flush(30):
        sys.exit("no answer within 30 seconds")


def read(settings, topic):
    consumer = Consumer(settings | {"group.id": "unused", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    while message := consumer.poll(30):
        if not message.error():
            print(message.value().decode())
        elif message.error().code() == KafkaError._PARTITION_EOF:
            break
        else:
            print(message.error(), file=sys.stderr)
    consumer.close()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
