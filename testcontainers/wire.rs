//! Kafka requests made by hand: one connection, exact versions, answers one by one.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use kafka_protocol::records::{
    Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};

const PATIENCE: Duration = Duration::from_secs(30);

/// A client's connection.
pub struct Wire {
    socket: TcpStream,
    correlation_id: i32,
}

impl Wire {
    pub fn connect(address: &str) -> Self {
        let socket = TcpStream::connect(address).unwrap_or_else(|e| panic!("{address}: {e}"));
        socket.set_read_timeout(Some(PATIENCE)).expect("a limit of 30 s is one");
        socket.set_nodelay(true).expect("a TCP socket");
        Self { socket, correlation_id: 0 }
    }

    /// Sends a request and reads its answer.
    pub fn ask<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        self.send(version, request);
        self.answer::<R>(version)
    }

    /// Sends a request without waiting.
    pub fn send<R: Request>(&mut self, version: i16, request: &R) {
        self.correlation_id += 1;
        let mut frame = BytesMut::new();
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation_id)
            .with_client_id(Some(StrBytes::from_static_str("by-hand")));
        header.encode(&mut frame, R::header_version(version)).expect("a header of this version");
        request.encode(&mut frame, version).expect("a request of this version");
        let length = i32::try_from(frame.len()).expect("a test's frame is small");
        self.send_bytes(&[&length.to_be_bytes(), frame.as_ref()].concat());
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("the connection is open");
    }

    /// The next answer, which must be one to `R`.
    pub fn answer<R: Request>(&mut self, version: i16) -> R::Response {
        self.answer_or_end::<R>(version).expect("an answer")
    }

    /// The same; nothing where the other side closes first.
    pub fn answer_or_end<R: Request>(&mut self, version: i16) -> Option<R::Response> {
        let mut frame = match self.frame() {
            Ok(frame) => frame,
            Err(error) if is_end(&error) => return None,
            Err(error) => panic!("an answer was to come: {error}"),
        };
        let header_version = <R::Response as HeaderVersion>::header_version(version);
        ResponseHeader::decode(&mut frame, header_version).expect("a response header");
        let answer = R::Response::decode(&mut frame, version).expect("a response");
        assert!(frame.is_empty(), "{} bytes behind the answer", frame.len());
        Some(answer)
    }

    /// Reads until the other side closes, and says how many bytes came before.
    pub fn until_closed(&mut self) -> usize {
        let mut rest = Vec::new();
        match self.socket.read_to_end(&mut rest) {
            Ok(bytes) => bytes,
            Err(error) if is_end(&error) => rest.len(),
            Err(error) => panic!("the connection was to be closed: {error}"),
        }
    }

    fn frame(&mut self) -> io::Result<Bytes> {
        let mut length = [0; 4];
        self.socket.read_exact(&mut length)?;
        let length = usize::try_from(i32::from_be_bytes(length)).map_err(io::Error::other)?;
        let mut frame = vec![0; length];
        self.socket.read_exact(&mut frame)?;
        Ok(frame.into())
    }
}

fn is_end(error: &io::Error) -> bool {
    [io::ErrorKind::ConnectionReset, io::ErrorKind::UnexpectedEof].contains(&error.kind())
}

/// An uncompressed batch of these values, from a producer that is not idempotent.
pub fn batch(values: &[&str]) -> Bytes {
    let records: Vec<Record> = (0..)
        .zip(values)
        .map(|(index, value)| Record {
            transactional: false,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: -1,
            producer_id: -1,
            producer_epoch: -1,
            timestamp_type: TimestampType::Creation,
            offset: index,
            // The encoder begins a batch where offset and sequence drift apart.
            sequence: i32::try_from(index - 1).expect("a few records"),
            timestamp: 1_700_000_000_000,
            key: None,
            value: Some(Bytes::copy_from_slice(value.as_bytes())),
            headers: Default::default(),
        })
        .collect();
    let mut out = BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    RecordBatchEncoder::encode(&mut out, &records, &options).expect("records can be encoded");
    out.freeze()
}
