"""Produces and consumes steadily for some time, with tokens that end long before.

    steady.py --client confluent --bootstrap B --topic T --token-url U --seconds 25 --ttl 6

Prints one line, {"delivered", "consumed", "tokens", "errors"}; ends with 1 if a record was not
delivered or did not come back. Every token is fetched when the client asks for one.
"""

import argparse
import json
import sys
import time
import urllib.parse
import urllib.request
import uuid

PATIENCE_SECONDS = 60


class Tokens:
    def __init__(self, arguments):
        self.arguments = arguments
        self.count = 0

    def fetch(self):
        form = {
            "grant_type": "client_credentials", "sub": self.arguments.user,
            "ttl": str(self.arguments.ttl), "groups": "pii-readers",
        }
        body = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(self.arguments.token_url, body, timeout=10) as answer:
            self.count += 1
            return json.load(answer)["access_token"]


def main():
    arguments = parsed_arguments()
    tokens, errors = Tokens(arguments), []
    steady = steady_confluent if arguments.client == "confluent" else steady_kafka_python
    delivered, consumed = steady(arguments, tokens, errors)
    print(json.dumps({
        "delivered": len(delivered), "consumed": len(consumed), "tokens": tokens.count,
        "errors": sorted(set(errors)),
    }))
    lost = delivered - consumed
    if lost:
        sys.exit(f"{len(lost)} delivered records did not come back")


def values(arguments):
    end, index = time.monotonic() + arguments.seconds, 0
    while time.monotonic() < end:
        yield json.dumps({"id": f"{arguments.client}-{index}", "email": "jane@example.com"})
        index += 1
        time.sleep(0.1)


def steady_confluent(arguments, tokens, errors):
    from confluent_kafka import Consumer, Producer

    def log_in(_settings):
        return tokens.fetch(), time.time() + arguments.ttl

    settings = {
        "bootstrap.servers": arguments.bootstrap, "security.protocol": "sasl_plaintext",
        "sasl.mechanisms": "OAUTHBEARER", "oauth_cb": log_in, "reconnect.backoff.max.ms": 1000,
        "error_cb": lambda error: errors.append(error.name()),
    }
    delivered, consumed = set(), set()

    def answered(error, message):
        if error is None:
            delivered.add(message.value().decode())
        else:
            sys.exit(f"a record was not delivered: {error}")

    consumer = Consumer(settings | {
        "group.id": f"steady-{uuid.uuid4()}", "auto.offset.reset": "earliest",
    })
    consumer.subscribe([arguments.topic])

    def read(seconds):
        message = consumer.poll(seconds)
        if message is not None and message.error() is None:
            consumed.add(message.value().decode())

    producer = Producer(settings | {"enable.idempotence": True, "linger.ms": 5})
    for value in values(arguments):
        producer.produce(arguments.topic, value, on_delivery=answered)
        producer.poll(0)
        read(0)
    if producer.flush(PATIENCE_SECONDS):
        sys.exit("records had no answer")
    deadline = time.monotonic() + PATIENCE_SECONDS
    while delivered - consumed and time.monotonic() < deadline:
        read(0.5)
    consumer.close()
    return delivered, consumed


def steady_kafka_python(arguments, tokens, errors):
    from kafka import KafkaConsumer, KafkaProducer
    from kafka.net.sasl.oauth import AbstractTokenProvider

    class Fresh(AbstractTokenProvider):
        def token(self):
            return tokens.fetch()

    settings = {
        "bootstrap_servers": arguments.bootstrap, "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_provider": Fresh(),
        "reconnect_backoff_max_ms": 1000,
    }
    consumer = KafkaConsumer(
        arguments.topic, group_id=f"steady-{uuid.uuid4()}", auto_offset_reset="earliest",
        **settings,
    )
    producer = KafkaProducer(acks="all", retries=20, linger_ms=5, **settings)
    consumed, answers = set(), []

    def read(milliseconds):
        for records in consumer.poll(timeout_ms=milliseconds).values():
            consumed.update(record.value.decode() for record in records)

    for value in values(arguments):
        answers.append((value, producer.send(arguments.topic, value.encode())))
        read(0)
    for _value, answer in answers:
        answer.get(timeout=PATIENCE_SECONDS)
    delivered = {value for value, _answer in answers}
    deadline = time.monotonic() + PATIENCE_SECONDS
    while delivered - consumed and time.monotonic() < deadline:
        read(500)
    producer.close(timeout=10)
    consumer.close()
    return delivered, consumed


def parsed_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--client", choices=("confluent", "kafka-python"), required=True)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--token-url", required=True)
    parser.add_argument("--user", default="jane")
    parser.add_argument("--seconds", type=float, default=25)
    parser.add_argument("--ttl", type=int, default=6)
    return parser.parse_args()


if __name__ == "__main__":
    main()
