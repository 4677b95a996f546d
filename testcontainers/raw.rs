//! A client by hand, over one connection: for what no client library would send, and for the bytes
//! that came back.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, RequestHeader, ResponseHeader,
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use lockgate::auth::scram::{ScramHash, client_first};

/// Longer than any answer takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(60);
const RESPONSE_BYTES_MAX: usize = 64 << 20;

/// What a client by hand reads and writes: TCP, or TLS over it.
pub trait Socket: Read + Write + Send {}

impl<S: Read + Write + Send> Socket for S {}

/// One connection to a broker, or to what stands before it.
pub struct RawClient {
    socket: Box<dyn Socket>,
    correlation_id: i32,
}

impl RawClient {
    pub fn connect(address: &str) -> Self {
        let socket = TcpStream::connect(address);
        let socket = socket.unwrap_or_else(|error| panic!("{address}: {error}"));
        socket.set_nodelay(true).expect("a socket takes its options");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket takes its options");
        socket.set_write_timeout(Some(PATIENCE)).expect("a socket takes its options");
        Self::over(socket)
    }

    /// Over a connection that is there.
    pub fn over(socket: impl Socket + 'static) -> Self {
        Self { socket: Box::new(socket), correlation_id: 0 }
    }

    /// A connection that has logged in with this token.
    pub fn logged_in(address: &str, token: &str) -> Self {
        let mut client = Self::connect(address);
        let answer = client.log_in(token).expect("the connection stays open");
        assert_eq!((answer.error_code, answer.auth_bytes.len()), (0, 0), "{answer:?}");
        client
    }

    /// Sends a request and decodes its answer.
    pub fn call<R: Request>(&mut self, version: i16, request: &R) -> io::Result<R::Response> {
        let mut body = BytesMut::new();
        request.encode(&mut body, version).map_err(io::Error::other)?;
        self.send(R::KEY, version, R::header_version(version), &body)?;
        let mut answer = self.receive()?;
        let header = R::Response::header_version(version);
        let header = ResponseHeader::decode(&mut answer, header).map_err(io::Error::other)?;
        assert_eq!(header.correlation_id, self.correlation_id, "answers come in order");
        let message = R::Response::decode(&mut answer, version).map_err(io::Error::other)?;
        assert!(!answer.has_remaining(), "bytes are left of an answer to api {}", R::KEY);
        Ok(message)
    }

    /// Sends a request whose body is these bytes, whatever they are.
    pub fn send(&mut self, key: i16, version: i16, header: i16, body: &[u8]) -> io::Result<()> {
        self.correlation_id += 1;
        let fields = RequestHeader::default()
            .with_request_api_key(key)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation_id)
            .with_client_id(Some(StrBytes::from_static_str("raw")));
        let mut frame = BytesMut::new();
        fields.encode(&mut frame, header).map_err(io::Error::other)?;
        frame.extend_from_slice(body);
        let length = i32::try_from(frame.len()).map_err(io::Error::other)?;
        self.send_bytes(&length.to_be_bytes())?;
        self.send_bytes(&frame)
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }

    /// The next frame, without its length.
    pub fn receive(&mut self) -> io::Result<Bytes> {
        let mut length = [0; 4];
        self.socket.read_exact(&mut length)?;
        let length = usize::try_from(i32::from_be_bytes(length)).map_err(io::Error::other)?;
        if length > RESPONSE_BYTES_MAX {
            return Err(io::Error::other(format!("an answer of {length} bytes")));
        }
        let mut frame = vec![0; length];
        self.socket.read_exact(&mut frame)?;
        Ok(frame.into())
    }

    /// Waits until the other side closes; what it says before is a failure.
    #[track_caller]
    pub fn expect_closed(&mut self) {
        let mut byte = [0];
        match self.socket.read(&mut byte) {
            Ok(0) => {}
            Ok(_) => panic!("an answer where the connection should have been closed"),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection was not closed: {error}"),
        }
    }

    pub fn api_versions(&mut self) -> io::Result<ApiVersionsResponse> {
        let software = StrBytes::from_static_str("raw");
        let request = ApiVersionsRequest::default()
            .with_client_software_name(software.clone())
            .with_client_software_version(software);
        self.call(3, &request)
    }

    pub fn handshake(&mut self, mechanism: &str) -> io::Result<SaslHandshakeResponse> {
        let mechanism = StrBytes::from_string(mechanism.to_owned());
        self.call(1, &SaslHandshakeRequest::default().with_mechanism(mechanism))
    }

    pub fn authenticate(&mut self, message: &[u8]) -> io::Result<SaslAuthenticateResponse> {
        let message = Bytes::copy_from_slice(message);
        self.call(2, &SaslAuthenticateRequest::default().with_auth_bytes(message))
    }

    /// Both steps of an OAUTHBEARER login.
    pub fn log_in(&mut self, token: &str) -> io::Result<SaslAuthenticateResponse> {
        let answer = self.handshake("OAUTHBEARER")?;
        assert_eq!(answer.error_code, 0, "{answer:?}");
        self.authenticate(&bearer(token))
    }
}

/// Logins by password.
impl RawClient {
    /// A login by SCRAM up to its last message, which is not sent.
    pub fn scram_challenged(&mut self, hash: ScramHash, name: &str, password: &str) -> Vec<u8> {
        let answer = self.handshake(hash.mechanism()).expect("the connection stays open");
        assert_eq!(answer.error_code, 0, "{answer:?}");
        let nonce = format!("{:032x}", u128::from(std::process::id()) + 7);
        let (first, client) = client_first(hash, name, password, &nonce);
        let answer = self.authenticate(&first).expect("the connection stays open");
        assert_eq!(answer.error_code, 0, "{answer:?}");
        client.answer(&answer.auth_bytes).expect("a challenge").0
    }

    pub fn scram(
        &mut self,
        hash: ScramHash,
        name: &str,
        password: &str,
    ) -> io::Result<SaslAuthenticateResponse> {
        let last = self.scram_challenged(hash, name, password);
        self.authenticate(&last)
    }

    pub fn plain(&mut self, name: &str, password: &str) -> io::Result<SaslAuthenticateResponse> {
        let answer = self.handshake("PLAIN")?;
        assert_eq!(answer.error_code, 0, "{answer:?}");
        self.authenticate(format!("\0{name}\0{password}").as_bytes())
    }
}

/// The first message of OAUTHBEARER (RFC 7628 §3.1).
pub fn bearer(token: &str) -> Vec<u8> {
    format!("n,,\u{1}auth=Bearer {token}\u{1}\u{1}").into_bytes()
}
