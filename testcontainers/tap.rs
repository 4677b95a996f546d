//! A recording relay: everything that reaches a client through it can be searched afterwards, or is
//! searched as it passes where it would be too much to keep.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use memchr::memmem;

/// Streams towards clients, one for each connection.
type Streams = Arc<Mutex<Vec<Arc<Mutex<Vec<u8>>>>>>;

/// Listens on ports of one host and relays to the same ports of another.
pub struct Tap {
    streams: Streams,
    search: Arc<Search>,
}

/// What is looked for as it passes; with nothing to look for, everything is kept.
#[derive(Default)]
struct Search {
    needles: Vec<memmem::Finder<'static>>,
    found: AtomicUsize,
    bytes: AtomicUsize,
}

impl Search {
    /// Looks at what has come to `kept` from `new` on, and keeps what a needle may begin in.
    fn look(&self, kept: &mut Vec<u8>, new: usize) {
        self.bytes.fetch_add(kept.len() - new, Ordering::Relaxed);
        for needle in &self.needles {
            let from = new.saturating_sub(needle.needle().len().saturating_sub(1));
            let found = needle.find_iter(&kept[from..]).count();
            self.found.fetch_add(found, Ordering::Relaxed);
        }
        if let Some(longest) = self.needles.iter().map(|needle| needle.needle().len()).max() {
            kept.drain(..kept.len().saturating_sub(longest));
        }
    }
}

impl Tap {
    /// Relays `from:port` to `to:port` for every one of `ports`, as long as the process lives.
    pub fn between(from: &str, to: &str, ports: impl IntoIterator<Item = u16>) -> Self {
        Self::searching(from, to, ports, Vec::new())
    }

    /// The same, but counts these needles as they pass and keeps nothing.
    pub fn searching(
        from: &str,
        to: &str,
        ports: impl IntoIterator<Item = u16>,
        needles: Vec<Vec<u8>>,
    ) -> Self {
        let finders = needles.iter().map(|needle| memmem::Finder::new(needle).into_owned());
        let search = Arc::new(Search { needles: finders.collect(), ..Search::default() });
        let streams = Streams::default();
        for port in ports {
            let listener = TcpListener::bind((from, port));
            let listener = listener.unwrap_or_else(|error| panic!("{from}:{port}: {error}"));
            let (streams, target) = (Arc::clone(&streams), (to.to_owned(), port));
            let search = Arc::clone(&search);
            thread::spawn(move || {
                for client in listener.incoming().flatten() {
                    relay(client, &target, &streams, &search);
                }
            });
        }
        Self { streams, search }
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        locked(&self.streams).len()
    }

    /// How many bytes went to clients.
    pub fn bytes(&self) -> usize {
        self.search.bytes.load(Ordering::Relaxed)
    }

    /// How often the needles of [`Tap::searching`] have passed.
    pub fn found(&self) -> usize {
        self.search.found.load(Ordering::Relaxed)
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

fn relay(client: TcpStream, (host, port): &(String, u16), streams: &Streams, search: &Arc<Search>) {
    // Where nobody listens the client's connection ends, as it would without a relay.
    let Ok(server) = TcpStream::connect((host.as_str(), *port)) else { return };
    let both = (client.try_clone(), server.try_clone());
    let (Ok(client_again), Ok(server_again)) = both else { return };
    for socket in [&client, &server] {
        let _ = socket.set_nodelay(true);
    }
    let record = Arc::new(Mutex::new(Vec::new()));
    locked(streams).push(Arc::clone(&record));
    let search = Arc::clone(search);
    thread::spawn(move || copy(client, server, |_bytes| {}));
    thread::spawn(move || {
        copy(server_again, client_again, |bytes| {
            let mut record = locked(&record);
            let new = record.len();
            record.extend_from_slice(bytes);
            search.look(&mut record, new);
        });
    });
}

fn copy(mut from: TcpStream, mut to: TcpStream, mut look: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => count,
        };
        look(&buffer[..count]);
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
