//! Messages of streams groups (KIP-1071), which the protocol crate does not know.

use bytes::{BufMut, BytesMut};

pub fn put(out: &mut BytesMut, text: &str) {
    out.put_u8(u8::try_from(text.len()).unwrap() + 1);
    out.put_slice(text.as_bytes());
}

pub fn put_all(out: &mut BytesMut, texts: &[&str]) {
    out.put_u8(u8::try_from(texts.len()).unwrap() + 1);
    texts.iter().for_each(|text| put(out, text));
}

/// A heartbeat that brings a topology of one step.
pub fn heartbeat(group: &str, sources: &[&str], regexes: &[&str], changelogs: &[&str]) -> BytesMut {
    let mut out = BytesMut::new();
    put(&mut out, group);
    put(&mut out, "member");
    out.put_bytes(0, 8); // epochs
    out.put_bytes(0, 2); // instance, rack
    out.put_i32(1000);
    out.put_u8(1); // there is a topology
    out.put_i32(0);
    out.put_u8(2); // one subtopology
    put(&mut out, "0");
    put_all(&mut out, sources);
    put_all(&mut out, regexes);
    out.put_u8(u8::try_from(changelogs.len()).unwrap() + 1);
    for name in changelogs {
        put(&mut out, name);
        out.put_bytes(0, 6); // partitions, replication factor
        out.put_u8(1); // no configs
        out.put_u8(0);
    }
    put_all(&mut out, &[]); // sinks
    put_all(&mut out, &[]); // repartition sources
    out.put_u8(1); // no groups of partitions
    out.put_bytes(0, 2); // tags of the subtopology and of the topology
    out.put_bytes(1, 3); // no tasks yet
    put(&mut out, "process");
    out.put_i8(-1); // endpoint
    out.put_u8(1); // no client tags
    out.put_bytes(0, 2); // offsets, end offsets
    out.put_u8(0); // shut down
    out.put_u8(0);
    out
}
