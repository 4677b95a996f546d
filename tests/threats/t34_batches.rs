//! T34: masking changes payloads and nothing else.

use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse, TopicName};
use kafka_protocol::messages::{
    EndTxnRequest, EndTxnResponse, FindCoordinatorRequest, FindCoordinatorResponse,
    InitProducerIdRequest, InitProducerIdResponse, TransactionalId,
};
use lockgate::record::{Batch, Item, items};

use crate::frames::{self, batch_around};
use crate::packing::{inflated, shows};
use crate::stage::{CANARY, stage};
use crate::testcontainers::process;
use crate::wire::{ApiKey, codec};

fn batches(records: &[u8]) -> Vec<Batch<'_>> {
    items(records)
        .map(|item| match item {
            Ok(Item::Batch(batch)) => batch,
            other => panic!("not a batch: {other:?}"),
        })
        .collect()
}

/// A batch with everything that masking must keep, of a producer's transaction.
fn transactional(producer_id: i64, epoch: i16) -> bytes::Bytes {
    let secret = format!("{{\"secret\":\"{CANARY}\"}}");
    let plain = frames::batch(&[&secret, "{\"a\":1}"]);
    // A tombstone, and gaps in the timestamps.
    let mut section = plain[61..].to_vec();
    section.extend([16, 0, 200, 1, 4, 2, b'k', 1, 0]);
    let mut batch = batch_around(0x10, 3, &section).to_vec();
    batch[43..51].copy_from_slice(&producer_id.to_be_bytes());
    batch[51..53].copy_from_slice(&epoch.to_be_bytes());
    batch[53..57].copy_from_slice(&0_i32.to_be_bytes());
    let checksum = crc32c::crc32c(&batch[21..]);
    batch[17..21].copy_from_slice(&checksum.to_be_bytes());
    batch.into()
}

/// Writes the batch in a transaction of its own, directly, and commits it.
fn write_transaction(topic: &str) {
    let name = TransactionalId(codec::text(topic));
    let mut broker = stage().broker();
    // Asking makes the coordinator.
    let find = FindCoordinatorRequest::default().with_key(codec::text(topic)).with_key_type(1);
    let _: FindCoordinatorResponse = broker.ask(ApiKey::FIND_COORDINATOR, 3, &find);
    let start = InitProducerIdRequest::default()
        .with_transactional_id(Some(name.clone()))
        .with_transaction_timeout_ms(60_000);
    let producer = process::until("a transaction coordinator", process_limit(), || {
        let answer: InitProducerIdResponse = broker.ask(ApiKey(22), 2, &start);
        if answer.error_code == 0 { Ok(answer) } else { Err(answer.error_code.to_string()) }
    });
    let partitions = AddPartitionsToTxnTopic::default()
        .with_name(TopicName(codec::text(topic)))
        .with_partitions(vec![0]);
    let add = AddPartitionsToTxnRequest::default()
        .with_v3_and_below_transactional_id(name.clone())
        .with_v3_and_below_producer_id(producer.producer_id)
        .with_v3_and_below_producer_epoch(producer.producer_epoch)
        .with_v3_and_below_topics(vec![partitions]);
    process::until("a transaction", process_limit(), || {
        let answer: AddPartitionsToTxnResponse = broker.ask(ApiKey(24), 1, &add);
        let topics = &answer.results_by_topic_v3_and_below;
        match topics[0].results_by_partition[0].partition_error_code {
            0 => Ok(()),
            error => Err(error.to_string()),
        }
    });
    let batch = transactional(producer.producer_id.0, producer.producer_epoch);
    let produce =
        frames::produce(-1, &[(topic, &[(0, batch)])]).with_transactional_id(Some(name.clone()));
    let answer: kafka_protocol::messages::ProduceResponse =
        broker.ask(ApiKey::PRODUCE, 9, &produce);
    assert_eq!(answer.responses[0].partition_responses[0].error_code, 0);
    let end = EndTxnRequest::default()
        .with_transactional_id(name)
        .with_producer_id(producer.producer_id)
        .with_producer_epoch(producer.producer_epoch)
        .with_committed(true);
    let answer: EndTxnResponse = broker.ask(ApiKey(26), 1, &end);
    assert_eq!(answer.error_code, 0);
}

fn process_limit() -> std::time::Duration {
    std::time::Duration::from_mins(1)
}

#[test]
fn t34_offsets_producers_times_and_control_batches_stay() {
    let stage = stage();
    stage.topic("masked.t34", 1);
    write_transaction("masked.t34");
    let (mut direct, mut masked) = (bytes::Bytes::new(), bytes::Bytes::new());
    process::until("the marker of the commit", process_limit(), || {
        let (error, records) = stage.broker().fetch("masked.t34", 0);
        assert_eq!(error, 0);
        direct = records;
        masked = stage.client().fetch("masked.t34", 0).1;
        if batches(&direct).len() == 2 {
            Ok(())
        } else {
            Err(format!("{} bytes, end {}", direct.len(), stage.broker().end_offset("masked.t34")))
        }
    });
    let (stored, read) = (batches(&direct), batches(&masked));
    assert_eq!(read.len(), 2);
    let (mut theirs, mut ours) = (*stored[0].header(), *read[0].header());
    (theirs.crc, theirs.batch_length) = (0, 0);
    (ours.crc, ours.batch_length) = (0, 0);
    assert_eq!(theirs, ours);
    assert!(ours.producer_id >= 0 && stored[1].is_control());
    assert_eq!(stored[1].bytes(), read[1].bytes(), "the control batch is the same bytes");
    assert!(!shows(&masked, CANARY) && shows(&direct, CANARY));
    assert_eq!(inflated(&masked).1, 4);
    // The tombstone is the last record: a key, a null, no header.
    assert!(
        inflated(&masked).0.windows(5).any(|window| window == [2, b'k', 1, 0, 0x0c])
            || inflated(&masked).0.windows(4).any(|window| window == [2, b'k', 1, 0])
    );
}
