//! Random and mutated input: no panic, no broken promise.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::fuzzing::{fuzz_one, mend, walk};
use super::super::{Codec, Codecs, Edit, Rewritten};
use super::building::{LIMITS, Pair, batch, five_records, only_batch, record};

/// xorshift64*: the same sequence on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % bound.max(1)
    }
}

#[test]
fn mutated_batches_break_nothing() {
    let mut random = Random(0x5eed);
    let mut codecs = Codecs::new();
    for codec in Codec::ALL {
        let good =
            [batch(codec, 0, 5, &five_records()), batch(codec, 0, 20, &five_records().repeat(4))];
        for round in 0..1500 {
            let mut bytes = good[round % 2].clone();
            for _ in 0..=random.below(4) {
                // Mostly behind the header: its own fields are few.
                let from = if random.below(4) == 0 { 0 } else { 61 };
                let at = from + random.below(bytes.len().saturating_sub(from));
                match random.below(6) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes.insert(at.min(bytes.len()), random.below(256) as u8),
                    2 => {
                        let chunk = bytes.get(at..).unwrap_or_default().to_vec();
                        bytes.extend_from_slice(&chunk);
                    }
                    3 if at < bytes.len() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][at % 5],
                    _ if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
                    _ => {}
                }
            }
            mend(&mut bytes);
            walk(&mut codecs, &bytes);
        }
    }
}

#[test]
fn every_cut_and_every_flipped_byte_of_a_batch() {
    let mut codecs = Codecs::new();
    for codec in Codec::ALL {
        let good = batch(codec, 0, 5, &five_records());
        for at in 0..good.len() {
            walk(&mut codecs, &good[..at]);
            let mut bytes = good.clone();
            bytes[at] ^= 0x81;
            walk(&mut codecs, &bytes);
            mend(&mut bytes);
            walk(&mut codecs, &bytes);
        }
    }
}

type Fields = (Option<Vec<u8>>, Option<Vec<u8>>, Vec<(Vec<u8>, Option<Vec<u8>>)>);

fn fields() -> impl Strategy<Value = Fields> {
    let bytes = || vec(any::<u8>(), 0..40);
    (option::of(bytes()), option::of(bytes()), vec((bytes(), option::of(bytes())), 0..4))
}

fn encoded(delta: usize, (key, value, headers): &Fields) -> Vec<u8> {
    let headers: Vec<Pair<'_>> =
        headers.iter().map(|(key, value)| (key.as_slice(), value.as_deref())).collect();
    record(delta as i64, key.as_deref(), value.as_deref(), &headers)
}

/// What is done to a record: nothing, dropped, or a new key, value and header 0.
type Change = (u8, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>);

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_bytes(data in vec(any::<u8>(), 0..300)) {
        fuzz_one(&data);
    }

    #[test]
    fn any_edit_gives_what_encoding_the_edited_records_gives(
        records in vec(fields(), 1..8),
        changes in vec(any::<Change>(), 8),
        codec in 0usize..5,
    ) {
        let codec = Codec::ALL[codec];
        let section: Vec<u8> =
            records.iter().enumerate().flat_map(|(delta, record)| encoded(delta, record)).collect();
        let bytes = batch(codec, 0, records.len() as i32, &section);
        let mut codecs = Codecs::new();
        let mut out = Vec::new();
        let mut index = 0;
        let result = codecs.rewrite(&only_batch(&bytes), LIMITS, &mut out, |_, replacement| {
            let (kind, key, value, header) = &changes[index];
            index += 1;
            match kind % 3 {
                0 => Edit::Keep,
                1 => Edit::Drop,
                _ => {
                    replacement.set_key(key.as_deref());
                    replacement.set_value(value.as_deref());
                    replacement.set_header(0, header.as_deref());
                    Edit::Replace
                }
            }
        });
        let mut expected = Vec::new();
        let (mut kept, mut changed) = (0, false);
        for (delta, fields) in records.iter().enumerate() {
            let (kind, key, value, header) = &changes[delta];
            let mut fields = fields.clone();
            changed |= kind % 3 != 0;
            if kind % 3 == 1 {
                continue;
            }
            if kind % 3 == 2 {
                fields.0.clone_from(key);
                fields.1.clone_from(value);
                if let Some(first) = fields.2.first_mut() {
                    first.1.clone_from(header);
                }
            }
            kept += 1;
            expected.extend(encoded(delta, &fields));
        }
        if !changed {
            prop_assert_eq!(result, Ok(Rewritten::Unchanged));
            return Ok(());
        }
        let dropped = records.len() as u32 - kept;
        prop_assert_eq!(result, Ok(Rewritten::Changed { records: kept, dropped }));
        let plain = codecs.inflate(&only_batch(&out), LIMITS).unwrap();
        prop_assert_eq!(plain.bytes(), expected);
        prop_assert_eq!(plain.records().filter(Result::is_ok).count(), kept as usize);
    }

    #[test]
    fn any_bytes_survive_every_codec(data in vec(any::<u8>(), 1..3000), times in 1usize..60) {
        let data = data.repeat(times);
        let mut codecs = Codecs::new();
        for codec in Codec::ALL {
            let bytes = batch(codec, 0, 1, &data);
            let plain = codecs.inflate(&only_batch(&bytes), LIMITS).unwrap();
            prop_assert_eq!(plain.bytes(), &data);
        }
    }
}
