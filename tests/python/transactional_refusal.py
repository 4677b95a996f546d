"""Transactions of librdkafka of which the first has a record that is refused.

    transactional_refusal.py BOOTSTRAP TOPIC GOOD BAD

GOOD is sent with a key and BAD without one, so that a compacted topic refuses it as well. Prints a
line for each step: {"step", "error"}, for the refused transaction (`send` twice, `commit`, `abort`)
and for three whole ones after it (`send`, `commit`, and `abort` where the commit has failed).
"""

import json
import sys
import uuid

from confluent_kafka import KafkaError, KafkaException, Producer


def main():
    bootstrap, topic, good, bad = sys.argv[1:]
    producer = Producer({
        "bootstrap.servers": bootstrap, "transactional.id": f"python-{uuid.uuid4()}",
        "linger.ms": 0, "message.timeout.ms": 30000, "transaction.timeout.ms": 60000,
    })
    step("init", lambda: producer.init_transactions(60))
    for values in ([good, bad], [good], [good], [good]):
        producer.begin_transaction()
        for value in values:
            step("send", lambda value=value: send(producer, topic, value, value == good))
        if not step("commit", lambda: producer.commit_transaction(60)):
            step("abort", lambda: producer.abort_transaction(60))


def send(producer, topic, value, has_key):
    errors = []
    place = {"key": "key"} if has_key else {}
    producer.produce(
        topic, value=value, partition=0,
        on_delivery=lambda error, message: errors.append(error), **place,
    )
    producer.flush(60)
    if not errors:
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
    if errors[0] is not None:
        raise KafkaException(errors[0])


def step(name, action):
    line, held = {"step": name}, True
    try:
        action()
    except KafkaException as failure:
        line["error"], held = failure.args[0].name(), False
    print(json.dumps(line), flush=True)
    return held


if __name__ == "__main__":
    main()
