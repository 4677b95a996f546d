//! The other end: an HTTP/1.1 server that answers as a test tells it to, and counts.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the server does with a request.
#[derive(Clone)]
pub(super) enum Reply {
    /// 200 with this body.
    Body(Vec<u8>),
    /// Any other status line and headers, without a body.
    Head(String),
    /// 200 and a body of this many bytes, announced or in chunks without end.
    Flood { announced: Option<u64> },
    /// Nothing, and the connection stays open.
    Silence,
}

pub(super) struct Issuer {
    shared: Arc<Shared>,
    address: std::net::SocketAddr,
    task: JoinHandle<()>,
}

struct Shared {
    replies: Mutex<HashMap<String, Reply>>,
    requests: AtomicU64,
    bytes: AtomicU64,
}

impl Issuer {
    /// Serves `keys` at `/keys`.
    pub(super) async fn start(keys: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            replies: Mutex::new(HashMap::from([("/keys".to_owned(), keys)])),
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                connections.spawn(serve(connection, Arc::clone(&serving)));
            }
        });
        Self { shared, address, task }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn answer(&self, path: &str, reply: Reply) {
        self.shared.replies.lock().insert(path.to_owned(), reply);
    }

    pub(super) fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::SeqCst)
    }

    /// Body bytes that went out.
    pub(super) fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::SeqCst)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut connection: TcpStream, shared: Arc<Shared>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut piece = [0; 1024];
        match connection.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(read) => request.extend_from_slice(&piece[..read]),
        }
    }
    let line = String::from_utf8_lossy(&request).into_owned();
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    shared.requests.fetch_add(1, Ordering::SeqCst);
    let reply = shared.replies.lock().get(&path).cloned();
    let reply = reply.unwrap_or_else(|| Reply::Head("404 Not Found\r\n".to_owned()));
    // The client may hang up in the middle; that is what some tests are about.
    let _ = send(&mut connection, reply, &shared).await;
}

async fn send(connection: &mut TcpStream, reply: Reply, shared: &Shared) -> std::io::Result<()> {
    match reply {
        Reply::Body(body) => {
            let head = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            connection.write_all(head.as_bytes()).await?;
            connection.write_all(&body).await
        }
        Reply::Head(head) => {
            let head = format!("HTTP/1.1 {head}Connection: close\r\nContent-Length: 0\r\n\r\n");
            connection.write_all(head.as_bytes()).await
        }
        Reply::Flood { announced } => {
            let framing = match announced {
                Some(bytes) => format!("Content-Length: {bytes}"),
                None => "Transfer-Encoding: chunked".to_owned(),
            };
            let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\n{framing}\r\n\r\n");
            connection.write_all(head.as_bytes()).await?;
            let piece = vec![b' '; 64 * 1024];
            loop {
                if announced.is_none() {
                    connection.write_all(b"10000\r\n").await?;
                }
                connection.write_all(&piece).await?;
                if announced.is_none() {
                    connection.write_all(b"\r\n").await?;
                }
                shared.bytes.fetch_add(piece.len() as u64, Ordering::SeqCst);
            }
        }
        Reply::Silence => std::future::pending().await,
    }
}
