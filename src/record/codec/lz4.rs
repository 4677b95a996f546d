//! LZ4 frames (LZ4 Frame Format 1.6). The framing is ours: the crate's reader takes a frame that
//! is cut between blocks for a complete one, and allocates anew for each frame.

use lz4_flex::block::{
    CompressTable, DecompressError, compress_into_with_table, decompress_into,
    decompress_into_with_dict, get_maximum_output_size,
};

use super::super::checksum::xxh32;
use super::{BatchError, Codec, FRAMES_MAX, Section};

const MAGIC: u32 = 0x184d_2204;
/// Magic; version 1, independent blocks, no checksums, no size; 64 KiB blocks; header checksum.
/// Kafka's `Lz4BlockOutputStream` writes the same. Kafka refuses linked blocks.
const HEADER: [u8; 7] = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
const BLOCK_BYTES: usize = 64 << 10;
const END_MARK: u32 = 0;
const STORED_BIT: u32 = 1 << 31;
const WINDOW_BYTES: usize = 64 << 10;
/// A length byte stands for at most 255 bytes of output.
const EXPANSION_MAX: usize = 256;

const FLAG_INDEPENDENT: u8 = 0x20;
const FLAG_BLOCK_CHECKSUM: u8 = 0x10;
const FLAG_CONTENT_SIZE: u8 = 0x08;
const FLAG_CONTENT_CHECKSUM: u8 = 0x04;
const FLAG_RESERVED: u8 = 0x02;
const FLAG_DICTIONARY: u8 = 0x01;

#[derive(Default)]
pub(super) struct Lz4 {
    /// Always the large kind: which kind is in use changes the output, and the crate swaps the
    /// small one for the large one when it first meets a large block.
    table: Option<CompressTable>,
}

/// What a frame's header says.
struct Frame {
    flags: u8,
    block_bytes_max: usize,
    content_bytes: Option<u64>,
}

impl Lz4 {
    pub(super) fn inflate(&mut self, source: &[u8], into: &mut Section) -> Result<(), BatchError> {
        let mut rest = source;
        for _ in 0..FRAMES_MAX {
            let (frame, behind) = Frame::parse(rest)?;
            rest = frame.inflate(behind, into)?;
            if rest.is_empty() {
                return Ok(());
            }
        }
        Err(refused("too many frames"))
    }

    pub(super) fn deflate(&mut self, source: &[u8], out: &mut Vec<u8>) -> Result<(), BatchError> {
        let table = self.table.get_or_insert_with(CompressTable::large);
        out.extend_from_slice(&HEADER);
        for chunk in source.chunks(BLOCK_BYTES) {
            let length_at = out.len();
            let start = length_at.saturating_add(4);
            out.resize(start.saturating_add(get_maximum_output_size(chunk.len())), 0);
            let (front, room) = out.split_at_mut_checked(start).unwrap_or_default();
            let written = compress_into_with_table(chunk, room, table)
                .map_err(|_| refused("compressor failed"))?;
            let stored = written >= chunk.len();
            let (length, bit) = if stored { (chunk.len(), STORED_BIT) } else { (written, 0) };
            let field = u32::try_from(length).map_err(|_| refused("compressor failed"))? | bit;
            if let Some(place) = front.last_chunk_mut() {
                *place = field.to_le_bytes();
            }
            if stored {
                out.truncate(start);
                out.extend_from_slice(chunk);
            } else {
                out.truncate(start.saturating_add(written));
            }
        }
        out.extend_from_slice(&END_MARK.to_le_bytes());
        Ok(())
    }
}

impl Frame {
    /// Reads a frame's header; gives back its blocks and what follows.
    fn parse(source: &[u8]) -> Result<(Self, &[u8]), BatchError> {
        let (magic, descriptor) = word(source)?;
        if magic != MAGIC {
            return Err(refused("not an LZ4 frame"));
        }
        let (&[flags, sizes], mut rest) =
            descriptor.split_first_chunk().ok_or(refused("cut short"))?;
        if flags >> 6 != 1 || flags & FLAG_RESERVED != 0 || sizes & 0x8f != 0 {
            return Err(refused("unknown version or flags"));
        }
        if flags & FLAG_DICTIONARY != 0 {
            return Err(refused("dictionaries are not allowed"));
        }
        let block_bytes_max = match sizes >> 4 {
            size @ 4..=7 => 1usize << u32::from(size).saturating_mul(2).saturating_add(8),
            _ => return Err(refused("unknown block size")),
        };
        let mut content_bytes = None;
        if flags & FLAG_CONTENT_SIZE != 0 {
            let (size, behind) = rest.split_first_chunk().ok_or(refused("cut short"))?;
            content_bytes = Some(u64::from_le_bytes(*size));
            rest = behind;
        }
        let descriptor_bytes = descriptor.len().saturating_sub(rest.len());
        let (stored, rest) = rest.split_first().ok_or(refused("cut short"))?;
        let computed = xxh32(descriptor.get(..descriptor_bytes).unwrap_or_default());
        if u32::from(*stored) != (computed >> 8) & 0xff {
            return Err(refused("header checksum mismatch"));
        }
        Ok((Self { flags, block_bytes_max, content_bytes }, rest))
    }

    /// Reads blocks up to the end mark and gives back what follows the frame.
    fn inflate<'a>(&self, blocks: &'a [u8], into: &mut Section) -> Result<&'a [u8], BatchError> {
        let start = into.filled().len();
        let mut rest = blocks;
        loop {
            let (field, behind) = word(rest)?;
            rest = behind;
            if field == END_MARK {
                break;
            }
            let length = usize::try_from(field & !STORED_BIT).unwrap_or(usize::MAX);
            // Kafka's reader ends a frame at an empty stored block, the reference does not.
            if length == 0 || length > self.block_bytes_max {
                return Err(refused("block size out of range"));
            }
            let (block, behind) = rest.split_at_checked(length).ok_or(refused("cut short"))?;
            rest = behind;
            if self.flags & FLAG_BLOCK_CHECKSUM != 0 {
                rest = checked(block, rest)?;
            }
            if field & STORED_BIT != 0 {
                into.append(block)?;
            } else {
                self.block(block, start, into)?;
            }
        }
        let content = into.filled().get(start..).unwrap_or_default();
        if self.content_bytes.is_some_and(|size| u64::try_from(content.len()) != Ok(size)) {
            return Err(refused("content size mismatch"));
        }
        if self.flags & FLAG_CONTENT_CHECKSUM != 0 {
            rest = checked(content, rest)?;
        }
        Ok(rest)
    }

    /// Uncompresses one block behind what is filled. `start` is where this frame's output begins.
    fn block(&self, block: &[u8], start: usize, into: &mut Section) -> Result<(), BatchError> {
        let wanted = self.block_bytes_max.min(block.len().saturating_mul(EXPANSION_MAX));
        let (filled, room) = into.split(wanted);
        let capped = room.len() < wanted;
        let room = room.get_mut(..wanted.min(room.len())).unwrap_or_default();
        let result = if self.flags & FLAG_INDEPENDENT != 0 {
            decompress_into(block, room)
        } else {
            let from = start.max(filled.len().saturating_sub(WINDOW_BYTES));
            decompress_into_with_dict(block, room, filled.get(from..).unwrap_or_default())
        };
        match result {
            Ok(written) => into.advance(written),
            Err(DecompressError::OutputTooSmall { .. }) if capped => Err(into.too_large()),
            Err(_) => Err(refused("damaged")),
        }
    }
}

/// Compares `bytes` with the checksum at the front of `rest`; gives back what follows.
fn checked<'a>(bytes: &[u8], rest: &'a [u8]) -> Result<&'a [u8], BatchError> {
    let (stored, behind) = word(rest)?;
    if stored == xxh32(bytes) { Ok(behind) } else { Err(refused("checksum mismatch")) }
}

fn word(source: &[u8]) -> Result<(u32, &[u8]), BatchError> {
    let (field, behind) = source.split_first_chunk().ok_or(refused("cut short"))?;
    Ok((u32::from_le_bytes(*field), behind))
}

fn refused(problem: &'static str) -> BatchError {
    Codec::Lz4.refused(problem)
}
