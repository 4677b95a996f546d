//! A broker at memory speed: it keeps nothing, and it checks everything.
//!
//! A produced batch must be, to the last byte, what a producer wrote, masked where the policy says
//! so; what is read comes from memory. A thread for each connection, no runtime.

use std::collections::HashMap;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::thread;

use bytes::Bytes;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{
    ApiVersionsResponse, BrokerId, FetchRequest, FetchResponse, MetadataRequest, MetadataResponse,
    ProduceRequest, ProduceResponse, RequestHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable, StrBytes};

use super::wire::{self, FrameReader};
use super::workload::{self, PARTITIONS, Seen, Topic};

const CORRUPT_MESSAGE: i16 = 2;
const UNKNOWN_TOPIC_ID: i16 = 100;

/// Serves until the process ends. Its one line of output is its address.
pub fn serve(masks: bool) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("a listener has an address");
    println!("{address}");
    for stream in listener.incoming() {
        let stream = stream.expect("a connection can be accepted");
        thread::spawn(move || Connection::new(stream, masks, address.port()).run());
    }
}

struct Connection {
    reader: FrameReader,
    writer: TcpStream,
    /// Whether a gateway that masks stands before this broker.
    masks: bool,
    port: u16,
    next_offsets: HashMap<(uuid::Uuid, i32), i64>,
    /// Fetch responses that were asked for before, by topic and number of partitions.
    prepared: HashMap<(uuid::Uuid, usize), Prepared>,
}

/// A response frame, and where the base offsets of its batches are.
struct Prepared {
    frame: Vec<u8>,
    offsets_at: Vec<usize>,
}

impl Connection {
    fn new(stream: TcpStream, masks: bool, port: u16) -> Self {
        stream.set_nodelay(true).expect("a socket can be tuned");
        let reader = FrameReader::new(stream.try_clone().expect("a socket has two ends"));
        let (next_offsets, prepared) = (HashMap::new(), HashMap::new());
        Self { reader, writer: stream, masks, port, next_offsets, prepared }
    }

    fn run(mut self) {
        while let Ok(Some(frame)) = self.reader.next() {
            let (header, body) = wire::request_parts(&frame);
            let version = header.request_api_version;
            let sent = match header.request_api_key {
                wire::PRODUCE => self.produce(&header, body),
                wire::FETCH => self.fetch(&header, body),
                wire::METADATA => self.answer(&header, &self.metadata(body, version)),
                wire::API_VERSIONS => self.answer(&header, &api_versions()),
                key => panic!("nobody asks a null broker for api key {key}"),
            };
            if sent.is_err() {
                return;
            }
            self.reader.recycle(frame);
        }
    }

    fn answer(
        &self,
        header: &RequestHeader,
        body: &impl kafka_protocol::protocol::Encodable,
    ) -> std::io::Result<()> {
        let (key, version) = (header.request_api_key, header.request_api_version);
        let frame = wire::response(key, version, header.correlation_id, body);
        (&self.writer).write_all(&frame)
    }

    fn produce(&mut self, header: &RequestHeader, mut body: Bytes) -> std::io::Result<()> {
        let request = ProduceRequest::decode(&mut body, header.request_api_version)
            .expect("a produce request has its shape");
        let mut response = ProduceResponse::default();
        for asked in &request.topic_data {
            let mut topic = TopicProduceResponse::default().with_topic_id(asked.topic_id);
            for partition in &asked.partition_data {
                let mut answer = PartitionProduceResponse::default()
                    .with_index(partition.index)
                    .with_log_append_time_ms(-1);
                let records = partition.records.as_deref().unwrap_or_default();
                match Topic::by_id(asked.topic_id) {
                    None => answer.error_code = UNKNOWN_TOPIC_ID,
                    Some(known) if self.is_right(known, partition.index, records) => {
                        let next =
                            self.next_offsets.entry((asked.topic_id, partition.index)).or_default();
                        answer.base_offset = *next;
                        *next += known.batch_records() as i64;
                    }
                    Some(_) => answer.error_code = CORRUPT_MESSAGE,
                }
                topic.partition_responses.push(answer);
            }
            response.responses.push(topic);
        }
        self.answer(header, &response)
    }

    fn is_right(&self, topic: Topic, partition: i32, records: &[u8]) -> bool {
        let masked = self.masks && topic == Topic::MaskedWritten;
        let seen = if masked { Seen::Masked } else { Seen::AsWritten };
        workload::is_batch_at(records, topic.batch(partition as usize, seen), 0)
    }

    fn fetch(&mut self, header: &RequestHeader, mut body: Bytes) -> std::io::Result<()> {
        let request = FetchRequest::decode(&mut body, header.request_api_version)
            .expect("a fetch request has its shape");
        let asked = &request.topics[0];
        let topic = Topic::by_id(asked.topic_id).expect("the topic is one of the bench");
        let key = (asked.topic_id, asked.partitions.len());
        let prepared = self
            .prepared
            .entry(key)
            .or_insert_with(|| prepare(topic, key.1, header.request_api_version));
        let frame = &mut prepared.frame;
        wire::patch(frame, wire::RESPONSE_CORRELATION_AT, header.correlation_id);
        for (partition, at) in asked.partitions.iter().zip(&prepared.offsets_at) {
            frame[*at..at + 8].copy_from_slice(&partition.fetch_offset.to_be_bytes());
        }
        self.writer.write_all(frame)
    }

    fn metadata(&self, mut body: Bytes, version: i16) -> MetadataResponse {
        let request =
            MetadataRequest::decode(&mut body, version).expect("a metadata request has its shape");
        let named = |asked: &kafka_protocol::messages::metadata_request::MetadataRequestTopic| {
            let by_name = asked.name.as_ref().and_then(|name| Topic::by_name(name));
            by_name.or_else(|| Topic::by_id(asked.topic_id))
        };
        let topics = request.topics.unwrap_or_default();
        let broker = MetadataResponseBroker::default()
            .with_node_id(BrokerId(1))
            .with_host(StrBytes::from_static_str("127.0.0.1"))
            .with_port(i32::from(self.port));
        MetadataResponse::default()
            .with_brokers(vec![broker])
            .with_cluster_id(Some(StrBytes::from_static_str("null-broker")))
            .with_controller_id(BrokerId(1))
            .with_topics(topics.iter().filter_map(named).map(described).collect())
    }
}

fn described(topic: Topic) -> MetadataResponseTopic {
    let partition = |index| {
        MetadataResponsePartition::default()
            .with_partition_index(index)
            .with_leader_id(BrokerId(1))
            .with_replica_nodes(vec![BrokerId(1)])
            .with_isr_nodes(vec![BrokerId(1)])
    };
    MetadataResponseTopic::default()
        .with_name(Some(TopicName(StrBytes::from_static_str(topic.name()))))
        .with_topic_id(topic.id())
        .with_partitions((0..PARTITIONS as i32).map(partition).collect())
}

fn api_versions() -> ApiVersionsResponse {
    let row = |(api_key, max_version)| {
        ApiVersion::default()
            .with_api_key(api_key)
            .with_min_version(0)
            .with_max_version(max_version)
    };
    let rows = [
        (wire::PRODUCE, wire::PRODUCE_VERSION),
        (wire::FETCH, wire::FETCH_VERSION),
        (wire::METADATA, wire::METADATA_VERSION),
        (wire::API_VERSIONS, wire::API_VERSIONS_VERSION),
    ];
    ApiVersionsResponse::default().with_api_keys(rows.into_iter().map(row).collect())
}

/// A produce answer as this broker gives it, for the session alone.
pub fn produced(topic: Topic, partitions: usize) -> Vec<u8> {
    let answer = |index: usize| PartitionProduceResponse::default().with_index(index as i32);
    let topic = TopicProduceResponse::default()
        .with_topic_id(topic.id())
        .with_partition_responses((0..partitions).map(answer).collect());
    let response = ProduceResponse::default().with_responses(vec![topic]);
    wire::response(wire::PRODUCE, wire::PRODUCE_VERSION, 0, &response)
}

/// A fetch answer as this broker gives it, for the session alone.
pub fn fetched(topic: Topic, partitions: usize) -> Vec<u8> {
    prepare(topic, partitions, wire::FETCH_VERSION).frame
}

fn prepare(topic: Topic, partitions: usize, version: i16) -> Prepared {
    let data = |index: usize| {
        PartitionData::default()
            .with_partition_index(index as i32)
            .with_high_watermark(i64::MAX)
            .with_last_stable_offset(i64::MAX)
            .with_log_start_offset(0)
            .with_records(Some(topic.batch(index, Seen::AsWritten).clone()))
    };
    let answer = FetchableTopicResponse::default()
        .with_topic_id(topic.id())
        .with_partitions((0..partitions).map(data).collect());
    let response = FetchResponse::default().with_responses(vec![answer]);
    let frame = wire::response(wire::FETCH, version, 0, &response);
    let offsets_at = (0..partitions)
        .map(|index| {
            let batch = topic.batch(index, Seen::AsWritten);
            memchr::memmem::find(&frame, batch).expect("the batch is in the response")
        })
        .collect();
    Prepared { frame, offsets_at }
}
