//! A bare tokio relay: what a proxy in Rust costs that only reads where frames end.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

const BUFFER_BYTES: usize = 256 * 1024;

/// Serves until the process ends. Its one line of output is its address.
pub fn serve(upstream: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime can be built").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        println!("{}", listener.local_addr().expect("a listener has an address"));
        loop {
            let (client, _) = listener.accept().await.expect("a connection can be accepted");
            let broker = TcpStream::connect(upstream).await.expect("the broker is there");
            client.set_nodelay(true).expect("a socket can be tuned");
            broker.set_nodelay(true).expect("a socket can be tuned");
            let (from_client, to_client) = client.into_split();
            let (from_broker, to_broker) = broker.into_split();
            tokio::spawn(pump(from_client, to_broker));
            tokio::spawn(pump(from_broker, to_client));
        }
    });
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf) {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut frames = Frames::default();
    loop {
        match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => {
                frames.pass(&buffer[..read]);
                if to.write_all(&buffer[..read]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Where the next frame starts, across reads.
#[derive(Default)]
struct Frames {
    body_left: usize,
    prefix: [u8; 4],
    prefix_bytes: usize,
    count: u64,
}

impl Frames {
    fn pass(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.body_left > 0 {
                let skipped = self.body_left.min(bytes.len());
                self.body_left -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            self.prefix[self.prefix_bytes] = bytes[0];
            self.prefix_bytes += 1;
            bytes = &bytes[1..];
            if self.prefix_bytes == 4 {
                self.body_left = u32::from_be_bytes(self.prefix) as usize;
                self.prefix_bytes = 0;
                self.count += 1;
            }
        }
    }
}
