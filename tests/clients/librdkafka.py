"""librdkafka, through confluent-kafka, in one cell of the client matrix: librdkafka.py SETTINGS

What the settings hold and what is printed: see the module doc of `run` beside this file.
"""

import json
import pathlib
import sys
import time

import confluent_kafka
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition


def main(settings):
    {"matrix": matrix, "refused": refused, "steady": steady}[settings["do"]](settings)


def matrix(settings):
    topic, sent = settings["topic"], []
    for codec in settings["codecs"]:
        values = [f"{codec}-{i}" for i in range(settings["records"])]
        step(f"produce {codec}", lambda codec=codec, values=values: produce(
            producer(settings, {"compression.type": codec}), topic, values))
        sent += values
    step("consume in a group", lambda: same(sent, consume(settings, topic, len(sent))))
    step("committed offsets", lambda: committed(settings, topic, len(sent)))
    step("transaction", lambda: transaction(settings))


def produce(client, topic, values):
    errors = []
    for i, value in enumerate(values):
        client.produce(topic, value, f"k{i}", on_delivery=lambda error, _: errors.append(error))
    client.flush(60)
    failed = [str(error) for error in errors if error]
    if failed or len(errors) != len(values):
        raise ValueError(f"{len(errors)} of {len(values)} answered, {failed[:1]}")


def consume(settings, topic, count, more=None):
    consumer = Consumer({
        **common(settings), "group.id": settings["group"], "auto.offset.reset": "earliest",
        "enable.auto.commit": False, **(more or {}),
    })
    consumer.subscribe([topic])
    values, end = [], time.monotonic() + 40
    while len(values) < count and time.monotonic() < end:
        for message in consumer.consume(500, 0.5):
            if message.error():
                raise KafkaException(message.error())
            values.append(message.value().decode())
    consumer.commit(asynchronous=False)
    consumer.close()
    return values


def committed(settings, topic, count):
    consumer = Consumer({**common(settings), "group.id": settings["group"]})
    partitions = consumer.list_topics(topic, 30).topics[topic].partitions
    places = consumer.committed([TopicPartition(topic, p) for p in partitions], 30)
    consumer.close()
    total = sum(max(place.offset, 0) for place in places)
    return None if total == count else f"committed {total} of {count}"


def transaction(settings):
    topic = settings["transactions"]
    client = producer(settings, {"transactional.id": settings["transactional_id"]})
    client.init_transactions(60)
    for word in ("out", "in"):
        client.begin_transaction()
        produce(client, topic, [f"{word}-{i}" for i in range(3)])
        if word == "in":
            client.commit_transaction(60)
        else:
            client.abort_transaction(60)
    return same([f"in-{i}" for i in range(3)], consume(settings, topic, 3))


def refused(settings):
    client = producer(settings, {})
    outcomes = [outcome(client, settings, value) for value in ("good", "bad", "good", "good")]
    print(json.dumps({"step": "idempotent", "outcomes": outcomes}), flush=True)
    client = producer(settings, {"transactional.id": settings["transactional_id"]})
    client.init_transactions(60)
    steps = []
    for values in (["good", "bad"], ["good"], ["good"]):
        client.begin_transaction()
        steps += [outcome(client, settings, value) for value in values]
        try:
            client.commit_transaction(60)
            steps.append("commit")
        except KafkaException as failure:
            steps.append(f"commit: {failure.args[0].name()}")
            client.abort_transaction(60)
            steps.append("abort")
    print(json.dumps({"step": "transactional", "outcomes": steps}), flush=True)


def outcome(client, settings, value):
    # A compacted topic refuses a record without a key, as a rule refuses a bad one.
    key = {} if value == "bad" else {"key": "key"}
    errors = []
    client.produce(settings["topic"], value, partition=0, **key,
                   on_delivery=lambda error, _: errors.append(error))
    client.flush(60)
    return f"{value}: {errors[0].name()}" if errors[0] else value


def steady(settings):
    client, errors, count = producer(settings, {"linger.ms": 5}), [], 0
    acknowledged = [0]

    def delivered(error, _message):
        if error:
            errors.append(str(error))
        else:
            acknowledged[0] += 1

    print(json.dumps({"step": "started"}), flush=True)
    while not pathlib.Path(settings["until"]).exists():
        client.produce(settings["topic"], f"r-{count}", on_delivery=delivered)
        count += 1
        client.poll(0.002)
    client.flush(60)
    line = {"step": "steady", "sent": count, "acknowledged": acknowledged[0], "errors": errors}
    print(json.dumps(line), flush=True)


def producer(settings, more):
    return Producer({**common(settings), "enable.idempotence": True, "linger.ms": 0, **more})


def common(settings):
    config = {
        "bootstrap.servers": settings["bootstrap"],
        "security.protocol": settings["security"],
    }
    names = {"ca": "ssl.ca.location", "cert": "ssl.certificate.location", "key": "ssl.key.location"}
    config.update({names[name]: settings[name] for name in names if name in settings})
    if "mechanism" in settings:
        config["sasl.mechanism"] = settings["mechanism"]
        if settings["mechanism"] == "OAUTHBEARER":
            config.update({
                "sasl.oauthbearer.method": "oidc",
                "sasl.oauthbearer.client.id": settings["username"],
                "sasl.oauthbearer.client.secret": settings["password"],
                "sasl.oauthbearer.token.endpoint.url": settings["token_url"],
            })
        else:
            config["sasl.username"] = settings["username"]
            config["sasl.password"] = settings["password"]
    return config


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
