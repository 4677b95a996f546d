//! Transactions and the ids that stand for their producers.

use kafka_protocol::messages::add_partitions_to_txn_request::AddPartitionsToTxnTopic;
use kafka_protocol::messages::txn_offset_commit_request::{
    TxnOffsetCommitRequestPartition, TxnOffsetCommitRequestTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddPartitionsToTxnRequest, DescribeTransactionsRequest, EndTxnRequest,
    InitProducerIdRequest, ListTransactionsRequest, ProducerId, TxnOffsetCommitRequest,
};

use crate::run::{OTHER, OTHER_GROUP, Run, TEAM, TEAM_GROUP};
use crate::testcontainers::process::until;
use crate::world::{PATIENCE, World, group_id, topic_name, transactional_id};

/// A producer that the super user has let in: its id and epoch.
fn producer(world: &World, name: &str) -> (ProducerId, i16) {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(Some(transactional_id(name)))
        .with_transaction_timeout_ms(60_000);
    until("a producer id", PATIENCE, || {
        let answer = world.root(2, &request);
        match answer.error_code {
            0 => Ok((answer.producer_id, answer.producer_epoch)),
            error => Err(format!("error {error}")),
        }
    })
}

/// The transactions of a run, one below `team.` and one elsewhere.
fn producers(run: &Run<'_>) -> Vec<(String, ProducerId, i16)> {
    let names = [run.own("txn"), run.foreign("txn")];
    let admitted = names.into_iter().map(|name| {
        let (id, epoch) = producer(run.world, &name);
        (name, id, epoch)
    });
    admitted.collect()
}

pub fn init_producer_id(run: &mut Run<'_>) {
    // So that the coordinators are there.
    producers(run);
    for name in [Some(run.own("txn")), Some(run.foreign("txn")), None] {
        let request = InitProducerIdRequest::default()
            .with_transactional_id(name.map(|name| transactional_id(&name)))
            .with_transaction_timeout_ms(60_000);
        run.ask(&request);
    }
}

pub fn add_partitions_to_txn(run: &mut Run<'_>) {
    for topics in [&[TEAM][..], &[OTHER], &[TEAM, OTHER], &["team.absent"]] {
        for (name, id, epoch) in producers(run) {
            let topics = topics.iter().map(|topic| {
                AddPartitionsToTxnTopic::default()
                    .with_name(topic_name(topic))
                    .with_partitions(vec![0])
            });
            let request = AddPartitionsToTxnRequest::default()
                .with_v3_and_below_transactional_id(transactional_id(&name))
                .with_v3_and_below_producer_id(id)
                .with_v3_and_below_producer_epoch(epoch)
                .with_v3_and_below_topics(topics.collect());
            run.ask(&request);
        }
    }
}

pub fn add_offsets_to_txn(run: &mut Run<'_>) {
    for group in [TEAM_GROUP, OTHER_GROUP] {
        for (name, id, epoch) in producers(run) {
            let request = AddOffsetsToTxnRequest::default()
                .with_transactional_id(transactional_id(&name))
                .with_producer_id(id)
                .with_producer_epoch(epoch)
                .with_group_id(group_id(group));
            run.ask(&request);
        }
    }
}

pub fn txn_offset_commit(run: &mut Run<'_>) {
    for group in run.groups() {
        for (name, id, epoch) in producers(run) {
            let topics = [TEAM, OTHER, "team.absent"].map(|topic| {
                let partition = TxnOffsetCommitRequestPartition::default()
                    .with_partition_index(0)
                    .with_committed_offset(2);
                TxnOffsetCommitRequestTopic::default()
                    .with_name(topic_name(topic))
                    .with_partitions(vec![partition])
            });
            let request = TxnOffsetCommitRequest::default()
                .with_transactional_id(transactional_id(&name))
                .with_group_id(group_id(&group))
                .with_producer_id(id)
                .with_producer_epoch(epoch)
                .with_topics(topics.into());
            let with_members = run.version >= 3;
            run.ask(&if with_members { request.with_generation_id(-1) } else { request });
        }
    }
}

pub fn end_txn(run: &mut Run<'_>) {
    for (name, id, epoch) in producers(run) {
        let request = EndTxnRequest::default()
            .with_transactional_id(transactional_id(&name))
            .with_producer_id(id)
            .with_producer_epoch(epoch)
            .with_committed(false);
        run.ask(&request);
    }
}

pub fn describe_transactions(run: &mut Run<'_>) {
    let mut names: Vec<_> =
        producers(run).iter().map(|(name, ..)| transactional_id(name)).collect();
    names.push(transactional_id("team.absent"));
    run.ask(&DescribeTransactionsRequest::default().with_transactional_ids(names));
}

pub fn list_transactions(run: &mut Run<'_>) {
    producers(run);
    run.ask(&ListTransactionsRequest::default());
}
