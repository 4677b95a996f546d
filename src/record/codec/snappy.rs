//! Snappy: one raw block (librdkafka and others), or the framing of xerial's snappy-java.

use snap::raw::{Decoder, Encoder, decompress_len, max_compress_len};

use super::{BatchError, Codec, Section};

/// What snappy-java's framing starts with; then two 32-bit versions follow.
const XERIAL_MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const XERIAL_VERSION: [u8; 8] = [0, 0, 0, 1, 0, 0, 0, 1];
/// snappy-java's and Kafka's own block size.
const BLOCK_BYTES: usize = 32 << 10;
/// No element makes more than 64 bytes out of three, so a claim above this is a lie.
const EXPANSION_MAX: usize = 32;

#[derive(Default)]
pub(super) struct Snappy {
    encoder: Option<Encoder>,
}

impl Snappy {
    /// A stream with the magic is framed, any other is raw, as in snappy-java's
    /// `SnappyInputStream` and in librdkafka. No raw block of records starts with the magic: it
    /// would be a length of 10,626 bytes and then an element that copies from before the start.
    pub(super) fn inflate(&mut self, source: &[u8], into: &mut Section) -> Result<(), BatchError> {
        let Some((_, rest)) = source.split_first_chunk::<8>().filter(|(m, _)| **m == XERIAL_MAGIC)
        else {
            return block(source, into);
        };
        let (versions, mut rest) = rest.split_first_chunk::<8>().ok_or(refused("cut short"))?;
        let [a, b, c, d, ..] = *versions;
        if i32::from_be_bytes([a, b, c, d]) < 1 {
            return Err(refused("unknown framing version"));
        }
        while !rest.is_empty() {
            let (length, behind) = rest.split_first_chunk().ok_or(refused("cut short"))?;
            let length = usize::try_from(i32::from_be_bytes(*length))
                .map_err(|_| refused("negative block length"))?;
            let (compressed, behind) =
                behind.split_at_checked(length).ok_or(refused("cut short"))?;
            block(compressed, into)?;
            rest = behind;
        }
        Ok(())
    }

    pub(super) fn deflate(&mut self, source: &[u8], out: &mut Vec<u8>) -> Result<(), BatchError> {
        let encoder = self.encoder.get_or_insert_with(Encoder::new);
        out.extend_from_slice(&XERIAL_MAGIC);
        out.extend_from_slice(&XERIAL_VERSION);
        for chunk in source.chunks(BLOCK_BYTES) {
            let length_at = out.len();
            let start = length_at.saturating_add(4);
            out.resize(start.saturating_add(max_compress_len(chunk.len())), 0);
            let (front, room) = out.split_at_mut_checked(start).unwrap_or_default();
            let written =
                encoder.compress(chunk, room).map_err(|_| refused("compressor failed"))?;
            let length = i32::try_from(written).map_err(|_| refused("compressor failed"))?;
            if let Some(field) = front.last_chunk_mut() {
                *field = length.to_be_bytes();
            }
            out.truncate(start.saturating_add(written));
        }
        Ok(())
    }
}

/// Uncompresses one raw block. Its decoder takes the whole block or fails.
fn block(source: &[u8], into: &mut Section) -> Result<(), BatchError> {
    let length = decompress_len(source).map_err(|_| refused("damaged"))?;
    into.require(length)?;
    if length > source.len().saturating_mul(EXPANSION_MAX) {
        return Err(refused("impossible length"));
    }
    let room = into.room_for(length);
    let written = Decoder::new().decompress(source, room).map_err(|_| refused("damaged"))?;
    into.advance(written)
}

fn refused(problem: &'static str) -> BatchError {
    Codec::Snappy.refused(problem)
}
