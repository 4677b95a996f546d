//! Each codec: what its compressor writes, what its decompressor takes, refuses and caps.

use super::super::codec::{Codec, Codecs, InflateLimits};
use super::super::fault::BatchError;
use super::building::{LIMITS, batch, five_records, only_batch, raw_batch, record};

const COMPRESSED: [Codec; 4] = [Codec::Gzip, Codec::Snappy, Codec::Lz4, Codec::Zstd];

fn deflated(codec: Codec, plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Codecs::new().engines.deflate(codec, plain, &mut out).unwrap();
    out
}

fn inflated(codec: Codec, payload: &[u8], bytes_max: usize) -> Result<Vec<u8>, BatchError> {
    let id = Codec::ALL.iter().position(|known| *known == codec).unwrap() as i16;
    let bytes = raw_batch(id, 1, payload);
    let mut codecs = Codecs::new();
    let plain = codecs.inflate(&only_batch(&bytes), InflateLimits { bytes_max })?;
    Ok(plain.bytes().to_vec())
}

fn refused(codec: Codec, payload: &[u8]) -> &'static str {
    match inflated(codec, payload, 1 << 20) {
        Err(BatchError::Compression { codec: named, problem }) if named == codec => problem,
        other => panic!("{codec}: {:?}", other.map(|bytes| bytes.len())),
    }
}

/// Bytes that do not compress, the same each time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn every_size_comes_back() {
    let text = b"{\"email\":\"someone@example.org\",\"n\":12345} ".repeat(8000);
    let noise = noise(300_000);
    for codec in COMPRESSED {
        for length in [1, 12, 13, 4095, 32_767, 32_769, 65_535, 65_536, 65_537, 131_073, 300_000] {
            for source in [&text[..length], &noise[..length]] {
                let payload = deflated(codec, source);
                assert_eq!(inflated(codec, &payload, length).unwrap(), source, "{codec} {length}");
            }
        }
        assert!(deflated(codec, &text).len() < text.len() / 5);
        assert!(deflated(codec, &noise).len() < noise.len() + 1000);
    }
}

#[test]
fn the_cap_is_exact() {
    let zeros = vec![0; 500_000];
    for codec in COMPRESSED {
        let payload = deflated(codec, &zeros);
        for bytes_max in [0, 1, 16_384, 65_535, 131_072, 499_999] {
            let result = inflated(codec, &payload, bytes_max);
            assert_eq!(result, Err(BatchError::TooLarge { bytes_max }), "{codec} {bytes_max}");
        }
        assert_eq!(inflated(codec, &payload, 500_000).unwrap(), zeros, "{codec}");
        assert_eq!(inflated(codec, &payload, usize::MAX).unwrap(), zeros, "{codec}");
    }
    assert!(inflated(Codec::None, &zeros, 499_999).is_err());
}

#[test]
fn what_follows_or_lacks_is_refused() {
    let plain = five_records();
    for codec in COMPRESSED {
        let payload = deflated(codec, &plain);
        for garbage in [&b"\0"[..], b"\0\0\0\0", b"garbage behind the stream"] {
            let long = [&payload[..], garbage].concat();
            assert!(inflated(codec, &long, 1 << 20).is_err(), "{codec} {garbage:?}");
        }
        // Framed Snappy has no end mark: a cut between blocks is seen by the record count.
        let shortest = if codec == Codec::Snappy { 17 } else { 0 };
        for cut in shortest..payload.len() {
            assert!(inflated(codec, &payload[..cut], 1 << 20).is_err(), "{codec} {cut}");
        }
    }
}

#[test]
fn all_members_and_frames_are_read() {
    let (front, back) = (vec![b'a'; 70_000], vec![b'b'; 70_000]);
    for codec in [Codec::Gzip, Codec::Lz4, Codec::Zstd] {
        let payload = [deflated(codec, &front), deflated(codec, &back)].concat();
        let both = [&front[..], &back].concat();
        assert_eq!(inflated(codec, &payload, 140_000).unwrap(), both, "{codec}");
        assert!(inflated(codec, &payload, 139_999).is_err());
        let empty = deflated(codec, b"");
        assert_eq!(inflated(codec, &empty.repeat(1024), 0), Ok(vec![]));
        assert!(refused(codec, &empty.repeat(1025)).starts_with("too many"));
    }
}

#[test]
fn compressors_give_the_same_bytes_whatever_came_before() {
    let mut used = Codecs::new();
    for codec in COMPRESSED {
        for source in [noise(200_000), five_records(), vec![1; 65_536], b"short".to_vec()] {
            let mut out = Vec::new();
            used.engines.deflate(codec, &source, &mut out).unwrap();
            assert_eq!(out, deflated(codec, &source), "{codec}");
        }
    }
}

#[test]
fn a_failed_batch_leaves_no_trace_in_the_next() {
    let mut codecs = Codecs::new();
    for codec in COMPRESSED {
        let good = batch(codec, 0, 5, &five_records());
        let id = good[22];
        for cut in [good.len() - 62, good.len() - 70, 20] {
            let bad = raw_batch(i16::from(id), 5, &good[61..61 + cut]);
            let _ = codecs.inflate(&only_batch(&bad), LIMITS);
            let plain = codecs.inflate(&only_batch(&good), LIMITS).unwrap();
            assert_eq!(plain.bytes(), five_records());
        }
    }
}

#[test]
fn gzip_headers_with_every_field_are_read() {
    let plain = deflated(Codec::Gzip, b"hello");
    let mut header = vec![0x1f, 0x8b, 8, 0x1f, 1, 2, 3, 4, 0, 3];
    header.extend_from_slice(&[3, 0, b'x', b'y', b'z']);
    header.extend_from_slice(b"name\0comment\0");
    let mut crc = flate2::Crc::new();
    crc.update(&header);
    header.extend_from_slice(&(crc.sum() as u16).to_le_bytes());
    let full = [&header[..], &plain[10..]].concat();
    assert_eq!(inflated(Codec::Gzip, &full, 5).unwrap(), b"hello");
    let mut wrong = full.clone();
    *wrong.get_mut(header.len() - 1).unwrap() ^= 1;
    assert_eq!(refused(Codec::Gzip, &wrong), "checksum mismatch");
    let mut reserved = plain.clone();
    reserved[3] = 0x20;
    assert_eq!(refused(Codec::Gzip, &reserved), "unknown method or flags");
    let mut size = plain;
    *size.last_mut().unwrap() ^= 1;
    assert_eq!(refused(Codec::Gzip, &size), "checksum mismatch");
    assert_eq!(refused(Codec::Gzip, b"0123456789abcdef"), "not a gzip member");
}

#[test]
fn gzip_of_another_writer_is_read() {
    // `printf hello | gzip -n9`
    let payload = [
        0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10,
        0x36, 5, 0, 0, 0,
    ];
    assert_eq!(inflated(Codec::Gzip, &payload, 5).unwrap(), b"hello");
}

#[test]
fn snappy_is_read_raw_and_framed() {
    let raw = snap::raw::Encoder::new().compress_vec(&five_records()).unwrap();
    assert_eq!(inflated(Codec::Snappy, &raw, 4096).unwrap(), five_records());
    assert!(deflated(Codec::Snappy, b"x").starts_with(b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01"));
    let framed = deflated(Codec::Snappy, &noise(40_000));
    let first = u32::from_be_bytes(framed[16..20].try_into().unwrap()) as usize;
    assert!((32_768..32_800).contains(&first), "blocks are 32 KiB");

    assert_eq!(
        refused(Codec::Snappy, b"\x82SNAPPY\0\0\0\0\0\0\0\0\x01"),
        "unknown framing version"
    );
    let negative = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01\xff\xff\xff\xff";
    assert_eq!(refused(Codec::Snappy, negative), "negative block length");
    let huge = b"\xff\xff\xff\xff\x0f\0";
    assert!(matches!(inflated(Codec::Snappy, huge, 1 << 20), Err(BatchError::TooLarge { .. })));
    assert_eq!(refused(Codec::Snappy, b"\x80\x80\x20\0"), "impossible length");
    assert_eq!(refused(Codec::Snappy, b""), "damaged");
}

#[test]
fn lz4_frames_of_another_writer_are_read() {
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    use std::io::Write;
    let plain: Vec<u8> = b"{\"n\":1234567,\"name\":\"some name\"}".repeat(20_000);
    for mode in [BlockMode::Independent, BlockMode::Linked] {
        for size in [BlockSize::Max64KB, BlockSize::Max256KB, BlockSize::Max4MB] {
            for checks in [false, true] {
                let info = FrameInfo::new()
                    .block_mode(mode)
                    .block_size(size)
                    .block_checksums(checks)
                    .content_checksum(checks)
                    .content_size(checks.then_some(plain.len() as u64));
                let mut writer = FrameEncoder::with_frame_info(info, Vec::new());
                writer.write_all(&plain).unwrap();
                let frame = writer.finish().unwrap();
                let twice = [&frame[..], &frame].concat();
                let both = inflated(Codec::Lz4, &twice, plain.len() * 2).unwrap();
                assert_eq!(both, [&plain[..], &plain].concat());
                let capped = inflated(Codec::Lz4, &frame, plain.len() - 1);
                assert!(matches!(capped, Err(BatchError::TooLarge { .. })), "{capped:?}");
                if checks {
                    let mut wrong = frame.clone();
                    *wrong.last_mut().unwrap() ^= 1;
                    assert_eq!(refused(Codec::Lz4, &wrong), "checksum mismatch");
                }
            }
        }
    }
}

#[test]
fn our_lz4_frames_are_read_by_another_reader() {
    use std::io::Read;
    let plain = [noise(100_000), five_records(), vec![7; 200_000]].concat();
    let frame = deflated(Codec::Lz4, &plain);
    let mut read = Vec::new();
    lz4_flex::frame::FrameDecoder::new(&frame[..]).read_to_end(&mut read).unwrap();
    assert_eq!(read, plain);
}

#[test]
fn lz4_oddities_are_refused() {
    let good = deflated(Codec::Lz4, &five_records());
    assert_eq!(refused(Codec::Lz4, &[0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]), "not an LZ4 frame");
    assert_eq!(refused(Codec::Lz4, &[0x02, 0x21, 0x4c, 0x18, 0]), "not an LZ4 frame");
    let with = |at: usize, byte: u8| {
        let mut frame = good.clone();
        frame[at] = byte;
        refused(Codec::Lz4, &frame)
    };
    assert_eq!(with(4, 0x61), "dictionaries are not allowed");
    assert_eq!(with(4, 0x62), "unknown version or flags");
    assert_eq!(with(4, 0xa0), "unknown version or flags");
    assert_eq!(with(5, 0x30), "unknown block size");
    assert_eq!(with(5, 0x41), "unknown version or flags");
    assert_eq!(with(6, 0x83), "header checksum mismatch");
    // Kafka reads an empty stored block as the end of the frame, others go on.
    let empty_block = [&good[..7], &[0, 0, 0, 0x80], &good[7..]].concat();
    assert_eq!(refused(Codec::Lz4, &empty_block), "block size out of range");
}

#[test]
fn zstd_streams_without_a_size_are_read() {
    use ::zstd::zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer};
    let plain = noise(50_000).repeat(8);
    let mut encoder = CCtx::create();
    encoder.set_parameter(CParameter::ContentSizeFlag(false)).unwrap();
    encoder.set_parameter(CParameter::ChecksumFlag(true)).unwrap();
    let mut payload = vec![0; 500_000];
    let mut output = OutBuffer::around(&mut payload[..]);
    let mut input = InBuffer::around(&plain);
    encoder.compress_stream(&mut output, &mut input).unwrap();
    assert_eq!(encoder.end_stream(&mut output).unwrap(), 0);
    let length = output.pos();
    payload.truncate(length);
    assert_eq!(inflated(Codec::Zstd, &payload, plain.len()).unwrap(), plain);
    let capped = inflated(Codec::Zstd, &payload, plain.len() - 1);
    assert!(matches!(capped, Err(BatchError::TooLarge { .. })));
    *payload.last_mut().unwrap() ^= 1;
    assert!(refused(Codec::Zstd, &payload).starts_with("damaged"));
}

#[test]
fn zstd_windows_dictionaries_and_skippable_frames_are_refused() {
    let good = deflated(Codec::Zstd, &five_records());
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2];
    for order in [[&skippable[..], &good], [&good, &skippable]] {
        assert_eq!(refused(Codec::Zstd, &order.concat()), "not a zstd frame");
    }
    // Frame header: dictionary id of one byte, window descriptor; then a last raw block.
    let dictionary = [0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x58, 7, 0x09, 0, 0, b'x'];
    assert_eq!(refused(Codec::Zstd, &dictionary), "dictionaries are not allowed");
    let window = |log: u8| [0x28, 0xb5, 0x2f, 0xfd, 0, (log - 10) << 3, 0x09, 0, 0, b'x'];
    assert_eq!(inflated(Codec::Zstd, &window(23), 1).unwrap(), b"x");
    assert!(refused(Codec::Zstd, &window(24)).contains("window"));
    // A claim of 2^60 bytes costs nothing.
    let claim = [0x28, 0xb5, 0x2f, 0xfd, 0xc0, 0x58, 0, 0, 0, 0, 0, 0, 0, 0x10];
    assert!(matches!(inflated(Codec::Zstd, &claim, 1 << 20), Err(BatchError::TooLarge { .. })));
}

#[test]
fn buffers_are_given_back() {
    let mut codecs = Codecs::new();
    let section = record(0, None, Some(&vec![0; 5 << 20]), &[]);
    let bytes = batch(Codec::Zstd, 0, 1, &section);
    let limits = InflateLimits { bytes_max: 6 << 20 };
    assert_eq!(codecs.inflate(&only_batch(&bytes), limits).unwrap().records().count(), 1);
    codecs.trim();
    assert_eq!(codecs.inflate(&only_batch(&bytes), limits).unwrap().records().count(), 1);
}

#[test]
fn contexts_may_move_to_another_thread() {
    fn moves<T: Send>(_: &T) {}
    moves(&Codecs::new());
}
