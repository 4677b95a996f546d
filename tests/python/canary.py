"""Writes records that hide a canary, or reads a topic and counts the canaries that it shows.

    python canary.py write BOOTSTRAP TOPIC CANARY RECORDS
    python canary.py read BOOTSTRAP TOPIC CANARY RECORDS

`write` uses all five codecs, each with a plain, an idempotent and a transactional producer.
"""

import json
import sys

from confluent_kafka import Consumer, Producer, TopicPartition

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
KINDS = ["plain", "idempotent", "transactional"]


def write(bootstrap, topic, canary, records):
    failed = []
    written = 0
    for place, (codec, kind) in enumerate((c, k) for c in CODECS for k in KINDS):
        settings = {
            "bootstrap.servers": bootstrap,
            "compression.type": codec,
            "linger.ms": 20,
            "enable.idempotence": kind != "plain",
        }
        if kind == "transactional":
            settings["transactional.id"] = f"{topic}-{codec}"
        producer = Producer(settings)
        if kind == "transactional":
            producer.init_transactions(60)
            producer.begin_transaction()
        share = len(CODECS) * len(KINDS)
        for number in range(records * place // share, records * (place + 1) // share):
            value = {"n": number, "secret": canary, "text": "clear",
                     "people": [{"name": canary, "age": 7}, {"name": "x" + canary}]}
            while True:
                try:
                    producer.produce(
                        topic, json.dumps(value), key=f"key-{canary}-{number % 100}",
                        headers=[("x-secret", canary.encode()), ("plain", b"clear")],
                        on_delivery=lambda e, _: failed.append(str(e)) if e else None)
                    break
                except BufferError:
                    producer.poll(0.1)
            written += 1
        if kind == "transactional":
            producer.commit_transaction(60)
        assert producer.flush(60) == 0
    assert not failed, failed[0]
    print(written)


def read(bootstrap, topic, canary, records):
    consumer = Consumer({
        "bootstrap.servers": bootstrap, "group.id": "canary", "enable.auto.commit": False,
        "isolation.level": "read_committed", "auto.offset.reset": "earliest"})
    partitions = consumer.list_topics(topic, 60).topics[topic].partitions
    consumer.assign([TopicPartition(topic, index, 0) for index in partitions])
    needle = canary.encode()
    count = shown = clear = 0
    while count < records:
        batch = consumer.consume(5000, 60)
        assert batch, f"{count} records, then nothing for a minute"
        for message in batch:
            assert not message.error(), message.error()
            count += 1
            parts = [message.key() or b"", message.value() or b""]
            parts += [value or b"" for _, value in message.headers() or []]
            shown += all(needle in parts[place] for place in (0, 1, 2))
            clear += b'"text": "clear"' in parts[1] and parts[3] == b"clear"
    consumer.close()
    print(count, shown, clear)


if __name__ == "__main__":
    action, address, name, secret, total = sys.argv[1:]
    {"write": write, "read": read}[action](address, name, secret, int(total))
