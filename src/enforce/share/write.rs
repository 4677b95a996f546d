//! Answers of Lockgate's own, as v1 and v2 write them: the protocol crate knows v1 only, and what
//! is written here is alike in both.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::session::Partition;
use crate::enforce::consume::{Fault, FoundPartition};
use crate::enforce::splice::length_prefix;
use crate::wire::{ApiKey, ErrorCode, RequestHeader, TopicId};

/// No tagged fields.
const NO_TAGS: u8 = 0;
/// An array or a record set with nothing in it, in compact form.
const EMPTY: u8 = 1;
/// A text that is not there, in compact form.
const NULL: u8 = 0;
/// A leader, or its epoch, that nobody knows.
const UNKNOWN: i32 = -1;

/// A partition that the broker was not asked for.
pub(super) struct Gone {
    pub partition: Partition,
    pub name: Arc<str>,
    pub rule: Arc<str>,
    pub fault: Fault,
    /// Whether the client said what became of its records.
    pub acknowledges: bool,
}

fn put_text(out: &mut BytesMut, text: Option<&str>) {
    match text {
        Some(text) => {
            out.put_slice(&length_prefix(true, text.len()));
            out.put_slice(text.as_bytes());
        }
        None => out.put_u8(NULL),
    }
}

/// A response that is an error as a whole.
pub(super) fn whole(header: &RequestHeader, code: ErrorCode, message: &str) -> Bytes {
    const THROTTLE_MS: i32 = 0;
    const LOCK_TIMEOUT_MS: i32 = 0;
    let mut out = BytesMut::new();
    out.put_i32(THROTTLE_MS);
    out.put_i16(code.0);
    put_text(&mut out, Some(message));
    if header.key == ApiKey::SHARE_FETCH || header.version >= 2 {
        out.put_i32(LOCK_TIMEOUT_MS);
    }
    // Neither topics nor endpoints.
    out.put_slice(&[EMPTY, EMPTY, NO_TAGS]);
    out.freeze()
}

/// The entries of topics whose partitions are gone, and how many they are.
pub(super) fn topics(key: ApiKey, gone: &[&Gone], is_in_session: bool) -> (Bytes, usize) {
    let mut out = BytesMut::new();
    let mut count = 0;
    for chunk in gone.chunk_by(|one, next| one.partition.0 == next.partition.0) {
        let Some(TopicId(id)) = chunk.first().map(|gone| gone.partition.0) else { continue };
        out.put_slice(&id);
        out.put_slice(&length_prefix(true, chunk.len()));
        for gone in chunk {
            put_partition(&mut out, key, gone, is_in_session);
        }
        out.put_u8(NO_TAGS);
        count += 1;
    }
    (out.freeze(), count)
}

fn put_partition(out: &mut BytesMut, key: ApiKey, gone: &Gone, is_in_session: bool) {
    let Fault { code, message } = &gone.fault;
    let message = message.as_deref();
    let error = |out: &mut BytesMut, code: ErrorCode| {
        out.put_i16(code.0);
        put_text(out, message.filter(|_| code != ErrorCode::NONE));
    };
    out.put_i32(gone.partition.1);
    if key == ApiKey::SHARE_FETCH {
        error(out, if is_in_session { *code } else { ErrorCode::NONE });
        error(out, if gone.acknowledges { *code } else { ErrorCode::NONE });
    } else {
        error(out, *code);
    }
    out.put_i32(UNKNOWN);
    out.put_i32(UNKNOWN);
    out.put_u8(NO_TAGS);
    if key == ApiKey::SHARE_FETCH {
        // Neither records nor acquired offsets.
        out.put_slice(&[EMPTY, EMPTY]);
    }
    out.put_u8(NO_TAGS);
}

/// The entry of a partition whose records are kept back: what became of its acknowledgements, and
/// its leader, are the broker's to say.
pub(super) fn kept_back(body: &Bytes, partition: &FoundPartition, fault: &Fault) -> Bytes {
    let mut out = BytesMut::new();
    out.put_i32(partition.index);
    out.put_i16(fault.code.0);
    put_text(&mut out, fault.message.as_deref());
    let brokers = partition.acknowledge_error..partition.prefix_start;
    out.put_slice(body.get(brokers).unwrap_or_default());
    out.put_slice(&[EMPTY, EMPTY, NO_TAGS]);
    out.freeze()
}
