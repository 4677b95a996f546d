//! Frames and messages as the driver and the broker of the bench write and read them, by the
//! protocol crate: nothing here shares code with what is measured.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};

pub const PRODUCE: i16 = 0;
pub const FETCH: i16 = 1;
pub const METADATA: i16 = 3;
pub const API_VERSIONS: i16 = 18;

/// Versions of a client of Kafka 4: topics by id in Produce and Fetch.
pub const PRODUCE_VERSION: i16 = 13;
pub const FETCH_VERSION: i16 = 18;
pub const METADATA_VERSION: i16 = 13;
pub const API_VERSIONS_VERSION: i16 = 4;

/// Where the correlation id stands in a request frame, length prefix included.
pub const REQUEST_CORRELATION_AT: usize = 8;
/// And in a response frame.
pub const RESPONSE_CORRELATION_AT: usize = 4;

/// A request frame, length prefix included.
pub fn request(key: i16, version: i16, correlation_id: i32, body: &impl Encodable) -> Vec<u8> {
    let mut frame = BytesMut::new();
    frame.put_i32(0);
    RequestHeader::default()
        .with_request_api_key(key)
        .with_request_api_version(version)
        .with_correlation_id(correlation_id)
        .with_client_id(Some(StrBytes::from_static_str("bench")))
        .encode(&mut frame, 2)
        .expect("a request header can be encoded");
    body.encode(&mut frame, version).expect("a request can be encoded");
    finished(frame)
}

/// A response frame, length prefix included. The header of ApiVersions never has tags (KIP-511).
pub fn response(key: i16, version: i16, correlation_id: i32, body: &impl Encodable) -> Vec<u8> {
    let mut frame = BytesMut::new();
    frame.put_i32(0);
    ResponseHeader::default()
        .with_correlation_id(correlation_id)
        .encode(&mut frame, i16::from(key != API_VERSIONS))
        .expect("a response header can be encoded");
    body.encode(&mut frame, version).expect("a response can be encoded");
    finished(frame)
}

fn finished(mut frame: BytesMut) -> Vec<u8> {
    let length = i32::try_from(frame.len() - 4).expect("a frame's length fits");
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame.to_vec()
}

/// Puts a correlation id into a frame that is sent again and again.
pub fn patch(frame: &mut [u8], at: usize, correlation_id: i32) {
    frame[at..at + 4].copy_from_slice(&correlation_id.to_be_bytes());
}

/// Reads frames into one buffer that is used again.
pub struct FrameReader {
    stream: TcpStream,
    spare: BytesMut,
}

impl FrameReader {
    pub fn new(stream: TcpStream) -> Self {
        Self { stream, spare: BytesMut::new() }
    }

    /// The next frame without its length prefix; `None` at the end of the stream.
    pub fn next(&mut self) -> io::Result<Option<Bytes>> {
        let mut prefix = [0; 4];
        match self.stream.read_exact(&mut prefix) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let length = i32::from_be_bytes(prefix) as usize;
        let mut buffer = std::mem::take(&mut self.spare);
        buffer.resize(length, 0);
        self.stream.read_exact(&mut buffer)?;
        Ok(Some(buffer.freeze()))
    }

    /// Gives a frame's memory back, if nothing else still holds it.
    pub fn recycle(&mut self, frame: Bytes) {
        self.spare = frame.try_into_mut().unwrap_or_default();
    }
}

/// Takes the header off a request.
pub fn request_parts(frame: &Bytes) -> (RequestHeader, Bytes) {
    let mut rest = frame.clone();
    let header = RequestHeader::decode(&mut rest, 2).expect("a request has a header");
    (header, rest)
}

/// Takes the header off a response and decodes the rest, to the last byte.
pub fn response_parts<M: Decodable>(key: i16, version: i16, frame: &Bytes) -> (i32, M) {
    let mut rest = frame.clone();
    let header = ResponseHeader::decode(&mut rest, i16::from(key != API_VERSIONS))
        .expect("a response has a header");
    let message = M::decode(&mut rest, version).expect("a response has its shape");
    assert!(!rest.has_remaining(), "a response is consumed exactly");
    (header.correlation_id, message)
}

/// Asks once and waits for the answer.
pub fn ask<M: Decodable>(
    reader: &mut FrameReader,
    (key, version): (i16, i16),
    body: &impl Encodable,
) -> M {
    let frame = request(key, version, 7, body);
    reader.stream.write_all(&frame).expect("a request can be sent");
    let answer = reader.next().expect("an answer can be read").expect("there is an answer");
    let (correlation_id, message) = response_parts(key, version, &answer);
    assert_eq!(correlation_id, 7);
    message
}
