"""kafka-python's integration tests, from its source distribution on PyPI."""

import os
import shutil
import subprocess
import tarfile
import venv
import xml.etree.ElementTree

NAME = "kafka-python"
VERSION = "3.0.12"
PROPERTIES = {"num.partitions": 4, "group.min.session.timeout.ms": 1000}
AUTHORIZER = True
PACKAGES = [
    "pytest==8.4.2",
    "pytest-mock==3.15.1",
    "pytest-timeout==2.4.0",
    "py==1.11.0",
    "lz4==4.4.5",
    "zstandard==0.25.0",
    "crc32c==2.8",
    "python-snappy==0.7.3",
]
# The source distribution lacks this helper of the tests; with a broker that runs already, nothing
# of it is used but its names.
SERVICE = "class ExternalService:\n    def __init__(self, host, port):\n        pass\n\n" \
    "    def open(self):\n        pass\n\n    def stop(self):\n        pass\n\n\n" \
    "class SpawnedService(ExternalService):\n    pass\n"


def source(work):
    """Where the sources are unpacked."""
    return work / f"kafka_python-{VERSION}"


def prepare(work):
    """Fetches the source distribution and makes an environment for it."""
    python = work / "venv" / "bin" / "python"
    if not python.exists():
        venv.create(work / "venv", with_pip=True)
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", *PACKAGES], check=True)
    archive = work / f"kafka_python-{VERSION}.tar.gz"
    if not archive.exists():
        command = [*pip, "download", "--no-deps", "--no-binary", "kafka-python", "-d", work]
        subprocess.run([*command, f"kafka-python=={VERSION}"], check=True)
    shutil.rmtree(source(work), ignore_errors=True)
    with tarfile.open(archive) as files:
        files.extractall(work, filter="data")
    tests = source(work) / "test"
    (tests / "__init__.py").touch()
    (tests / "service.py").write_text(SERVICE)


def run(work, target, only):
    """Outcomes by test."""
    report = work / f"{target.label}.xml"
    report.unlink(missing_ok=True)
    wanted = "not sasl and not ssl" + (f" and ({only})" if only else "")
    command = [work / "venv" / "bin" / "python", "-m", "pytest", "test/integration", "-k", wanted]
    command += [f"--junit-xml={report}", "--timeout=180", "-p", "no:cacheprovider"]
    environment = {
        **os.environ,
        "KAFKA_VERSION": "4.3.1",
        "KAFKA_URI": f"kafka://{target.bootstrap}",
        "KAFKA_ROOT": str(work),
        "PROJECT_ROOT": str(source(work)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with open(target.log, "w", encoding="utf-8") as log:
        subprocess.run(
            command, cwd=source(work), env=environment, stdout=log, stderr=log, check=False
        )
    outcomes = {}
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        parts = {part.tag for part in case}
        kind = "skip" if "skipped" in parts else "fail" if parts & {"failure", "error"} else "pass"
        outcomes[f"{case.get('classname')}.{case.get('name')}"] = kind
    return outcomes
