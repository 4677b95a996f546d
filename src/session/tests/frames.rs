//! Frames as clients and brokers write them, right and wrong.

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{
    FetchRequest, FetchResponse, MetadataRequest, MetadataResponse, ProduceRequest,
    ProduceResponse, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable};
use uuid::Uuid;

use crate::wire::{ApiKey, RequestHeader, ResponseHeader, codec};

/// A request around a body that is taken as it is, with its length prefix.
pub fn raw_request(key: i16, version: i16, correlation_id: i32, body: &[u8]) -> Bytes {
    let header = RequestHeader {
        key: ApiKey(key),
        version,
        correlation_id,
        client_id: Some(Bytes::from_static(b"app")),
        body_at: 0,
        has_tags: false,
    };
    let mut frame = BytesMut::new();
    header.put(version, &mut frame);
    frame.extend_from_slice(body);
    prefixed(&frame)
}

pub fn prefixed(frame: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_i32(i32::try_from(frame.len()).unwrap());
    out.extend_from_slice(frame);
    out.freeze()
}

pub fn request<M: Encodable>(key: ApiKey, version: i16, id: i32, message: &M) -> Bytes {
    raw_request(key.0, version, id, &codec::encode(key, version, message).unwrap())
}

pub fn raw_response(key: ApiKey, version: i16, id: i32, body: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    ResponseHeader::put(id, key, version, &mut frame);
    frame.extend_from_slice(body);
    prefixed(&frame)
}

pub fn response<M: Encodable>(key: ApiKey, version: i16, id: i32, message: &M) -> Bytes {
    raw_response(key, version, id, &codec::encode(key, version, message).unwrap())
}

/// A response frame without its length, decoded.
#[track_caller]
pub fn decoded<M: Decodable>(key: ApiKey, version: i16, frame: &Bytes) -> M {
    let header = ResponseHeader::parse(frame, key, version).unwrap();
    codec::decode(key, version, &frame.slice(header.body_at..)).unwrap()
}

/// A request frame without its length, decoded.
#[track_caller]
pub fn decoded_request<M: Decodable>(frame: &Bytes) -> M {
    let header = RequestHeader::parse(frame).unwrap();
    codec::decode(header.key, header.version, &frame.slice(header.body_at..)).unwrap()
}

/// The correlation id of a response without its length.
pub fn correlation_id(frame: &[u8]) -> i32 {
    i32::from_be_bytes(*frame.first_chunk().unwrap())
}

/// The correlation id of a request without its length.
pub fn asked_id(frame: &[u8]) -> i32 {
    RequestHeader::peek(frame).unwrap().2
}

pub fn metadata_request() -> MetadataRequest {
    MetadataRequest::default().with_topics(None).with_allow_auto_topic_creation(false)
}

/// A Metadata answer that names these topic ids.
pub fn metadata(topics: &[(&str, [u8; 16])]) -> MetadataResponse {
    let topic = |(name, id): &(&str, [u8; 16])| {
        MetadataResponseTopic::default()
            .with_name(Some(TopicName(codec::text(name))))
            .with_topic_id(Uuid::from_bytes(*id))
    };
    MetadataResponse::default().with_topics(topics.iter().map(topic).collect())
}

/// A Metadata answer to an id that nobody knows.
pub fn metadata_unknown(id: [u8; 16]) -> MetadataResponse {
    let topic = MetadataResponseTopic::default()
        .with_error_code(100)
        .with_name(None)
        .with_topic_id(Uuid::from_bytes(id));
    MetadataResponse::default().with_topics(vec![topic])
}

/// A topic by name or id.
#[derive(Clone, Copy)]
pub enum Named<'n> {
    Name(&'n str),
    Id([u8; 16]),
}

pub fn fetch(topics: &[(Named<'_>, &[i32])], session: (i32, i32)) -> FetchRequest {
    let topic = |(named, partitions): &(Named<'_>, &[i32])| {
        let partition = |index: &i32| {
            FetchPartition::default().with_partition(*index).with_partition_max_bytes(1 << 20)
        };
        let topic =
            FetchTopic::default().with_partitions(partitions.iter().map(partition).collect());
        match named {
            Named::Name(name) => topic.with_topic(TopicName(codec::text(name))),
            Named::Id(id) => topic.with_topic_id(Uuid::from_bytes(*id)),
        }
    };
    FetchRequest::default()
        .with_session_id(session.0)
        .with_session_epoch(session.1)
        .with_max_bytes(1 << 20)
        .with_topics(topics.iter().map(topic).collect())
}

pub fn fetched(session_id: i32, topics: &[(Named<'_>, &[(i32, Bytes)])]) -> FetchResponse {
    let topic = |(named, partitions): &(Named<'_>, &[(i32, Bytes)])| {
        let partition = |(index, records): &(i32, Bytes)| {
            PartitionData::default()
                .with_partition_index(*index)
                .with_records(Some(records.clone()))
        };
        let topic = FetchableTopicResponse::default()
            .with_partitions(partitions.iter().map(partition).collect());
        match named {
            Named::Name(name) => topic.with_topic(TopicName(codec::text(name))),
            Named::Id(id) => topic.with_topic_id(Uuid::from_bytes(*id)),
        }
    };
    FetchResponse::default()
        .with_session_id(session_id)
        .with_responses(topics.iter().map(topic).collect())
}

pub fn produce(acks: i16, topics: &[(&str, &[(i32, Bytes)])]) -> ProduceRequest {
    let topic = |(name, partitions): &(&str, &[(i32, Bytes)])| {
        let partition = |(index, records): &(i32, Bytes)| {
            PartitionProduceData::default().with_index(*index).with_records(Some(records.clone()))
        };
        TopicProduceData::default()
            .with_name(TopicName(codec::text(name)))
            .with_partition_data(partitions.iter().map(partition).collect())
    };
    ProduceRequest::default()
        .with_acks(acks)
        .with_timeout_ms(1000)
        .with_topic_data(topics.iter().map(topic).collect())
}

/// A broker's answer without an error: partition and base offset.
pub fn produced(topics: &[(&str, &[(i32, i64)])]) -> ProduceResponse {
    let topic = |(name, partitions): &(&str, &[(i32, i64)])| {
        let partition = |(index, base): &(i32, i64)| {
            PartitionProduceResponse::default().with_index(*index).with_base_offset(*base)
        };
        TopicProduceResponse::default()
            .with_name(TopicName(codec::text(name)))
            .with_partition_responses(partitions.iter().map(partition).collect())
    };
    ProduceResponse::default().with_responses(topics.iter().map(topic).collect())
}

/// One uncompressed batch of magic 2 with these values.
pub fn batch(values: &[&str]) -> Bytes {
    let mut records = Vec::new();
    for (delta, value) in (0_u8..).zip(values) {
        let mut body = vec![0, 0, delta * 2, 1];
        put_varint(&mut body, value.len());
        body.extend_from_slice(value.as_bytes());
        body.push(0);
        put_varint(&mut records, body.len());
        records.extend_from_slice(&body);
    }
    let count = i32::try_from(values.len()).unwrap();
    batch_around(0, count, &records)
}

/// A signed varint of a length.
fn put_varint(out: &mut Vec<u8>, length: usize) {
    let mut rest = length << 1;
    while rest >= 0x80 {
        out.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
        rest >>= 7;
    }
    out.push(u8::try_from(rest).unwrap());
}

/// A batch around bytes that are taken as they are, with a right checksum.
pub fn batch_around(attributes: i16, count: i32, records: &[u8]) -> Bytes {
    let mut body = BytesMut::new();
    body.put_i16(attributes);
    body.put_i32(count - 1);
    body.put_i64(1_700_000_000_000);
    body.put_i64(1_700_000_000_000);
    body.put_i64(-1);
    body.put_i16(-1);
    body.put_i32(-1);
    body.put_i32(count);
    body.extend_from_slice(records);
    let mut out = BytesMut::new();
    out.put_i64(0);
    out.put_i32(i32::try_from(body.len() + 9).unwrap());
    out.put_i32(0);
    out.put_u8(2);
    out.put_u32(crc32c::crc32c(&body));
    out.extend_from_slice(&body);
    out.freeze()
}

/// A message of magic 1, as clients before 0.11 sent it.
pub fn legacy_message() -> Bytes {
    let mut body = BytesMut::new();
    body.put_u8(1);
    body.put_u8(0);
    body.put_i64(1_700_000_000_000);
    body.put_i32(-1);
    body.put_i32(4);
    body.put_slice(b"evil");
    let mut out = BytesMut::new();
    out.put_i64(0);
    out.put_i32(i32::try_from(body.len() + 4).unwrap());
    out.put_u32(0);
    out.extend_from_slice(&body);
    out.freeze()
}
