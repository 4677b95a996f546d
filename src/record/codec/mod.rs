//! The compression codecs: capped, streaming, with contexts that are used again.
//!
//! Each codec reads its whole input: every gzip member, zstd frame and LZ4 frame, because a
//! reader that stops at the first sees other records than one that goes on. Bytes behind the
//! last one, dictionaries and skippable frames (bytes that nobody inspects) are refused.

use std::fmt;

use super::batch::{Batch, OffsetOrder};
use super::fault::BatchError;
use super::records::Records;
use super::replacement::Replacement;
use super::section::Section;

mod gzip;
mod lz4;
mod snappy;
mod zstd;

/// How many members or frames one batch may be made of. Producers write one; each costs a
/// reset of the decoder, so a megabyte of empty frames would cost far more than it weighs.
const FRAMES_MAX: u32 = 1024;

/// Buffers larger than this are given back by [`Codecs::trim`].
const RETAINED_BYTES_MAX: usize = 4 << 20;

/// A compression codec, by its id in attribute bits 0–2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Codec {
    None,
    Gzip,
    Snappy,
    Lz4,
    /// Only from Produce 7 and Fetch 10 on (KIP-110).
    Zstd,
}

/// Limits of one inflation, and of a rewrite that follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InflateLimits {
    /// The largest records section, uncompressed, in bytes. Holds for every codec, and for the
    /// section as read and as rewritten.
    pub bytes_max: usize,
}

/// Contexts and buffers for all codecs, used again for each batch. One per connection or
/// worker; contexts are made when first needed.
#[derive(Default)]
pub struct Codecs {
    pub(super) section: Section,
    /// A rewritten section that is yet to be compressed.
    pub(super) edited: Vec<u8>,
    pub(super) replacement: Replacement,
    /// Headers of the record that is being written.
    pub(super) headers: Vec<u8>,
    pub(super) engines: Engines,
}

/// One engine for each codec.
#[derive(Default)]
pub(super) struct Engines {
    gzip: gzip::Gzip,
    snappy: snappy::Snappy,
    lz4: lz4::Lz4,
    zstd: zstd::Zstd,
}

/// The uncompressed records section of one batch.
#[derive(Clone, Copy)]
pub struct Plain<'s> {
    section: &'s [u8],
    count: i32,
    order: OffsetOrder,
}

impl Codec {
    /// Every codec, in the order of the ids.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The codec with this id (0–4), as in Kafka's `CompressionType`.
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.get(usize::from(id)).copied()
    }

    /// The name in Kafka's configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    fn refused(self, problem: &'static str) -> BatchError {
        BatchError::Compression { codec: self, problem }
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Codecs {
    pub fn new() -> Self {
        Self::default()
    }

    /// Uncompresses a batch's records; an uncompressed batch is viewed where it lies.
    ///
    /// Never holds more than `limits.bytes_max` bytes of output (plus one, and the codec's own
    /// window of at most 8 MiB); where the allocator cannot grow a buffer in place, half as much
    /// again for the length of a copy. The checksum is not checked here.
    ///
    /// # Errors
    /// [`BatchError::Codec`], [`BatchError::Compression`], [`BatchError::TooLarge`].
    pub fn inflate<'s>(
        &'s mut self,
        batch: &Batch<'s>,
        limits: InflateLimits,
    ) -> Result<Plain<'s>, BatchError> {
        inflate(&mut self.engines, &mut self.section, batch, limits)
    }

    /// Gives large buffers back. Call it when a connection goes quiet; it is never needed for
    /// correctness.
    pub fn trim(&mut self) {
        self.section.trim(RETAINED_BYTES_MAX);
        self.edited.clear();
        self.headers.clear();
        for buffer in [&mut self.edited, &mut self.headers] {
            if buffer.capacity() > RETAINED_BYTES_MAX {
                *buffer = Vec::new();
            }
        }
        self.replacement.trim(RETAINED_BYTES_MAX);
    }
}

/// [`Codecs::inflate`], on the parts that it needs.
pub(super) fn inflate<'s>(
    engines: &mut Engines,
    section: &'s mut Section,
    batch: &Batch<'s>,
    limits: InflateLimits,
) -> Result<Plain<'s>, BatchError> {
    let codec = batch.codec()?;
    let payload = batch.payload();
    section.start(limits.bytes_max);
    let count = batch.header().record_count;
    let plain = |section| Plain { section, count, order: batch.order() };
    if codec == Codec::None {
        section.require(payload.len())?;
        return Ok(plain(payload));
    }
    // What log compaction leaves of a batch has no records section at all, whatever the codec.
    if payload.is_empty() && count == 0 {
        return Ok(plain(payload));
    }
    engines.inflate(codec, payload, section)?;
    Ok(plain(section.filled()))
}

impl Engines {
    fn inflate(
        &mut self,
        codec: Codec,
        source: &[u8],
        into: &mut Section,
    ) -> Result<(), BatchError> {
        match codec {
            Codec::None => into.append(source),
            Codec::Gzip => self.gzip.inflate(source, into),
            Codec::Snappy => self.snappy.inflate(source, into),
            Codec::Lz4 => self.lz4.inflate(source, into),
            Codec::Zstd => self.zstd.inflate(source, into),
        }
    }

    /// Appends `source`, compressed, to `out`. The same input always gives the same bytes.
    pub(super) fn deflate(
        &mut self,
        codec: Codec,
        source: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), BatchError> {
        match codec {
            Codec::None => {
                out.extend_from_slice(source);
                Ok(())
            }
            Codec::Gzip => self.gzip.deflate(source, out),
            Codec::Snappy => self.snappy.deflate(source, out),
            Codec::Lz4 => self.lz4.deflate(source, out),
            Codec::Zstd => self.zstd.deflate(source, out),
        }
    }
}

impl<'s> Plain<'s> {
    /// The records, each checked as it comes; see [`Records`].
    pub fn records(&self) -> Records<'s> {
        Records::new(self.section, self.count, self.order)
    }

    /// The whole section.
    pub fn bytes(&self) -> &'s [u8] {
        self.section
    }
}

impl fmt::Debug for Plain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Plain")
            .field("section_bytes", &self.section.len())
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Codecs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Codecs").finish_non_exhaustive()
    }
}
