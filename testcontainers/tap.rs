//! A recording relay: everything that reaches a client through it can be searched afterwards.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Streams towards clients, one for each connection.
type Streams = Arc<Mutex<Vec<Arc<Mutex<Vec<u8>>>>>>;

/// Listens on ports of one host and relays to the same ports of another.
pub struct Tap {
    streams: Streams,
}

impl Tap {
    /// Relays `from:port` to `to:port` for every one of `ports`, as long as the process lives.
    pub fn between(from: &str, to: &str, ports: impl IntoIterator<Item = u16>) -> Self {
        let streams = Streams::default();
        for port in ports {
            let listener = TcpListener::bind((from, port));
            let listener = listener.unwrap_or_else(|error| panic!("{from}:{port}: {error}"));
            let (streams, target) = (Arc::clone(&streams), (to.to_owned(), port));
            thread::spawn(move || {
                for client in listener.incoming().flatten() {
                    relay(client, &target, &streams);
                }
            });
        }
        Self { streams }
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        locked(&self.streams).len()
    }

    /// How many bytes went to clients.
    pub fn bytes(&self) -> usize {
        locked(&self.streams).iter().map(|stream| locked(stream).len()).sum()
    }

    /// Hands out what went to each client, one connection after the other.
    pub fn each(&self, mut look: impl FnMut(&[u8])) {
        for stream in locked(&self.streams).iter() {
            look(&locked(stream));
        }
    }

    /// How often `needle` stands in what went to clients.
    pub fn count(&self, needle: &[u8]) -> usize {
        let finder = memchr::memmem::Finder::new(needle);
        let streams = locked(&self.streams);
        streams.iter().map(|stream| finder.find_iter(&locked(stream)).count()).sum()
    }
}

fn relay(client: TcpStream, (host, port): &(String, u16), streams: &Streams) {
    // Where nobody listens the client's connection ends, as it would without a relay.
    let Ok(server) = TcpStream::connect((host.as_str(), *port)) else { return };
    let both = (client.try_clone(), server.try_clone());
    let (Ok(client_again), Ok(server_again)) = both else { return };
    for socket in [&client, &server] {
        let _ = socket.set_nodelay(true);
    }
    let record = Arc::new(Mutex::new(Vec::new()));
    locked(streams).push(Arc::clone(&record));
    thread::spawn(move || copy(client, server, None));
    thread::spawn(move || copy(server_again, client_again, Some(record)));
}

fn copy(mut from: TcpStream, mut to: TcpStream, record: Option<Arc<Mutex<Vec<u8>>>>) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => count,
        };
        if let Some(record) = &record {
            locked(record).extend_from_slice(&buffer[..count]);
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
