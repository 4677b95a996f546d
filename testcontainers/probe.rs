//! Asks a broker over a socket, by hand: no client library between a test and the bytes.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);
const RESPONSE_BYTES_MAX: usize = 1 << 20;
const METADATA: i16 = 3;
const API_VERSIONS: i16 = 18;

/// One row of an `ApiVersions` v0 answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiRange {
    pub api_key: i16,
    pub version_min: i16,
    pub version_max: i16,
}

/// A broker as a Metadata answer names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broker {
    pub id: i32,
    pub host: String,
    pub port: u16,
}

impl Broker {
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// `ApiVersions` v0: what a broker, or what stands before it, offers.
pub fn api_versions(address: &str) -> io::Result<Vec<ApiRange>> {
    let answer = ask(address, API_VERSIONS, 0, &[])?;
    let mut reader = Reader(&answer);
    let error = reader.i16()?;
    if error != 0 {
        return Err(io::Error::other(format!("ApiVersions answered with error {error}")));
    }
    let count = reader.i32()?;
    (0..count)
        .map(|_row| {
            Ok(ApiRange {
                api_key: reader.i16()?,
                version_min: reader.i16()?,
                version_max: reader.i16()?,
            })
        })
        .collect()
}

/// Metadata v1 without topics: the brokers that are up, in the order of their ids.
pub fn brokers(address: &str) -> io::Result<Vec<Broker>> {
    let no_topics = 0_i32.to_be_bytes();
    let answer = ask(address, METADATA, 1, &no_topics)?;
    let mut reader = Reader(&answer);
    let mut brokers = Vec::new();
    for _ in 0..reader.i32()? {
        let (id, host, port) = (reader.i32()?, reader.string()?, reader.i32()?);
        let _rack = reader.string()?;
        let port = u16::try_from(port).map_err(io::Error::other)?;
        brokers.push(Broker { id, host, port });
    }
    brokers.sort_by_key(|broker| broker.id);
    Ok(brokers)
}

/// The leader of each partition of a topic, in the order of the partitions (Metadata v1); -1 where
/// there is none.
pub fn leaders(address: &str, topic: &str) -> io::Result<Vec<i32>> {
    let mut request = 1_i32.to_be_bytes().to_vec();
    put_string(&mut request, topic);
    let answer = ask(address, METADATA, 1, &request)?;
    let mut reader = Reader(&answer);
    for _ in 0..reader.i32()? {
        let _broker = (reader.i32()?, reader.string()?, reader.i32()?, reader.string()?);
    }
    let _controller = (reader.i32()?, reader.i32()?);
    let error = reader.i16()?;
    if error != 0 {
        return Err(io::Error::other(format!("Metadata answered {topic} with error {error}")));
    }
    let _name_and_kind = (reader.string()?, reader.take(1)?);
    let mut leaders = Vec::new();
    for _ in 0..reader.i32()? {
        let (_error, partition, leader) = (reader.i16()?, reader.i32()?, reader.i32()?);
        for _list in ["replicas", "in sync"] {
            for _ in 0..reader.i32()? {
                reader.i32()?;
            }
        }
        leaders.push((partition, leader));
    }
    leaders.sort_unstable();
    Ok(leaders.into_iter().map(|(_partition, leader)| leader).collect())
}

/// One request on its own connection; the answer without its length and correlation id.
///
/// Header version 1 (api key, version, correlation id, client id), so only for versions that are
/// not flexible.
pub fn ask(address: &str, api_key: i16, version: i16, body: &[u8]) -> io::Result<Vec<u8>> {
    let socket_address = address.parse().map_err(io::Error::other)?;
    let mut socket = TcpStream::connect_timeout(&socket_address, PATIENCE)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.set_nodelay(true)?;
    let mut request = Vec::new();
    request.extend(api_key.to_be_bytes());
    request.extend(version.to_be_bytes());
    request.extend(1_i32.to_be_bytes());
    put_string(&mut request, "probe");
    request.extend(body);
    let length = i32::try_from(request.len()).map_err(io::Error::other)?;
    socket.write_all(&[&length.to_be_bytes(), request.as_slice()].concat())?;
    let mut length = [0; 4];
    socket.read_exact(&mut length)?;
    let length = usize::try_from(i32::from_be_bytes(length)).map_err(io::Error::other)?;
    if !(4..=RESPONSE_BYTES_MAX).contains(&length) {
        return Err(io::Error::other(format!("an answer of {length} bytes is not Kafka's")));
    }
    let mut answer = vec![0; length];
    socket.read_exact(&mut answer)?;
    Ok(answer.split_off(4))
}

fn put_string(request: &mut Vec<u8>, text: &str) {
    let length = i16::try_from(text.len()).expect("a test's string is short");
    request.extend(length.to_be_bytes());
    request.extend(text.as_bytes());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> io::Result<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.0 = rest;
        Ok(head)
    }

    fn i16(&mut self) -> io::Result<i16> {
        let bytes = self.take(2)?.try_into().map_err(io::Error::other)?;
        Ok(i16::from_be_bytes(bytes))
    }

    fn i32(&mut self) -> io::Result<i32> {
        let bytes = self.take(4)?.try_into().map_err(io::Error::other)?;
        Ok(i32::from_be_bytes(bytes))
    }

    /// A string with an `i16` length; a null one is empty.
    fn string(&mut self) -> io::Result<String> {
        let length = usize::try_from(self.i16()?).unwrap_or(0);
        String::from_utf8(self.take(length)?.to_vec()).map_err(io::Error::other)
    }
}
