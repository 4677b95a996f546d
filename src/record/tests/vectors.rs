//! Batches as kafka-clients 4.3.1 (`MemoryRecordsBuilder`) wrote them, one for each codec: one
//! record at 1700000000000 ms with a null key, a JSON value and no headers; LogAppendTime
//! 1700000000777, producer 42, epoch 3, sequence 7.

use super::super::{Codec, Codecs, Edit, Rewritten, TimestampType, produced};
use super::building::LIMITS;

const VALUE: &[u8] = br#"{"email":"user0@example.org","n":0}"#;

const WRITTEN: [(Codec, &str); 5] = [
    (
        Codec::None,
        "00000000000000000000005bffffffff0270d251850018000000000000018bcfe568000000018bcf\
         e56b09000000000000002a000300000007000000015200000001467b22656d61696c223a22757365\
         7230406578616d706c652e6f7267222c226e223a307d00",
    ),
    (
        Codec::Gzip,
        "00000000000000000000006fffffffff02cb0fae620019000000000000018bcfe568000000018bcf\
         e56b09000000000000002a000300000007000000011f8b08000000000000ff0b6260606074ab564a\
         cd4dcccc51b2522a2d4e2d327048ad48cc2dc849d5cb2f4a57d251ca53b232a8650000933f4a4e2a\
         000000",
    ),
    (
        Codec::Snappy,
        "000000000000000000000071ffffffff028c76bce2001a000000000000018bcfe568000000018bcf\
         e56b09000000000000002a0003000000070000000182534e41505059000000000100000001000000\
         2c2aa45200000001467b22656d61696c223a227573657230406578616d706c652e6f7267222c226e\
         223a307d00",
    ),
    (
        Codec::Lz4,
        "00000000000000000000006affffffff02ec311c36001b000000000000018bcfe568000000018bcf\
         e56b09000000000000002a0003000000070000000104224d186040822a0000805200000001467b22\
         656d61696c223a227573657230406578616d706c652e6f7267222c226e223a307d0000000000",
    ),
    (
        Codec::Zstd,
        "000000000000000000000067ffffffff02ea7339f3001c000000000000018bcfe568000000018bcf\
         e56b09000000000000002a0003000000070000000128b52ffd00585001005200000001467b22656d\
         61696c223a227573657230406578616d706c652e6f7267222c226e223a307d00010000",
    ),
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn batches_of_the_java_client_are_read_and_rewritten() {
    let mut codecs = Codecs::new();
    for (codec, hex) in WRITTEN {
        let bytes = bytes(hex);
        let batch = produced(&bytes).unwrap();
        assert_eq!(batch.codec(), Ok(codec));
        let header = batch.header();
        assert_eq!(header.timestamp_type(), TimestampType::LogAppendTime);
        assert_eq!(header.timestamp_ms(0), 1_700_000_000_777);
        assert_eq!((header.producer_id, header.producer_epoch, header.base_sequence), (42, 3, 7));
        let plain = codecs.inflate(&batch, LIMITS).unwrap();
        let records: Vec<_> = plain.records().map(Result::unwrap).collect();
        assert_eq!(records.len(), 1);
        assert_eq!((records[0].key, records[0].value), (None, Some(VALUE)));

        let mut out = Vec::new();
        let result = codecs.rewrite(&batch, LIMITS, &mut out, |record, replacement| {
            replacement.set_value(record.value);
            Edit::Replace
        });
        assert_eq!(result, Ok(Rewritten::Changed { records: 1, dropped: 0 }));
        let copy = produced(&out).unwrap();
        let plain = codecs.inflate(&copy, LIMITS).unwrap().bytes().to_vec();
        assert_eq!(plain, codecs.inflate(&batch, LIMITS).unwrap().bytes());
        if codec == Codec::None {
            assert_eq!(out, bytes, "without a codec an edit that changes nothing shows nowhere");
        }
    }
}
