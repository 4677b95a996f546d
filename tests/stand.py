"""Throwaway servers for the drivers in tests/peers and tests/clients.

Rust's launchers start everything (examples/stand): this speaks with them, one JSON line each way.
Everything ends with the driver, also when it is killed.
"""

import json
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

# Who the clients without a login are, and what lifts every built-in denial for them.
PRINCIPAL = "tester"
POLICY = """\
apiVersion: policy/v1
kind: Policy
metadata: {{name: everything, version: 1.0.0, owner: tests@acme.example}}
spec:
  permits:
    - id: tester-administers
      principals: {{users: [{principal}]}}
      apis: [{apis}]
      topics: ["**"]
"""
ADMIN_APIS = [
    "CreateTopics",
    "DeleteTopics",
    "CreatePartitions",
    "AlterConfigs",
    "IncrementalAlterConfigs",
    "DeleteRecords",
    "CreateAcls",
    "DeleteAcls",
    "AlterClientQuotas",
    "AlterUserScramCredentials",
    "AlterPartitionReassignments",
    "ElectLeaders",
    "AlterReplicaLogDirs",
    "UpdateFeatures",
    "UnregisterBroker",
    "DescribeUserScramCredentials",
    "DescribeAcls",
    "DescribeLogDirs",
    "DescribeClientQuotas",
    "ListPartitionReassignments",
    "CreateDelegationToken",
]


class StandError(Exception):
    """What was ordered did not start; with the reason and the end of its log."""


def build():
    """Builds Lockgate and its stand as they are now."""
    command = ["cargo", "build", "--locked", "--quiet", "--bin", "lockgate", "--example", "stand"]
    subprocess.run(command, cwd=ROOT, check=True)


class Stand:
    """The running launcher."""

    def __init__(self):
        path = TARGET / "debug" / "examples" / "stand"
        self.process = subprocess.Popen(
            [path], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.process.stdin.close()
        self.process.wait(120)

    def do(self, order, **values):
        """Carries out one order and returns its answer."""
        self.process.stdin.write(json.dumps({"do": order, **values}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": "the stand has ended"}
        if "error" in answer:
            raise StandError(f"{order}: {answer['error']}")
        return answer

    def ports(self, count=1):
        """The first of `count` free ports in a row."""
        return self.do("ports", count=count)["first"]


def permits_for_everything(apis=None):
    """A policy that lifts every built-in denial that this Lockgate knows."""
    return POLICY.format(principal=PRINCIPAL, apis=", ".join(apis or known_apis()))


def known_apis():
    """The APIs that a permit of this Lockgate may name."""
    directory = TARGET / "peers" / "permits"
    directory.mkdir(parents=True, exist_ok=True)
    known = []
    for api in ADMIN_APIS:
        path = directory / "permits.yaml"
        path.write_text(POLICY.format(principal=PRINCIPAL, apis=api))
        command = [TARGET / "debug" / "lockgate", "policy", "check", directory]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            known.append(api)
    return known


class Gateway:
    """Lockgate with one port for each broker, behind a relay that searches what clients get."""

    def __init__(self, stand, name, upstream, brokers=1, policy=None):
        listen, first = stand.ports(), stand.ports(brokers)
        self.stand, self.name = stand, name
        self.bootstrap = f"127.0.0.1:{listen}"
        self.broker_ports = range(first, first + brokers)
        search = [needle for address in upstream.split(",") for needle in needles(address)]
        ports = [listen, *self.broker_ports]
        stand.do("relay", name=name, ports=ports, search=search)
        config = "\n".join([
            f"listen: 127.0.0.3:{listen}",
            f"addresses: {{ports: {first}-{first + brokers - 1}, host: 127.0.0.1}}",
            f"upstream: {{bootstrap: [{upstream.replace(',', ', ')}]}}",
            f"admin: {{listen: \"127.0.0.1:{stand.ports()}\"}}",
            f"identity: {{anonymous: {{principal: {PRINCIPAL}, groups: []}}}}",
        ])
        files = {"policies/everything.yaml": policy or permits_for_everything()}
        answer = stand.do("lockgate", name=name, config=config + "\n", files=files)
        self.directory = pathlib.Path(answer["directory"])

    def broker_port(self, node_id):
        """Where clients find the broker with this node id."""
        return self.broker_ports[node_id % len(self.broker_ports)]

    def seen(self):
        """How many of the brokers' addresses have reached clients, and in how many bytes."""
        answer = self.stand.do("seen", name=self.name)
        return answer["found"], answer["bytes"]


def needles(address):
    """A broker's address as it stands in answers: host and port behind each other, or as text."""
    host, port = address.rsplit(":", 1)
    coded = [host.encode() + int(port).to_bytes(4, "big"), address.encode()]
    return [needle.hex() for needle in coded]
