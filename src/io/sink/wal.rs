//! Frames of the write-ahead log: u32 length, u32 CRC-32C, both little endian, then the payload.

use std::io::{self, Read, Seek, SeekFrom};

use serde::{Deserialize, Serialize};

/// The first bytes of a segment; the last one is the version of the format of its rows.
pub const MAGIC: [u8; 8] = *b"LGAUDIT\x02";

/// Length and checksum.
pub const FRAME_HEAD_BYTES: usize = 8;

/// The largest payload.
pub const PAYLOAD_BYTES_MAX: usize = 256 * 1024;

/// The payload of a segment's first frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentHead<'a> {
    /// The node that wrote the segment.
    pub node_id: &'a str,
    /// The `seq` of its first row.
    pub first_seq: u64,
}

/// A payload that does not fit into a frame.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// Its size in bytes.
    pub bytes: usize,
}

/// Appends one frame to `buffer`; on an error the buffer is as it was.
pub fn encode(payload: &impl Serialize, buffer: &mut Vec<u8>) -> Result<(), TooLarge> {
    let start = buffer.len();
    buffer.extend_from_slice(&[0; FRAME_HEAD_BYTES]);
    let outcome = postcard::serialize_with_flavor(payload, Into(buffer));
    let bytes = buffer.len().saturating_sub(start + FRAME_HEAD_BYTES);
    if outcome.is_err() || bytes > PAYLOAD_BYTES_MAX {
        buffer.truncate(start);
        return Err(TooLarge { bytes });
    }
    let (head, body) = buffer.split_at_mut(start + FRAME_HEAD_BYTES);
    let length = u32::try_from(bytes).unwrap_or(u32::MAX);
    if let Some(place) = head.last_chunk_mut::<FRAME_HEAD_BYTES>() {
        *place = frame_head(length, crc32c::crc32c(body));
    }
    Ok(())
}

fn frame_head(length: u32, checksum: u32) -> [u8; FRAME_HEAD_BYTES] {
    (u64::from(checksum) << 32 | u64::from(length)).to_le_bytes()
}

/// Postcard's bytes, put behind what a buffer already holds.
struct Into<'b>(&'b mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Into<'_> {
    type Output = ();

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Reads frames one after the other, in bounded memory.
pub struct Frames<R> {
    source: R,
    /// Where the next frame starts.
    offset: u64,
    payload: Vec<u8>,
}

/// What stands at the reader's place.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'f> {
    /// A whole frame with the right checksum, at this offset.
    Frame { payload: &'f [u8], offset: u64 },
    /// The end, right after a whole frame.
    End,
    /// Anything else, at this offset: cut, or not a frame.
    Fault { offset: u64 },
}

impl<R: Read> Frames<R> {
    /// `source` stands at `offset`.
    pub fn new(source: R, offset: u64) -> Self {
        Frames { source, offset, payload: Vec::new() }
    }

    /// Where the next frame starts.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The payload of the last frame.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Goes back to the frame that starts at `offset`.
    pub fn rewind(&mut self, offset: u64) -> io::Result<()>
    where
        R: Seek,
    {
        self.source.seek(SeekFrom::Start(offset))?;
        self.offset = offset;
        Ok(())
    }

    /// The next step. After a fault the reader must not be used.
    pub fn step(&mut self) -> io::Result<Step<'_>> {
        let offset = self.offset;
        let mut head = [0; FRAME_HEAD_BYTES];
        match read_up_to(&mut self.source, &mut head)? {
            0 => return Ok(Step::End),
            FRAME_HEAD_BYTES => {}
            _ => return Ok(Step::Fault { offset }),
        }
        let Some((length, checksum)) = parse_head(head) else {
            return Ok(Step::Fault { offset });
        };
        self.payload.resize(length, 0);
        let read = read_up_to(&mut self.source, &mut self.payload)?;
        if read < length || crc32c::crc32c(&self.payload) != checksum {
            return Ok(Step::Fault { offset });
        }
        self.offset = offset.saturating_add((FRAME_HEAD_BYTES + length) as u64);
        Ok(Step::Frame { payload: &self.payload, offset })
    }
}

/// Length and checksum, if the length is possible.
pub fn parse_head(head: [u8; FRAME_HEAD_BYTES]) -> Option<(usize, u32)> {
    let both = u64::from_le_bytes(head);
    let length = usize::try_from(both & 0xFFFF_FFFF).ok()?;
    let checksum = u32::try_from(both >> 32).ok()?;
    (length > 0 && length <= PAYLOAD_BYTES_MAX).then_some((length, checksum))
}

/// Reads until `buffer` is full or the source ends; gives how many bytes.
fn read_up_to(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match source.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says so by failing")]
    use super::*;

    #[test]
    fn a_frame_comes_back_and_any_changed_byte_is_a_fault() {
        let mut bytes = Vec::new();
        encode(&"one", &mut bytes).unwrap();
        let first = bytes.len();
        encode(&"two!", &mut bytes).unwrap();
        for place in first..bytes.len() {
            let mut broken = bytes.clone();
            if let Some(byte) = broken.get_mut(place) {
                *byte ^= 0x10;
            }
            let mut frames = Frames::new(broken.as_slice(), 0);
            let one = Step::Frame { payload: b"\x03one", offset: 0 };
            assert_eq!(frames.step().unwrap(), one);
            let fault = Step::Fault { offset: first as u64 };
            assert_eq!(frames.step().unwrap(), fault, "byte {place}");
        }
    }

    #[test]
    fn a_row_above_the_limit_leaves_the_buffer_as_it_was() {
        let mut bytes = b"before".to_vec();
        let large = vec![0_u8; PAYLOAD_BYTES_MAX + 1];
        assert!(encode(&large, &mut bytes).is_err());
        assert_eq!(bytes, b"before");
    }
}
