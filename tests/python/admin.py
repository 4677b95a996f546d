"""Asks for everything that librdkafka's AdminClient can ask for, and says what came of it.

    python admin.py BOOTSTRAP TOPIC EXISTING

TOPIC is created, changed and deleted; EXISTING is looked at and changed. One line of JSON for each
request: {"asked": name, "answer": "ok" or Kafka's name of the error}.
"""

import json
import sys

from confluent_kafka import IsolationLevel, KafkaException, TopicCollection
from confluent_kafka import TopicPartition
from confluent_kafka.admin import (
    AclBinding, AclBindingFilter, AclOperation, AclPermissionType, AdminClient,
    AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic, OffsetSpec,
    ResourcePatternType, ResourceType, ScramCredentialInfo, ScramMechanism,
    UserScramCredentialUpsertion,
)

LIMIT_SECONDS = 60


def tell(asked, futures):
    """Waits for futures; what they stand for does not matter here."""
    try:
        for future in futures.values() if isinstance(futures, dict) else [futures]:
            future.result(LIMIT_SECONDS)
        answer = "ok"
    except KafkaException as error:
        answer = error.args[0].name()
    print(json.dumps({"asked": asked, "answer": answer}), flush=True)


def binding(kind, topic, principal):
    arguments = [ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, principal, "*",
                 AclOperation.READ, AclPermissionType.ALLOW]
    return kind(*arguments)


def main(bootstrap, topic, existing):
    admin = AdminClient({"bootstrap.servers": bootstrap})
    limit = {"request_timeout": LIMIT_SECONDS}

    def setting(kind, name, key, value):
        entry = ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
        return [ConfigResource(kind, name, incremental_configs=[entry])]

    tell("CreateTopics", admin.create_topics([NewTopic(topic, 1, 1)], **limit))
    tell("CreatePartitions", admin.create_partitions([NewPartitions(existing, 3)], **limit))
    tell("IncrementalAlterConfigs", admin.incremental_alter_configs(
        setting(ResourceType.TOPIC, existing, "segment.bytes", "2000000"), **limit))
    tell("IncrementalAlterConfigs broker", admin.incremental_alter_configs(
        setting(ResourceType.BROKER, "1", "log.cleaner.threads", "1"), **limit))
    tell("DescribeConfigs", admin.describe_configs(
        [ConfigResource(ResourceType.TOPIC, existing)], **limit))
    tell("DescribeConfigs broker", admin.describe_configs(
        [ConfigResource(ResourceType.BROKER, "1")], **limit))
    tell("DeleteRecords", admin.delete_records([TopicPartition(existing, 0, 1)], **limit))
    tell("CreateAcls", admin.create_acls([binding(AclBinding, existing, "User:nobody")], **limit))
    everything = binding(AclBindingFilter, existing, None)
    tell("DescribeAcls", admin.describe_acls(everything, **limit))
    tell("DeleteAcls", admin.delete_acls([everything], **limit))
    credential = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_256, 8192)
    tell("AlterUserScramCredentials", admin.alter_user_scram_credentials(
        [UserScramCredentialUpsertion("made-by-librdkafka", credential, b"password")], **limit))
    tell("DescribeTopics", admin.describe_topics(
        TopicCollection([existing]), include_authorized_operations=True, **limit))
    tell("DescribeCluster", admin.describe_cluster(include_authorized_operations=True, **limit))
    tell("ListOffsets", admin.list_offsets(
        {TopicPartition(existing, 0): OffsetSpec.latest()},
        isolation_level=IsolationLevel.READ_UNCOMMITTED, **limit))
    tell("DeleteTopics", admin.delete_topics([topic], **limit))
    tell("DescribeTopics hidden", admin.describe_topics(
        TopicCollection(["secret.librdkafka"]), **limit))
    names = set(admin.list_topics(timeout=LIMIT_SECONDS).topics)
    print(json.dumps({"asked": "hidden topics listed",
                      "answer": len([name for name in names if name.startswith("secret.")])}))


if __name__ == "__main__":
    main(*sys.argv[1:])
