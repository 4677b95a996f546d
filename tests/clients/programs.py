"""The client programs: how each is built and started."""

import json
import os
import shutil
import subprocess

import stand

FOLDER = stand.ROOT / "tests" / "clients"
WORK = stand.TARGET / "clients"
CLIENTS = ["Java", "librdkafka", "franz-go", "sarama", "kafka-python", "kafkajs"]
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
# kafkajs has no lz4 and zstd of its own.
CODECS_OF = {"kafkajs": ["none", "gzip", "snappy"]}
STREAMS = "4.3.1"
STREAMS_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>lockgate.tests</groupId><artifactId>streams</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka-streams</artifactId>
    <version>{STREAMS}</version>
  </dependency></dependencies>
</project>
"""
MAVEN_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
LIMIT_SECONDS = 240
# The names of a cell with `sni`, for its client alone: a mount namespace with a file of its own.
HOSTS = "127.0.0.1 localhost lockgate.test b0.lockgate.test b1.lockgate.test\n"
NAMED = ["unshare", "--map-root-user", "--mount", "sh", "-c",
         'mount --bind "$0" /etc/hosts && exec "$@"']


class Programs:
    """What has been built, by client."""

    def __init__(self, servers):
        self.servers = servers
        self.python = servers.do("python")["interpreter"]
        self.java = {}
        self.go = None
        self.node = None

    def command(self, client, settings, version="4.3.1"):
        """The command line of a client, built if it is not yet."""
        if client == "Java":
            flag = f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={settings.get('token_url')}"
            log = f"-Dlog4j2.configurationFile={FOLDER / 'log4j2.properties'}"
            return ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", flag, log, "-cp",
                    self.java_classpath(version), "Client"]
        if client in ("franz-go", "sarama"):
            return [self.go_binary(), client]
        if client == "kafkajs":
            return ["node", self.node_folder() / "client.js"]
        return [self.python, FOLDER / f"{client.replace('-', '_')}.py"]

    def java_classpath(self, version):
        """The compiled client and the jars of this version."""
        if version not in self.java:
            jars = self.servers.do("jars", version=version)["classpath"]
            classes = WORK / f"java-{version}"
            classes.mkdir(parents=True, exist_ok=True)
            command = ["javac", "-nowarn", "-cp", jars, "-d", classes, FOLDER / "Client.java"]
            subprocess.run(command, check=True)
            self.java[version] = f"{classes}:{jars}"
        return self.java[version]

    def streams(self, settings):
        """Starts the Kafka Streams application."""
        jars = WORK / "streams-jars"
        if not (jars / f"kafka-streams-{STREAMS}.jar").exists():
            pom = WORK / "streams"
            pom.mkdir(parents=True, exist_ok=True)
            (pom / "pom.xml").write_text(STREAMS_POM)
            command = ["mvn", "-q", "-B", f"{MAVEN_COPY}", f"-DoutputDirectory={jars}"]
            subprocess.run([*command, "-DincludeScope=runtime"], cwd=pom, check=True)
        others = self.servers.do("jars", version=STREAMS)["classpath"]
        classes = WORK / "java-streams"
        classes.mkdir(parents=True, exist_ok=True)
        path = f"{jars}/*:{others}"
        command = ["javac", "-nowarn", "-cp", path, "-d", classes, FOLDER / "Streams.java"]
        subprocess.run(command, check=True)
        log = f"-Dlog4j2.configurationFile={FOLDER / 'log4j2.properties'}"
        command = ["java", "-Xmx512m", log, "-cp", f"{classes}:{path}", "Streams"]
        return self.spawn(command, settings)

    def go_binary(self):
        """Both Go clients in one binary."""
        if self.go is None:
            self.go = WORK / "go-clients"
            command = ["go", "build", "-o", self.go, "."]
            subprocess.run(command, cwd=FOLDER / "go", check=True)
        return self.go

    def node_folder(self):
        """A copy of the program beside its packages."""
        if self.node is None:
            self.node = WORK / "node"
            self.node.mkdir(parents=True, exist_ok=True)
            for name in ("package.json", "client.js"):
                shutil.copy(FOLDER / "node" / name, self.node)
            quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(["npm", "install", *quiet], cwd=self.node, check=True)
        return self.node

    def start(self, client, settings, version="4.3.1"):
        """Starts a client; its standard output is a pipe."""
        return self.spawn(self.command(client, settings, version), {
            "codecs": CODECS_OF.get(client, CODECS), "records": 20, **settings,
        })

    @staticmethod
    def spawn(command, settings):
        """Starts a program with its settings in a file."""
        path = WORK / f"{settings['topic']}-{settings['do']}.json"
        path.write_text(json.dumps(settings))
        command = ["timeout", str(LIMIT_SECONDS), *command, path]
        if settings["bootstrap"].startswith("lockgate.test"):
            hosts = WORK / "hosts"
            hosts.write_text(HOSTS)
            command = [*NAMED, hosts, *command]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        log = open(path.with_suffix(".log"), "w", encoding="utf-8")
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )

    def run(self, client, settings, version="4.3.1"):
        """Runs a client to its end: its lines, and its exit code."""
        process = self.start(client, settings, version)
        text, _ = process.communicate()
        return lines(text), process.returncode


def lines(text):
    """The JSON lines of an output."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]
