//! zstd frames (RFC 8878), read as a stream: frames from Java do not say how large they are.

use ::zstd::zstd_safe::{
    CCtx, CParameter, DCtx, DParameter, InBuffer, OutBuffer, ResetDirective, compress_bound,
    get_dict_id_from_frame, get_frame_content_size,
};

use super::{BatchError, Codec, FRAMES_MAX, Section};

const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Kafka's default (`ZstdCompression`).
const LEVEL: i32 = 3;
/// Windows up to 8 MiB: what every level up to 19 uses, and what RFC 8878 asks readers to bear.
const WINDOW_LOG_MAX: u32 = 23;
/// A frame's own claim of its size is believed up to this many times its length: room for it
/// saves a copy, but a claim costs its sender nothing.
const CLAIM_FACTOR: usize = 64;

#[derive(Default)]
pub(super) struct Zstd {
    decoder: Option<DCtx<'static>>,
    encoder: Option<CCtx<'static>>,
}

impl Zstd {
    pub(super) fn inflate(&mut self, source: &[u8], into: &mut Section) -> Result<(), BatchError> {
        let decoder = match &mut self.decoder {
            Some(decoder) => decoder,
            none => none.insert(new_decoder()?),
        };
        let mut rest = source;
        for _ in 0..FRAMES_MAX {
            rest = frame(decoder, rest, into)?;
            if rest.is_empty() {
                return Ok(());
            }
        }
        Err(refused("too many frames"))
    }

    pub(super) fn deflate(&mut self, source: &[u8], out: &mut Vec<u8>) -> Result<(), BatchError> {
        let encoder = match &mut self.encoder {
            Some(encoder) => encoder,
            none => none.insert(new_encoder()?),
        };
        let start = out.len();
        out.resize(start.saturating_add(compress_bound(source.len())), 0);
        let room = out.get_mut(start..).unwrap_or_default();
        let written = encoder.compress2(room, source).map_err(|_| refused("compressor failed"))?;
        out.truncate(start.saturating_add(written));
        Ok(())
    }
}

fn new_decoder() -> Result<DCtx<'static>, BatchError> {
    let mut decoder = DCtx::try_create().ok_or(refused("no memory for the decoder"))?;
    decoder
        .set_parameter(DParameter::WindowLogMax(WINDOW_LOG_MAX))
        .map_err(|_| refused("decoder setup failed"))?;
    Ok(decoder)
}

fn new_encoder() -> Result<CCtx<'static>, BatchError> {
    let mut encoder = CCtx::try_create().ok_or(refused("no memory for the compressor"))?;
    encoder
        .set_parameter(CParameter::CompressionLevel(LEVEL))
        .map_err(|_| refused("compressor setup failed"))?;
    Ok(encoder)
}

/// Reads one frame and gives back what follows it.
fn frame<'a>(
    decoder: &mut DCtx<'static>,
    source: &'a [u8],
    into: &mut Section,
) -> Result<&'a [u8], BatchError> {
    if source.first_chunk() != Some(&MAGIC) {
        // Skippable frames have other magic numbers: the library would pass over them in silence.
        return Err(refused("not a zstd frame"));
    }
    if get_dict_id_from_frame(source).is_some() {
        return Err(refused("dictionaries are not allowed"));
    }
    decoder.reset(ResetDirective::SessionOnly).map_err(|_| refused("decoder setup failed"))?;
    if let Ok(Some(claim)) = get_frame_content_size(source) {
        let claim = usize::try_from(claim).unwrap_or(usize::MAX);
        into.require(claim)?;
        into.room_for(claim.min(source.len().saturating_mul(CLAIM_FACTOR)));
    }
    let mut input = InBuffer::around(source);
    loop {
        let read = input.pos();
        let room = into.room();
        let room_bytes = room.len();
        let mut output = OutBuffer::around(room);
        let left = decoder
            .decompress_stream(&mut output, &mut input)
            .map_err(|_| refused("damaged, or its window is above 8 MiB"))?;
        let wrote = output.pos();
        into.advance(wrote)?;
        if left == 0 {
            return Ok(source.get(input.pos()..).unwrap_or_default());
        }
        let stuck = wrote == 0 && input.pos() == read;
        if stuck || (wrote < room_bytes && input.pos() >= source.len()) {
            return Err(refused("cut short"));
        }
    }
}

fn refused(problem: &'static str) -> BatchError {
    Codec::Zstd.refused(problem)
}
