"""rust-rdkafka's integration tests, from the crate: librdkafka through its Rust bindings."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import stand

NAME = "rust-rdkafka"
VERSION = "0.39.0"
PROPERTIES = {"num.partitions": 3}
AUTHORIZER = False
OUTCOMES = {"ok": "pass", "FAILED": "fail", "ignored": "skip"}


def prepare(work):
    """Copies the crate that Cargo has fetched and builds its tests."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    answer = subprocess.run(command, cwd=stand.ROOT, check=True, capture_output=True, text=True)
    packages = json.loads(answer.stdout)["packages"]
    crate = next(p for p in packages if p["name"] == "rdkafka" and p["version"] == VERSION)
    copy = work / "crate"
    shutil.rmtree(copy / "tests", ignore_errors=True)
    shutil.copytree(pathlib.Path(crate["manifest_path"]).parent, copy, dirs_exist_ok=True)
    # A package of its own, not one of this project's.
    with open(copy / "Cargo.toml", "a", encoding="utf-8") as manifest:
        manifest.write("\n[workspace]\n")
    # Where the suite expects a broker on Kafka's own port, it gets the one there is.
    metadata = copy / "tests" / "test_metadata.rs"
    text = metadata.read_text().replace("port(), 9092", "port(), broker_port()")
    text += '\nfn broker_port() -> i32 {\n'
    text += '    std::env::var("PEER_PORT").unwrap().parse().unwrap()\n}\n'
    metadata.write_text(text)
    producers = copy / "tests" / "test_high_producers.rs"
    text = producers.read_text().replace('"localhost")', "utils::get_bootstrap_server())")
    producers.write_text(text)


def binaries(work):
    """The built test binaries, by name."""
    command = ["cargo", "test", "--locked", "--no-run", "--tests", "--message-format=json"]
    environment = {**os.environ, "CARGO_TARGET_DIR": str(work / "target")}
    answer = subprocess.run(
        command, cwd=work / "crate", env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    messages = [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]
    return {
        message["target"]["name"]: message["executable"]
        for message in messages
        if message.get("executable") and "test" in message["target"]["kind"]
    }


def run(work, target, only):
    """Outcomes by test."""
    environment = {
        **os.environ,
        "KAFKA_HOST": target.bootstrap,
        "KAFKA_VERSION": "4.3.1",
        "PEER_PORT": str(target.broker_port),
    }
    outcomes = {}
    log = open(target.log, "w", encoding="utf-8")
    for name, binary in sorted(binaries(work).items()):
        command = ["timeout", "600", binary, *([only] if only else [])]
        answer = subprocess.run(
            [*command, "--list"], env=environment, capture_output=True, text=True, check=True
        )
        for test in re.findall(r"^(\S+): test$", answer.stdout, re.MULTILINE):
            outcomes[f"{name}::{test}"] = "fail"
        answer = subprocess.run(
            command,
            cwd=work / "crate",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            check=False,
        )
        log.write(answer.stdout)
        log.flush()
        found = re.findall(r"^test (\S+).* \.\.\. (ok|FAILED|ignored)", answer.stdout, re.MULTILINE)
        for test, outcome in found:
            outcomes[f"{name}::{test}"] = OUTCOMES[outcome]
    log.close()
    return outcomes
