"""Runs Apache Kafka as one process, broker and controller in one (KRaft), from its Maven artifacts."""

import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from shared.runtime.settings import KafkaSettings
from standalone.child_process import ChildProcess
from standalone.java import find_java
from standalone.kafka_jars import CLASS_ARCHIVE, LOGGING, fetch_jars
from standalone.private_files import make_private_directory, write_private
from standalone.probes import HOST, kafka_ready

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
listeners=BROKER://{host}:{broker},CONTROLLER://{host}:{controller}
advertised.listeners=BROKER://{host}:{broker}
listener.security.protocol.map=BROKER:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
inter.broker.listener.name=BROKER
controller.listener.names=CONTROLLER
log.dirs=data

# Whoever does not know the password is refused, by the controller too: it would take any change of topics.
# PLAIN, since both listen on this machine only, and since it works from the first start on, without a user
# that would have to be stored before.
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.mechanism.controller.protocol=PLAIN
listener.name.broker.plain.sasl.jaas.config={sign_in}
listener.name.controller.plain.sasl.jaas.config={sign_in}

# Topics are created on purpose, and a single broker holds the only copy.
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1

# A group's offsets are kept as long as the events that it has not read: the system may be off for weeks.
offsets.retention.minutes=43200

# Quick to start and to join, small in memory: one person's machine, about twenty groups.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
# Tests that kill a service let its session end sooner than Kafka's default minimum of six seconds.
group.min.session.timeout.ms=1000
# A broker that restarts is unfenced at its second heartbeat, after a crash once its old session is over.
# A machine so busy that a broker cannot send a heartbeat for five seconds is rare; for two it is not.
broker.heartbeat.interval.ms=200
broker.session.timeout.ms=5000
num.network.threads=2
num.io.threads=4
background.threads=2
log.cleaner.dedupe.buffer.size=8388608
"""

_SIGN_IN = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required"
    ' username="{user}" password="{password}" user_{user}="{password}";'
)
_USER = "trueup"

_JVM = ("-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xshare:auto")
_JVM_QUIET = (
    "-XX:+IgnoreUnrecognizedVMOptions",
    "-Djava.awt.headless=true",
    "-Djava.net.preferIPv4Stack=true",
)


@dataclass(frozen=True, slots=True)
class Kafka:
    """One Kafka: its data directory, its ports, and the password of its only user."""

    directory: Path
    broker_port: int
    controller_port: int
    password: str = field(repr=False)
    archive: Path | None = None
    """Where Java writes, when it ends, which classes it has loaded; None uses the recorded ones."""

    @property
    def settings(self) -> KafkaSettings:
        """How clients connect."""
        return KafkaSettings(
            servers=f"{HOST}:{self.broker_port}",
            username=_USER,
            password=SecretStr(self.password),
            mechanism="PLAIN",
        )

    def processes(self, logs: Path) -> list[ChildProcess]:
        """Return the server and, on the first start, the step that formats its storage before it.

        Raises `PermanentError` when Java, or Maven on the very first use, is missing.
        """
        command = self._java_command()
        # Written at each start: the ports may have changed, the data has not.
        make_private_directory(self.directory)
        text = _PROPERTIES.format(
            host=HOST,
            broker=self.broker_port,
            controller=self.controller_port,
            sign_in=_SIGN_IN.format(user=_USER, password=self.password),
        )
        write_private(self.directory / "server.properties", text)
        server = ChildProcess(
            name="kafka",
            command=[*command, "kafka.Kafka", "server.properties"],
            cwd=self.directory,
            log_path=logs / "kafka.log",
            address=self.settings.servers,
            probe=kafka_ready(self.settings),
            after=("kafka-storage",),
        )
        # Kafka's tool writes this file last: where it is missing, formatting was never finished.
        formatted = (self.directory / "data" / "meta.properties").exists()
        return [server] if formatted else [self._format_step(command, logs), server]

    def _format_step(self, command: list[str], logs: Path) -> ChildProcess:
        cluster = urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        tool = ["kafka.tools.StorageTool", "format", "--ignore-formatted", f"--cluster-id=T{cluster[1:]}"]
        return ChildProcess(
            name="kafka-storage",
            command=[*command, *tool, "--config", "server.properties"],
            cwd=self.directory,
            log_path=logs / "kafka-storage.log",
        )

    def _java_command(self) -> list[str]:
        jars = fetch_jars()
        # In one fixed order: Java takes recorded classes only for the class path of the recording.
        class_path = ":".join(sorted(str(jar) for jar in jars.glob("*.jar")))
        if self.archive:
            classes = f"ArchiveClassesAtExit={self.archive}"
        else:
            classes = f"SharedArchiveFile={jars / CLASS_ARCHIVE}"
        logging = f"-Dlog4j2.configurationFile={LOGGING}"
        return [find_java(), *_JVM, *_JVM_QUIET, f"-XX:{classes}", logging, "-cp", class_path]
