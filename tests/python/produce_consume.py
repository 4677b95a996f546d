"""Produces and consumes with confluent-kafka (librdkafka) and kafka-python, against a broker or
through Lockgate.

    produce_consume.py produce --bootstrap B --topic T --records FILE [--codec zstd] [--mode …]
    produce_consume.py consume --bootstrap B --topic T --count N [--protocol consumer] […]
    produce_consume.py matrix  --bootstrap B --topic T --records FILE

FILE has one JSON object a line: value, and where wanted key, headers ([[name, value], …]) and
partition. `produce` prints a line for each record, {"index", "partition", "offset"} or {"index",
"error", "code", "message"}; `consume` a line for each record read: partition, offset, key, value,
headers. `matrix` produces the records once for each client, codec and mode to T and reads all back
with each client and group protocol; it prints a line for each combination: what was delivered, what
failed, or how many records were read and the values that were seen, sorted.

With --token-file the client logs in by OAUTHBEARER with the token in that file, read again at every
login; with --sasl MECHANISM:USER:PASSWORD by a password. Exit code 1: fewer records than asked for came, or an unexpected error; a record that is
refused is a result, not an error.
"""

import argparse
import base64
import json
import sys
import time
import uuid

CLIENTS = ("confluent", "kafka-python")
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
MODES = ("plain", "idempotent", "transactional")


def main():
    arguments = parsed_arguments()
    if arguments.command == "produce":
        for result in produce(arguments, arguments.client, arguments.codec, arguments.mode):
            emit(result)
    elif arguments.command == "consume":
        read = 0
        for record in consume(arguments, arguments.client, arguments.protocol, arguments.count):
            emit(record)
            read += 1
        if read < arguments.count:
            sys.exit(f"{read} of {arguments.count} records came")
    else:
        matrix(arguments)


def matrix(arguments):
    delivered = 0
    for client in arguments.clients.split(","):
        for codec in arguments.codecs.split(","):
            for mode in arguments.modes.split(","):
                results = list(produce(arguments, client, codec, mode))
                failures = [result for result in results if "error" in result]
                delivered += len(results) - len(failures)
                emit({
                    "step": "produce", "client": client, "codec": codec, "mode": mode,
                    "delivered": len(results) - len(failures), "failures": failures,
                })
    short = False
    for client in arguments.clients.split(","):
        for protocol in arguments.protocols.split(","):
            if (client, protocol) == ("kafka-python", "consumer"):
                continue  # it speaks the classic protocol only
            records = list(consume(arguments, client, protocol, delivered))
            short = short or len(records) < delivered
            emit({
                "step": "consume", "client": client, "protocol": protocol,
                "delivered": delivered, "consumed": len(records),
                "values": sorted({record["value"] or "" for record in records}),
            })
    if short:
        sys.exit("not every delivered record came back")


def produce(arguments, client, codec, mode):
    records = [json.loads(line) for line in open(arguments.records, encoding="utf-8")]
    function = produce_confluent if client == "confluent" else produce_kafka_python
    return function(arguments, codec, mode, records)


def consume(arguments, client, protocol, count):
    function = consume_confluent if client == "confluent" else consume_kafka_python
    return function(arguments, protocol, count)


def produce_confluent(arguments, codec, mode, records):
    from confluent_kafka import Producer

    results = [None] * len(records)

    def answered(index):
        def report(error, message):
            if error is None:
                results[index] = delivered(index, message.partition(), message.offset())
            else:
                results[index] = {
                    "index": index, "error": error.name(), "code": error.code(),
                    "message": error.str(),
                }
        return report

    settings = {
        "compression.type": codec, "linger.ms": 20, "acks": "all",
        "enable.idempotence": mode != "plain", "message.timeout.ms": 30000,
    }
    if mode == "transactional":
        settings["transactional.id"] = f"python-{uuid.uuid4()}"
    producer = Producer(confluent_settings(arguments, settings))
    if mode == "transactional":
        producer.init_transactions(60)
        producer.begin_transaction()
    for index, record in enumerate(records):
        place = {"partition": record["partition"]} if "partition" in record else {}
        producer.produce(
            arguments.topic, key=record.get("key"), value=record.get("value"),
            headers=[tuple(header) for header in record.get("headers", [])],
            on_delivery=answered(index), **place,
        )
    left = producer.flush(60)
    if left:
        sys.exit(f"{left} records had no answer within 60 s")
    if mode == "transactional":
        end_transaction(producer, any("error" in result for result in results), 60)
    return results


def produce_kafka_python(arguments, codec, mode, records):
    from kafka import KafkaProducer
    from kafka.errors import KafkaError

    settings = {
        "compression_type": None if codec == "none" else codec, "linger_ms": 20, "acks": "all",
        "enable_idempotence": mode != "plain", "max_block_ms": 30000,
        "request_timeout_ms": 20000,
    }
    if mode == "transactional":
        settings["transactional_id"] = f"python-{uuid.uuid4()}"
    producer = KafkaProducer(**kafka_python_settings(arguments, settings))
    if mode == "transactional":
        producer.init_transactions()
        producer.begin_transaction()
    answers = [
        producer.send(
            arguments.topic, key=encoded(record.get("key")), value=encoded(record.get("value")),
            headers=[(name, encoded(value)) for name, value in record.get("headers", [])],
            partition=record.get("partition"),
        )
        for record in records
    ]
    results = []
    for index, answer in enumerate(answers):
        try:
            metadata = answer.get(timeout=60)
            results.append(delivered(index, metadata.partition, metadata.offset))
        except KafkaError as error:
            results.append({
                "index": index, "error": type(error).__name__,
                "code": getattr(error, "errno", None), "message": str(error),
            })
    if mode == "transactional":
        end_transaction(producer, any("error" in result for result in results))
    producer.close(timeout=10)
    return results


def end_transaction(producer, failed, *patience):
    if failed:
        producer.abort_transaction(*patience)
    else:
        producer.commit_transaction(*patience)


def consume_confluent(arguments, protocol, count):
    from confluent_kafka import Consumer, KafkaError, KafkaException

    settings = {
        "group.id": f"python-{uuid.uuid4()}", "group.protocol": protocol,
        "auto.offset.reset": "earliest", "enable.auto.commit": False,
        "isolation.level": arguments.isolation,
    }
    consumer = Consumer(confluent_settings(arguments, settings))
    consumer.subscribe([arguments.topic])
    deadline, read = time.monotonic() + arguments.seconds, 0
    while read < count and time.monotonic() < deadline:
        message = consumer.poll(0.5)
        if message is None:
            continue
        if message.error():
            if message.error().code() in (KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT):
                continue  # librdkafka reports these and tries again by itself
            raise KafkaException(message.error())
        read += 1
        yield line(
            message.partition(), message.offset(), message.key(), message.value(),
            message.headers(),
        )
    if read:
        consumer.commit(asynchronous=False)
    consumer.close()


def consume_kafka_python(arguments, protocol, count):
    from kafka import KafkaConsumer

    assert protocol == "classic", "kafka-python speaks the classic protocol only"
    settings = {
        "group_id": f"python-{uuid.uuid4()}", "auto_offset_reset": "earliest",
        "enable_auto_commit": False, "isolation_level": arguments.isolation,
    }
    consumer = KafkaConsumer(arguments.topic, **kafka_python_settings(arguments, settings))
    deadline, read = time.monotonic() + arguments.seconds, 0
    while read < count and time.monotonic() < deadline:
        for records in consumer.poll(timeout_ms=500).values():
            for record in records:
                read += 1
                yield line(
                    record.partition, record.offset, record.key, record.value, record.headers,
                )
    if read:
        consumer.commit()
    consumer.close(autocommit=False)


def confluent_settings(arguments, settings):
    settings = {
        "bootstrap.servers": arguments.bootstrap,
        "error_cb": lambda error: print(f"{error.name()}: {error.str()}", file=sys.stderr),
        **settings,
    }
    if arguments.token_file:
        def log_in(_configuration):
            token = token_of(arguments)
            # librdkafka sends no token that it believes to be at its end; judging is the server's.
            return token, max(expiry_seconds(token), time.time() + 60)
        settings |= {
            "security.protocol": "sasl_plaintext", "sasl.mechanisms": "OAUTHBEARER",
            "oauth_cb": log_in,
        }
    if arguments.sasl:
        mechanism, user, password = arguments.sasl.split(":", 2)
        settings |= {
            "security.protocol": "sasl_plaintext", "sasl.mechanisms": mechanism,
            "sasl.username": user, "sasl.password": password,
        }
    for pair in arguments.property:
        name, value = pair.split("=", 1)
        settings[name] = value
    return settings


def kafka_python_settings(arguments, settings):
    settings = {"bootstrap_servers": arguments.bootstrap.split(","), **settings}
    if arguments.token_file:
        from kafka.net.sasl.oauth import AbstractTokenProvider

        class FileToken(AbstractTokenProvider):
            def token(self):
                return token_of(arguments)

        settings |= {
            "security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "OAUTHBEARER",
            "sasl_oauth_token_provider": FileToken(),
        }
    if arguments.sasl:
        mechanism, user, password = arguments.sasl.split(":", 2)
        settings |= {
            "security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": mechanism,
            "sasl_plain_username": user, "sasl_plain_password": password,
        }
    return settings


def token_of(arguments):
    return open(arguments.token_file, encoding="utf-8").read().strip()


def expiry_seconds(token):
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (IndexError, KeyError, ValueError):
        return 0.0


def delivered(index, partition, offset):
    return {"index": index, "partition": partition, "offset": offset}


def line(partition, offset, key, value, headers):
    return {
        "partition": partition, "offset": offset, "key": text(key), "value": text(value),
        "headers": [[name, text(header)] for name, header in headers or []],
    }


def text(data):
    return None if data is None else data.decode("utf-8", "replace")


def encoded(words):
    return None if words is None else words.encode("utf-8")


def emit(document):
    print(json.dumps(document), flush=True)


def parsed_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("command", choices=("produce", "consume", "matrix"))
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", required=True)
    parser.add_argument("--records", help="the file of records to produce")
    parser.add_argument("--count", type=int, default=1, help="how many records to read")
    parser.add_argument("--client", choices=CLIENTS, default="confluent")
    parser.add_argument("--codec", choices=CODECS, default="none")
    parser.add_argument("--mode", choices=MODES, default="plain")
    parser.add_argument("--protocol", choices=("classic", "consumer"), default="classic")
    parser.add_argument("--isolation", default="read_committed")
    parser.add_argument("--seconds", type=float, default=60, help="how long to wait for records")
    parser.add_argument("--token-file")
    parser.add_argument("--sasl", help="MECHANISM:USER:PASSWORD")
    parser.add_argument("--property", action="append", default=[], help="name=value, librdkafka's")
    parser.add_argument("--clients", default=",".join(CLIENTS), help="of the matrix")
    parser.add_argument("--codecs", default=",".join(CODECS), help="of the matrix")
    parser.add_argument("--modes", default=",".join(MODES), help="of the matrix")
    parser.add_argument("--protocols", default="classic,consumer", help="of the matrix")
    return parser.parse_args()


if __name__ == "__main__":
    main()
