//! gzip (RFC 1952) over raw deflate. The framing is ours, so that one context serves all batches.

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};

use super::{BatchError, Codec, FRAMES_MAX, Section};

/// Magic, deflate, no flags, no time, no hints, unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
const FLAG_HEADER_CHECKSUM: u8 = 0x02;
const FLAG_EXTRA: u8 = 0x04;
const FLAG_NAME: u8 = 0x08;
const FLAG_COMMENT: u8 = 0x10;
const FLAGS_RESERVED: u8 = 0xe0;
/// Kafka's default for gzip (`GzipCompression`).
const LEVEL: u32 = 6;

#[derive(Default)]
pub(super) struct Gzip {
    decoder: Option<Decompress>,
    encoder: Option<Compress>,
    crc: Crc,
}

impl Gzip {
    pub(super) fn inflate(&mut self, source: &[u8], into: &mut Section) -> Result<(), BatchError> {
        let mut rest = source;
        for _ in 0..FRAMES_MAX {
            rest = self.member(rest, into)?;
            if rest.is_empty() {
                return Ok(());
            }
        }
        Err(refused("too many members"))
    }

    /// Reads one member and gives back what follows it.
    fn member<'a>(&mut self, source: &'a [u8], into: &mut Section) -> Result<&'a [u8], BatchError> {
        let mut rest = skip_header(source)?;
        let decoder = self.decoder.get_or_insert_with(|| Decompress::new(false));
        decoder.reset(false);
        self.crc.reset();
        loop {
            let (read, wrote) = (decoder.total_in(), decoder.total_out());
            let room = into.room();
            let status = decoder
                .decompress(rest, room, FlushDecompress::None)
                .map_err(|_| refused("damaged"))?;
            let read = whole(decoder.total_in().saturating_sub(read));
            let wrote = whole(decoder.total_out().saturating_sub(wrote));
            self.crc.update(room.get(..wrote).unwrap_or_default());
            rest = rest.get(read..).unwrap_or_default();
            into.advance(wrote)?;
            match status {
                Status::StreamEnd => break,
                Status::Ok | Status::BufError if read == 0 && wrote == 0 => {
                    return Err(refused("cut short"));
                }
                Status::Ok | Status::BufError => {}
            }
        }
        let (crc, rest) = rest.split_first_chunk().ok_or(refused("cut short"))?;
        let (size, rest) = rest.split_first_chunk().ok_or(refused("cut short"))?;
        // The trailer holds the size modulo 2^32, and so does `amount`.
        if u32::from_le_bytes(*crc) != self.crc.sum()
            || u32::from_le_bytes(*size) != self.crc.amount()
        {
            return Err(refused("checksum mismatch"));
        }
        Ok(rest)
    }

    pub(super) fn deflate(&mut self, source: &[u8], out: &mut Vec<u8>) -> Result<(), BatchError> {
        let encoder =
            self.encoder.get_or_insert_with(|| Compress::new(Compression::new(LEVEL), false));
        encoder.reset();
        out.extend_from_slice(&HEADER);
        let start = out.len();
        // A stored block adds five bytes to 16 KiB or more; this leaves several times as much
        // room, and a second round as much again.
        let room_bytes = (source.len() / 1024).saturating_add(source.len()).saturating_add(64);
        for _ in 0..2 {
            let written = whole(encoder.total_out());
            let read = whole(encoder.total_in());
            out.resize(start.saturating_add(written).saturating_add(room_bytes), 0);
            let room = out.get_mut(start.saturating_add(written)..).unwrap_or_default();
            let rest = source.get(read..).unwrap_or_default();
            match encoder.compress(rest, room, FlushCompress::Finish) {
                Ok(Status::StreamEnd) => {
                    out.truncate(start.saturating_add(whole(encoder.total_out())));
                    self.crc.reset();
                    self.crc.update(source);
                    out.extend_from_slice(&self.crc.sum().to_le_bytes());
                    out.extend_from_slice(&self.crc.amount().to_le_bytes());
                    return Ok(());
                }
                Ok(Status::Ok | Status::BufError) => {}
                Err(_) => break,
            }
        }
        Err(refused("compressor failed"))
    }
}

/// Reads a member's header and gives back the deflate stream.
fn skip_header(source: &[u8]) -> Result<&[u8], BatchError> {
    let cut = || refused("cut short");
    let (fixed, mut rest) = source.split_first_chunk::<10>().ok_or_else(cut)?;
    let [0x1f, 0x8b, method, flags, ..] = *fixed else {
        return Err(refused("not a gzip member"));
    };
    if method != 8 || flags & FLAGS_RESERVED != 0 {
        return Err(refused("unknown method or flags"));
    }
    if flags & FLAG_EXTRA != 0 {
        let (length, behind) = rest.split_first_chunk().ok_or_else(cut)?;
        rest = behind.get(usize::from(u16::from_le_bytes(*length))..).ok_or_else(cut)?;
    }
    for flag in [FLAG_NAME, FLAG_COMMENT] {
        if flags & flag != 0 {
            let end = rest.iter().position(|byte| *byte == 0).ok_or_else(cut)?;
            rest = rest.get(end.saturating_add(1)..).ok_or_else(cut)?;
        }
    }
    if flags & FLAG_HEADER_CHECKSUM != 0 {
        let header_bytes = source.len().saturating_sub(rest.len());
        let (stored, behind) = rest.split_first_chunk().ok_or_else(cut)?;
        let mut crc = Crc::new();
        crc.update(source.get(..header_bytes).unwrap_or_default());
        if crc.sum() & 0xffff != u32::from(u16::from_le_bytes(*stored)) {
            return Err(refused("checksum mismatch"));
        }
        rest = behind;
    }
    Ok(rest)
}

fn whole(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

fn refused(problem: &'static str) -> BatchError {
    Codec::Gzip.refused(problem)
}
