"""franz-go's own tests of its client, from the Go module proxy."""

import json
import os
import subprocess

NAME = "franz-go"
VERSION = "v1.22.2"
MODULE = "github.com/twmb/franz-go"
PROPERTIES = {"num.partitions": 3}
AUTHORIZER = False
ENVIRONMENT = {
    "KGO_TEST_RF": "1",
    "KGO_TEST_RECORDS": "20000",
    "KGO_TEST_MAX_TOPIC_PARTS": "7",
    "KGO_TEST_STABLE_FETCH": "true",
}


def prepare(work):
    """Fetches the module and builds the test binary."""
    command = ["go", "test", "-c", "-o", work / "kgo.test", "."]
    subprocess.run(command, cwd=package(work), check=True)


def package(work):
    """Where the module has its tests."""
    (work / "go.mod").write_text("module peers\n\ngo 1.26\n")
    command = ["go", "mod", "download", "-json", f"{MODULE}@{VERSION}"]
    answer = subprocess.run(command, cwd=work, check=True, capture_output=True, text=True).stdout
    return json.loads(answer)["Dir"] + "/pkg/kgo"


def run(work, target, only):
    """Outcomes by test."""
    command = ["go", "tool", "test2json", "-t", work / "kgo.test", "-test.v=test2json"]
    command += ["-test.timeout", "20m"]
    if only:
        command += ["-test.run", only]
    environment = {**os.environ, **ENVIRONMENT, "KGO_SEEDS": target.bootstrap}
    with open(target.log, "w", encoding="utf-8") as log:
        # Some of the tests read the sources beside them.
        subprocess.run(
            command, cwd=package(work), env=environment, stdout=log, stderr=log, check=False
        )
    outcomes = {}
    for line in target.log.read_text(errors="replace").splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        if "Test" in event and event["Action"] in ("pass", "fail", "skip"):
            outcomes[event["Test"]] = event["Action"]
        elif "Test" in event and event["Action"] == "run":
            # What does not end has failed.
            outcomes[event["Test"]] = "fail"
    return outcomes
