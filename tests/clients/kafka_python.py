"""kafka-python in one cell of the client matrix: kafka_python.py SETTINGS

What the settings hold and what is printed: see the module doc of `run` beside this file.
"""

import json
import pathlib
import sys
import time

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.net.sasl.oauth import AbstractTokenProvider

CODECS = {"none": None}


def main(settings):
    {"matrix": matrix, "refused": refused, "steady": steady}[settings["do"]](settings)


def matrix(settings):
    topic, sent = settings["topic"], []
    for codec in settings["codecs"]:
        values = [f"{codec}-{i}" for i in range(settings["records"])]
        kind = CODECS.get(codec, codec)
        step(f"produce {codec}", lambda kind=kind, values=values: produce(
            producer(settings, compression_type=kind), topic, values))
        sent += values
    step("consume in a group", lambda: same(sent, consume(settings, topic, len(sent))))
    step("committed offsets", lambda: committed(settings, topic, len(sent)))
    step("transaction", lambda: transaction(settings))


def produce(client, topic, values):
    for waiting in [
        client.send(topic, value.encode(), f"k{i}".encode()) for i, value in enumerate(values)
    ]:
        waiting.get(60)
    client.close()


def consume(settings, topic, count, **more):
    consumer = KafkaConsumer(
        topic, **common(settings), group_id=settings["group"], auto_offset_reset="earliest",
        enable_auto_commit=False, **more,
    )
    values, end = [], time.monotonic() + 40
    while len(values) < count and time.monotonic() < end:
        for records in consumer.poll(500).values():
            values += [record.value.decode() for record in records]
    consumer.commit()
    consumer.close()
    return values


def committed(settings, topic, count):
    consumer = KafkaConsumer(**common(settings), group_id=settings["group"])
    places = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic)]
    total = sum(consumer.committed(place) or 0 for place in places)
    consumer.close()
    return None if total == count else f"committed {total} of {count}"


def transaction(settings):
    topic = settings["transactions"]
    client = producer(settings, transactional_id=settings["transactional_id"])
    client.init_transactions()
    for word in ("out", "in"):
        client.begin_transaction()
        for i in range(3):
            client.send(topic, f"{word}-{i}".encode(), f"k{i}".encode())
        client.flush(60)
        if word == "in":
            client.commit_transaction()
        else:
            client.abort_transaction()
    client.close()
    read = consume(settings, topic, 3, isolation_level="read_committed")
    return same([f"in-{i}" for i in range(3)], read)


def refused(settings):
    client = producer(settings)
    outcomes = [outcome(client, settings, value) for value in ("good", "bad", "good", "good")]
    print(json.dumps({"step": "idempotent", "outcomes": outcomes}), flush=True)
    client = producer(settings, transactional_id=settings["transactional_id"])
    client.init_transactions()
    steps = []
    for values in (["good", "bad"], ["good"], ["good"]):
        client.begin_transaction()
        steps += [outcome(client, settings, value) for value in values]
        try:
            client.commit_transaction()
            steps.append("commit")
        except Exception as failure:  # whatever a client raises is the cell's result
            steps.append(f"commit: {type(failure).__name__}")
            client.abort_transaction()
            steps.append("abort")
    print(json.dumps({"step": "transactional", "outcomes": steps}), flush=True)


def outcome(client, settings, value):
    # A compacted topic refuses a record without a key, as a rule refuses a bad one.
    key = None if value == "bad" else b"key"
    try:
        client.send(settings["topic"], value.encode(), key, partition=0).get(60)
        return value
    except Exception as failure:  # whatever a client raises is the cell's result
        return f"{value}: {type(failure).__name__}"


def steady(settings):
    client, waiting = producer(settings), []
    print(json.dumps({"step": "started"}), flush=True)
    while not pathlib.Path(settings["until"]).exists():
        waiting.append(client.send(settings["topic"], f"r-{len(waiting)}".encode()))
        time.sleep(0.002)
    client.flush(60)
    errors = [str(each.exception) for each in waiting if each.failed()]
    acknowledged = sum(each.succeeded() for each in waiting)
    line = {"step": "steady", "sent": len(waiting), "acknowledged": acknowledged, "errors": errors}
    print(json.dumps(line), flush=True)


def producer(settings, **more):
    return KafkaProducer(**common(settings), enable_idempotence=True, acks="all", **more)


def common(settings):
    config = {
        "bootstrap_servers": settings["bootstrap"],
        "security_protocol": settings["security"],
    }
    names = {"ca": "ssl_cafile", "cert": "ssl_certfile", "key": "ssl_keyfile"}
    config.update({names[name]: settings[name] for name in names if name in settings})
    if "mechanism" in settings:
        config["sasl_mechanism"] = settings["mechanism"]
        if settings["mechanism"] == "OAUTHBEARER":
            config["sasl_oauth_token_provider"] = Token(settings["token"])
        else:
            config["sasl_plain_username"] = settings["username"]
            config["sasl_plain_password"] = settings["password"]
    return config


class Token(AbstractTokenProvider):
    """Hands out the token of the settings."""

    def __init__(self, token):
        self.value = token

    def token(self):
        """The token."""
        return self.value


def same(wanted, read):
    good = sorted(wanted) == sorted(read)
    return None if good else f"read {len(read)} of {len(wanted)} values"


def step(name, action):
    line = {"step": name}
    try:
        problem = action()
        if problem:
            line["error"] = problem
    except Exception as failure:  # whatever a client raises is the cell's result
        line["error"] = f"{type(failure).__name__}: {failure}"
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(json.loads(pathlib.Path(sys.argv[1]).read_text()))
