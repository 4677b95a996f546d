"""The cells: which Lockgate each has, and what its client must do there."""

import itertools
import json
import subprocess
import time

import programs
import stand

SECRET = "a-secret-of-the-tests"
USER = "alice"
LOGINS = ["no login", "mTLS", "OAUTHBEARER", "SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"]
ADDRESSES = ["ports", "keep", "sni"]
SNI_HOST = "lockgate.test"
REFUSAL = """\
apiVersion: policy/v1
kind: Policy
metadata: {name: keyed-records, version: 1.0.0, owner: tests@acme.example}
spec:
  rules:
    - id: keys-only
      match: {direction: produce, topics: ["refused.**"]}
      when: "record.key != 'key'"
      action: {deny: {code: INVALID_RECORD, message: "a record without its key"}}
"""
TOPICS = """
import json, sys
from confluent_kafka.admin import AdminClient, NewTopic
admin = AdminClient({"bootstrap.servers": sys.argv[1]})
config = json.loads(sys.argv[2])
for name in sys.argv[3:]:
    for made in admin.create_topics([NewTopic(name, 3, 1, config=config)]).values():
        made.result(60)
"""
READ = """
import sys, time
from confluent_kafka import Consumer, TopicPartition
consumer = Consumer({"bootstrap.servers": sys.argv[1], "group.id": "reader"})
values = []
for partition in range(3):
    place = TopicPartition(sys.argv[2], partition)
    low, high = consumer.get_watermark_offsets(place, 30)
    consumer.assign([TopicPartition(sys.argv[2], partition, low)])
    count, end = 0, time.monotonic() + 60
    while count < high - low and time.monotonic() < end:
        for message in consumer.consume(1000, 0.5):
            values.append(message.value().decode())
            count += 1
print(len(values), len(set(values)))
"""


def names():
    """The cells of the matrix in their order, and what each is."""
    ways = itertools.product(("clear", "TLS"), LOGINS, ADDRESSES)
    # A certificate and a server name are parts of TLS.
    ways = [way for way in ways if way[0] == "TLS" or (way[1] != "mTLS" and way[2] != "sni")]
    return {", ".join(way): way for way in ways}


class World:
    """One broker, its issuer, and the gateways before it."""

    def __init__(self, servers, built):
        self.servers, self.built = servers, built
        self.number = itertools.count(1)
        self.issuer = servers.do("issuer")
        servers.do("enroll", client=USER, groups=[])
        self.keep_port = servers.ports()
        self.kafka = self.start_kafka("kafka", None)
        self.certificates = None

    def start_kafka(self, name, version):
        """A broker whose client listener advertises the port that `keep` is tested on."""
        advertised = [f"127.0.0.1:{self.keep_port}"]
        # What other versions do not know is left out.
        return self.servers.do("kafka", name=name, version=version, advertised=advertised)

    def matrix(self, clients, text):
        """Every client by every login, security and form of addresses."""
        for cell, way in names().items():
            if text in cell:
                yield from self.cell(cell, way, clients, self.kafka, "4.3.1")

    def versions(self, clients, text):
        """Java and librdkafka before older brokers; Java with the client of that version."""
        for version in ("3.9.1", "4.0.0"):
            kafka = self.start_kafka(f"kafka-{version}", version)
            for form in ("ports", "keep"):
                cell = f"Kafka {version}, {form}"
                if text in cell:
                    wanted = [client for client in clients if client in ("Java", "librdkafka")]
                    way = ("clear", "no login", form)
                    yield from self.cell(cell, way, wanted, kafka, version)
            self.servers.do("end", name=f"kafka-{version}")

    def cell(self, cell, way, clients, kafka, version):
        """One Lockgate, every client in turn."""
        try:
            settings = self.lockgate(way, kafka)
        except stand.StandError as refusal:
            reason = [line for line in str(refusal).splitlines() if line.startswith("error")]
            reason = (reason or str(refusal).splitlines())[0]
            for client in clients:
                yield cell, client, f"not run: {reason.strip()[:160]}"
            return
        for client in clients:
            own = self.named(kafka, "matrix", settings)
            yield cell, client, verdict(*self.built.run(client, own, version))
        self.servers.do("end", name="lockgate")

    def refused(self, clients, text):
        """A refused record amid others: by a rule, and by the broker (no key, compacted)."""
        settings = self.lockgate(("clear", "no login", "ports"), self.kafka)
        direct = {**settings, "bootstrap": self.kafka["direct"]}
        for client in clients:
            compacted = {"cleanup.policy": "compact"}
            found = {}
            for name, where, config in (
                ("direct", direct, compacted),
                ("the broker's refusal through", settings, compacted),
                ("a rule's refusal", settings, {}),
            ):
                own = self.named(self.kafka, "refused", where, config)
                answered, code = self.built.run(client, own)
                outcomes = {line["step"]: line["outcomes"] for line in answered}
                found[name] = outcomes if code == 0 else {"exit": code, **outcomes}
            for cell, outcomes in found.items():
                for kind in ("idempotent", "transactional"):
                    if text not in cell:
                        continue
                    same = outcomes.get(kind) == found["direct"].get(kind)
                    told = ", ".join(outcomes.get(kind, [f"exit code {outcomes.get('exit')}"]))
                    yield f"{cell}, {kind}", client, ("" if same else "failed: ") + told
        self.servers.do("end", name="lockgate")

    def restart(self, clients, text):
        """Lockgate ends and starts again under a producer: nothing missing, nothing twice."""
        settings = self.lockgate(("clear", "no login", "ports"), self.kafka)
        for order, cell in (("restart", "SIGTERM"), ("kill", "kill -9")):
            if text not in cell:
                continue
            for client in clients:
                yield cell, client, self.under(client, settings, order)
        self.servers.do("end", name="lockgate")

    def under(self, client, settings, order):
        """One producer over two restarts."""
        own = self.named(self.kafka, "steady", settings)
        until = programs.WORK / f"{own['topic']}.until"
        until.unlink(missing_ok=True)
        process = self.built.start(client, {**own, "until": str(until)})
        started = process.stdout.readline()
        for _ in range(2):
            time.sleep(1.5)  # the producer works for a while between the restarts
            self.servers.do(order, name="lockgate")
        time.sleep(1.5)
        until.touch()
        text, _ = process.communicate()
        found = programs.lines(started + text)
        if process.returncode != 0 or found[-1]["step"] != "steady":
            return f"failed: exit code {process.returncode}"
        line = found[-1]
        command = [self.built.python, "-c", READ, self.kafka["direct"], own["topic"]]
        answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        stored, different = map(int, answer.split())
        told = f"{line['acknowledged']} acknowledged, {len(line['errors'])} failed, {stored} stored"
        lost = line["acknowledged"] > stored or stored != different
        return f"failed: {told}, {different} different" if lost else told

    def streams(self, clients, text):
        """A Kafka Streams application, exactly once, while Lockgate ends and starts again."""
        if "Java" not in clients:
            return
        settings = self.lockgate(("clear", "no login", "ports"), self.kafka)
        for protocol in ("classic", "streams"):
            cell = f"group.protocol={protocol}"
            if text not in cell:
                continue
            own = self.named(self.kafka, "streams", {**settings, "protocol": protocol})
            process = self.built.streams({**own, "records": 5000})
            process.stdout.readline()
            for order in ("restart", "kill", "restart", "kill"):
                time.sleep(2)  # the application works for a while between the restarts
                self.servers.do(order, name="lockgate")
            answer, _ = process.communicate()
            found = programs.lines(answer)
            if process.returncode != 0 or not found:
                yield cell, "Java", f"failed: exit code {process.returncode}"
                continue
            line = found[-1]
            told = f"{line['inputs']} inputs, {line['outputs']} outputs"
            good = line["inputs"] == line["outputs"] and not line["wrong"]
            yield cell, "Java", told if good else f"failed: {told}, {line['wrong'][:2]}"
        self.servers.do("end", name="lockgate")

    def named(self, kafka, do, settings, config=None):
        """Settings with topics, group and transactional id of their own."""
        name = f"{do}.n{next(self.number)}"
        topics = [name, f"{name}.transactions"]
        command = [self.built.python, "-c", TOPICS, kafka["direct"], json.dumps(config or {})]
        subprocess.run([*command, *topics], check=True)
        return {
            **settings, "do": do, "topic": topics[0], "transactions": topics[1],
            "group": name, "transactional_id": name,
        }

    def lockgate(self, way, kafka):
        """Starts the Lockgate of a cell; the settings of its clients."""
        security, login, form = way
        servers = self.servers
        listen = self.keep_port if form == "keep" else servers.ports()
        upstream = kafka["bootstrap"] if form == "keep" else kafka["direct"]
        host, brokers = "127.0.0.1", servers.ports()
        addresses = {
            "keep": "keep",
            "ports": f"{{ports: {brokers}-{brokers}, host: 127.0.0.1}}",
            "sni": f'{{sni: "b{{node}}.{SNI_HOST}:{listen}", bootstrap: {SNI_HOST}}}',
        }[form]
        settings = {"security": ("SASL_" if login in LOGINS[2:] else "") + "PLAINTEXT"}
        listener = f"127.0.0.1:{listen}"
        if security == "TLS":
            files = self.files()
            settings["security"] = settings["security"].replace("PLAINTEXT", "SSL")
            settings["ca"] = files["ca"]
            tls = "cert: {cert}, key: {key}".format(**files["server"])
            if login == "mTLS":
                settings.update(files["client"])
                tls += f", client_ca: {files['ca']}, client_auth: require"
            listener = f"[{{address: \"127.0.0.1:{listen}\", tls: {{{tls}}}}}]"
            host = SNI_HOST if form == "sni" else host
        identity, user = self.identity(login, settings)
        config = "\n".join([
            f"listen: {listener}",
            f"addresses: {addresses}",
            f"upstream: {{bootstrap: [{upstream}]}}",
            f'admin: {{listen: "127.0.0.1:{servers.ports()}"}}',
            f"identity: {identity}",
        ])
        everything = stand.permits_for_everything().replace(stand.PRINCIPAL, user)
        files = {"policies/everything.yaml": everything, "policies/refusal.yaml": REFUSAL}
        if login in LOGINS[3:]:
            files["users.yaml"] = users_file()
        servers.do("lockgate", name="lockgate", config=config + "\n", files=files)
        settings["bootstrap"] = f"{host}:{listen}"
        return settings

    def identity(self, login, settings):
        """The `identity` of a login, and who its client is; the client's part goes to settings."""
        if login == "no login":
            user = stand.PRINCIPAL
            return f"{{anonymous: {{principal: {user}, groups: []}}}}", user
        if login == "mTLS":
            return "{mtls: {principal: cn}}", USER
        settings.update({"mechanism": login, "username": USER, "password": SECRET})
        if login == "OAUTHBEARER":
            settings["token_url"] = self.issuer["token_url"]
            token = self.servers.do("token", subject=USER, groups=[], seconds=3600)
            settings["token"] = token["token"]
            url, audience = self.issuer["url"], self.issuer["audience"]
            return f"{{oauthbearer: {{issuer: \"{url}\", audience: {audience}}}}}", USER
        kind = "plain" if login == "PLAIN" else "scram"
        return f"{{{kind}: {{users: users.yaml}}}}", USER

    def files(self):
        """Certificates for every name that a cell has."""
        if self.certificates is None:
            names = ["127.0.0.1", SNI_HOST, f"*.{SNI_HOST}", f"b1.{SNI_HOST}"]
            self.certificates = self.servers.do("certificates", server=names, client=USER)
        return self.certificates


def users_file():
    """A users file as `lockgate config user` writes it."""
    path = programs.WORK / "users.yaml"
    path.unlink(missing_ok=True)
    command = [stand.TARGET / "debug" / "lockgate", "config", "user", "--file", path]
    subprocess.run([*command, "--name", USER], input=f"{SECRET}\n", text=True, check=True)
    return path.read_text()


def verdict(answered, code):
    """`ok`, or which step failed and how."""
    failed = [line for line in answered if "error" in line]
    if failed:
        return f"failed: {failed[0]['step']}: {failed[0]['error'][:200]}"
    if code != 0 or not answered:
        return f"failed: exit code {code}"
    return "ok"
