//! A client that is nothing but a socket.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{
    CreateTopicsRequest, CreateTopicsResponse, FetchResponse, ListOffsetsRequest,
    ListOffsetsResponse, MetadataRequest, MetadataResponse, ProduceResponse, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable};

use crate::frames::{self, Named};
use crate::wire::{ApiKey, codec};

const PATIENCE: Duration = Duration::from_secs(30);

pub struct Raw {
    pub socket: TcpStream,
    next_id: i32,
}

impl Raw {
    pub fn to(address: &str) -> Self {
        let socket = TcpStream::connect(address).expect("it listens");
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        socket.set_nodelay(true).unwrap();
        Self { socket, next_id: 1 }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("it reads");
    }

    /// The next frame without its length; `None` where the connection has ended.
    pub fn receive(&mut self) -> Option<Bytes> {
        let mut length = [0; 4];
        let mut filled = 0;
        while filled < 4 {
            match self.socket.read(&mut length[filled..]) {
                Ok(0) => return None,
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("neither an answer nor an end: {error}"),
            }
        }
        let mut frame = vec![0; usize::try_from(i32::from_be_bytes(length)).unwrap()];
        self.socket.read_exact(&mut frame).ok()?;
        Some(frame.into())
    }

    /// The connection has ended without another byte.
    #[track_caller]
    pub fn assert_closed(&mut self) {
        let frame = self.receive();
        assert!(frame.is_none(), "an answer where none may be: {frame:?}");
    }

    /// Sends a frame that must end the connection.
    #[track_caller]
    pub fn refused(mut self, frame: &[u8]) {
        // The end may come before the last byte is out.
        let _ = self.socket.write_all(frame);
        self.assert_closed();
    }

    #[track_caller]
    pub fn ask<Q: Encodable, A: Decodable>(&mut self, key: ApiKey, version: i16, message: &Q) -> A {
        let id = self.next_id;
        self.next_id += 1;
        self.send(&frames::request(key, version, id, message));
        let frame = self.receive().expect("an answer");
        assert_eq!(frames::correlation_id(&frame), id);
        frames::decoded(key, version, &frame)
    }

    pub fn metadata(&mut self) -> MetadataResponse {
        self.ask(ApiKey::METADATA, 12, &frames::metadata_request())
    }

    /// Names of the brokers, as `host:port`.
    pub fn brokers(&mut self) -> Vec<String> {
        let named = |b: kafka_protocol::messages::metadata_response::MetadataResponseBroker| {
            format!("{}:{}", &*b.host, b.port)
        };
        self.metadata().brokers.into_iter().map(named).collect()
    }

    pub fn topic_id(&mut self, topic: &str) -> [u8; 16] {
        let mut request = MetadataRequest::default();
        let named = kafka_protocol::messages::metadata_request::MetadataRequestTopic::default();
        request.topics = Some(vec![named.with_name(Some(TopicName(codec::text(topic))))]);
        request.allow_auto_topic_creation = false;
        let answer: MetadataResponse = self.ask(ApiKey::METADATA, 12, &request);
        *answer.topics[0].topic_id.as_bytes()
    }

    /// Makes a topic; for a connection to the broker itself.
    pub fn create_topic(&mut self, name: &str, partitions: i32) {
        let topic = CreatableTopic::default()
            .with_name(TopicName(codec::text(name)))
            .with_num_partitions(partitions)
            .with_replication_factor(1);
        let request =
            CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(30_000);
        let answer: CreateTopicsResponse = self.ask(ApiKey::CREATE_TOPICS, 7, &request);
        assert_eq!(answer.topics[0].error_code, 0, "{name}");
    }

    /// Produces one record set to partition 0 with `acks=-1` (v9): its error and message.
    pub fn produce(&mut self, topic: &str, records: &Bytes) -> (i16, Option<String>) {
        let request = frames::produce(-1, &[(topic, &[(0, records.clone())])]);
        let answer: ProduceResponse = self.ask(ApiKey::PRODUCE, 9, &request);
        let partition = &answer.responses[0].partition_responses[0];
        (partition.error_code, partition.error_message.as_ref().map(ToString::to_string))
    }

    /// Reads partition 0 from `offset` (v12, no session): its error and record bytes.
    pub fn fetch(&mut self, topic: &str, offset: i64) -> (i16, Bytes) {
        self.fetch_at_most(topic, offset, 1 << 24)
    }

    pub fn fetch_at_most(&mut self, topic: &str, offset: i64, bytes_max: i32) -> (i16, Bytes) {
        let mut request = frames::fetch(&[(Named::Name(topic), &[0])], (0, -1));
        request.max_bytes = bytes_max;
        request.topics[0].partitions[0].fetch_offset = offset;
        request.topics[0].partitions[0].partition_max_bytes = bytes_max;
        let answer: FetchResponse = self.ask(ApiKey::FETCH, 12, &request);
        let partition = &answer.responses[0].partitions[0];
        (partition.error_code, partition.records.clone().unwrap_or_default())
    }

    /// Where partition 0 ends.
    pub fn end_offset(&mut self, topic: &str) -> i64 {
        self.end(topic, 0).1
    }

    /// Where a partition ends, or the error.
    pub fn end(&mut self, topic: &str, index: i32) -> (i16, i64) {
        let partition =
            ListOffsetsPartition::default().with_timestamp(-1).with_partition_index(index);
        let topic = ListOffsetsTopic::default()
            .with_name(TopicName(codec::text(topic)))
            .with_partitions(vec![partition]);
        let request =
            ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(vec![topic]);
        let answer: ListOffsetsResponse = self.ask(ApiKey(2), 6, &request);
        let partition = &answer.topics[0].partitions[0];
        (partition.error_code, partition.offset)
    }
}
