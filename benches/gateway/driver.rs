//! The load: clients that check every byte they get back, and measure from when they meant to send.

use std::io::Write;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, FetchRequest, FetchResponse, MetadataRequest,
    MetadataResponse, ProduceRequest, ProduceResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;

use super::wire::{self, FrameReader};
use super::workload::{self, Seen, Topic};

/// Connections of a throughput run.
const CONNECTIONS: usize = 2;
/// Requests in flight on one connection: a producer's `max.in.flight.requests.per.connection`, and
/// a consumer that asks for the next records while it reads the last.
const PRODUCES_IN_FLIGHT: usize = 5;
const FETCHES_IN_FLIGHT: usize = 2;
/// A timer that sleeps is late by so much; the rest of the way the driver spins.
const SLEEP_SLACK: Duration = Duration::from_micros(150);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    Produce,
    Fetch,
}

/// What one run of the load is.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub way: Way,
    pub topic: Topic,
    /// Batches in one request, each of a partition of its own.
    pub partitions: usize,
    /// Record bytes to move, about.
    pub bytes: usize,
    /// What a reader must see.
    pub seen: Seen,
}

/// What was moved, every record of it checked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moved {
    pub records: u64,
    /// Bytes of the batches as they were sent or read.
    pub bytes: u64,
    pub seconds: f64,
}

/// Moves what the load says through `address`.
///
/// # Panics
/// When an answer is late or is not what it must be, to the last byte.
pub fn run(address: &str, load: Load) -> Moved {
    let request_bytes: usize =
        (0..load.partitions).map(|at| load.topic.batch(at, Seen::AsWritten).len()).sum();
    let requests = load.bytes.div_ceil(request_bytes * CONNECTIONS).max(1);
    let mut clients: Vec<Client> =
        (0..CONNECTIONS).map(|_| Client::connect(address, load.topic)).collect();
    let began = Instant::now();
    thread::scope(|scope| {
        for client in &mut clients {
            scope.spawn(move || match load.way {
                Way::Produce => client.produce(load, requests),
                Way::Fetch => client.fetch(load, requests),
            });
        }
    });
    let sent = (requests * CONNECTIONS) as u64;
    Moved {
        records: sent * (load.partitions * load.topic.batch_records()) as u64,
        bytes: sent * request_bytes as u64,
        seconds: began.elapsed().as_secs_f64(),
    }
}

/// Sends `count` produces of one small record at a fixed rate, whether or not answers have come,
/// and gives the time from when each was due to its answer, in microseconds.
pub fn open_loop(address: &str, per_second: u32, count: usize) -> Vec<f64> {
    let mut client = Client::connect(address, Topic::Small);
    let mut frame = produce_frame(Topic::Small, 1);
    let mut writer = client.writer.try_clone().expect("a socket has two ends");
    let interval = Duration::from_secs(1) / per_second;
    let start = Instant::now() + Duration::from_millis(20);
    thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..count {
                wait_until(start + interval * number as u32);
                wire::patch(&mut frame, wire::REQUEST_CORRELATION_AT, number as i32);
                writer.write_all(&frame).expect("a request can be sent");
            }
        });
        let mut taken = Vec::with_capacity(count);
        for number in 0..count {
            let answer = client.next();
            let due = start + interval * number as u32;
            taken.push(due.elapsed().as_secs_f64() * 1e6);
            check_produced(&answer, number, 1, 1);
            client.reader.recycle(answer);
        }
        taken
    })
}

#[allow(clippy::disallowed_methods, reason = "the load is made by threads, not by a runtime")]
fn wait_until(due: Instant) {
    let ahead = due.saturating_duration_since(Instant::now());
    if ahead > SLEEP_SLACK {
        thread::sleep(ahead - SLEEP_SLACK);
    }
    while Instant::now() < due {
        std::hint::spin_loop();
    }
}

struct Client {
    reader: FrameReader,
    writer: TcpStream,
}

impl Client {
    /// Connects as a client does: what is spoken, then where the topic is.
    fn connect(address: &str, topic: Topic) -> Self {
        let writer = TcpStream::connect(address).expect("the target takes connections");
        writer.set_nodelay(true).expect("a socket can be tuned");
        let late = Some(Duration::from_secs(30));
        writer.set_read_timeout(late).expect("a socket can be tuned");
        let reader = FrameReader::new(writer.try_clone().expect("a socket has two ends"));
        let mut client = Self { reader, writer };
        let spoken: ApiVersionsResponse = wire::ask(
            &mut client.reader,
            (wire::API_VERSIONS, wire::API_VERSIONS_VERSION),
            &ApiVersionsRequest::default()
                .with_client_software_name(StrBytes::from_static_str("bench"))
                .with_client_software_version(StrBytes::from_static_str("1")),
        );
        for (key, version) in [
            (wire::PRODUCE, wire::PRODUCE_VERSION),
            (wire::FETCH, wire::FETCH_VERSION),
            (wire::METADATA, wire::METADATA_VERSION),
        ] {
            let row = spoken.api_keys.iter().find(|row| row.api_key == key);
            assert!(row.is_some_and(|row| row.max_version >= version), "api {key} v{version}");
        }
        let name = TopicName(StrBytes::from_static_str(topic.name()));
        let asked = MetadataRequestTopic::default().with_name(Some(name));
        let known: MetadataResponse = wire::ask(
            &mut client.reader,
            (wire::METADATA, wire::METADATA_VERSION),
            &MetadataRequest::default().with_topics(Some(vec![asked])),
        );
        assert_eq!(known.topics.len(), 1, "the topic is there");
        assert_eq!(known.topics[0].topic_id, topic.id());
        client
    }

    fn next(&mut self) -> Bytes {
        self.reader.next().expect("answers come in time").expect("the connection stays open")
    }

    fn produce(&mut self, load: Load, requests: usize) {
        let mut writer = self.writer.try_clone().expect("a socket has two ends");
        let (ticket, tickets) = window(PRODUCES_IN_FLIGHT);
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut frame = produce_frame(load.topic, load.partitions);
                for number in 0..requests {
                    if ticket.send(()).is_err() {
                        return;
                    }
                    wire::patch(&mut frame, wire::REQUEST_CORRELATION_AT, number as i32);
                    writer.write_all(&frame).expect("a request can be sent");
                }
            });
            for number in 0..requests {
                let answer = self.next();
                check_produced(&answer, number, load.partitions, load.topic.batch_records());
                self.reader.recycle(answer);
                tickets.recv().expect("an answer belongs to a request");
            }
        });
    }

    fn fetch(&mut self, load: Load, requests: usize) {
        let mut writer = self.writer.try_clone().expect("a socket has two ends");
        let (ticket, tickets) = window(FETCHES_IN_FLIGHT);
        thread::scope(|scope| {
            scope.spawn(move || {
                for number in 0..requests {
                    if ticket.send(()).is_err() {
                        return;
                    }
                    let frame = fetch_frame(load, number);
                    writer.write_all(&frame).expect("a request can be sent");
                }
            });
            for number in 0..requests {
                let answer = self.next();
                check_fetched(&answer, number, load);
                self.reader.recycle(answer);
                tickets.recv().expect("an answer belongs to a request");
            }
        });
    }
}

/// Bounds what is in flight: a ticket is taken before a request, and given back after its answer.
fn window(in_flight: usize) -> (SyncSender<()>, Receiver<()>) {
    sync_channel(in_flight)
}

/// A produce request with one batch for each partition.
pub fn produce_frame(topic: Topic, partitions: usize) -> Vec<u8> {
    let data = |index: usize| {
        PartitionProduceData::default()
            .with_index(index as i32)
            .with_records(Some(topic.batch(index, Seen::AsWritten).clone()))
    };
    let topic_data = TopicProduceData::default()
        .with_topic_id(topic.id())
        .with_partition_data((0..partitions).map(data).collect());
    let request = ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(30_000)
        .with_topic_data(vec![topic_data]);
    wire::request(wire::PRODUCE, wire::PRODUCE_VERSION, 0, &request)
}

fn fetch_frame(load: Load, number: usize) -> Vec<u8> {
    let offset = (number * load.topic.batch_records()) as i64;
    let partition = |index: usize| {
        FetchPartition::default()
            .with_partition(index as i32)
            .with_fetch_offset(offset)
            .with_partition_max_bytes(1 << 20)
    };
    let topic = FetchTopic::default()
        .with_topic_id(load.topic.id())
        .with_partitions((0..load.partitions).map(partition).collect());
    let request = FetchRequest::default()
        .with_max_wait_ms(500)
        .with_min_bytes(1)
        .with_max_bytes(55 << 20)
        .with_session_epoch(-1)
        .with_topics(vec![topic]);
    wire::request(wire::FETCH, wire::FETCH_VERSION, number as i32, &request)
}

/// Every batch was taken, and stands where the ones before it end: none was lost, none came twice.
fn check_produced(answer: &Bytes, number: usize, partitions: usize, batch_records: usize) {
    let (correlation_id, response): (i32, ProduceResponse) =
        wire::response_parts(wire::PRODUCE, wire::PRODUCE_VERSION, answer);
    assert_eq!(correlation_id, number as i32);
    let answered = &response.responses[0].partition_responses;
    assert_eq!(answered.len(), partitions);
    for (index, partition) in answered.iter().enumerate() {
        assert_eq!(partition.error_code, 0, "{:?}", partition.error_message);
        assert_eq!(partition.index, index as i32);
        assert_eq!(partition.base_offset, (number * batch_records) as i64);
    }
}

/// Every batch is, to the last byte, what was asked for, as this reader may see it.
fn check_fetched(answer: &Bytes, number: usize, load: Load) {
    let (correlation_id, response): (i32, FetchResponse) =
        wire::response_parts(wire::FETCH, wire::FETCH_VERSION, answer);
    assert_eq!(correlation_id, number as i32);
    assert_eq!(response.error_code, 0);
    let answered = &response.responses[0].partitions;
    assert_eq!(answered.len(), load.partitions);
    let offset = (number * load.topic.batch_records()) as i64;
    for (index, partition) in answered.iter().enumerate() {
        assert_eq!(partition.error_code, 0);
        assert_eq!(partition.partition_index, index as i32);
        let records = partition.records.as_deref().unwrap_or_default();
        let expected = load.topic.batch(index, load.seen);
        assert!(workload::is_batch_at(records, expected, offset), "partition {index}");
    }
}
