//! Frames that are nearly right: a few bytes, lengths or pieces of a good one are made wrong.

/// splitmix64: small, fast, and the same everywhere for the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// Bytes that lengths, counts, tags and markers turn on.
const INTERESTING: [u8; 12] = [0, 1, 2, 3, 4, 0x0f, 0x10, 0x7e, 0x7f, 0x80, 0xfe, 0xff];

/// Makes one to four changes to `body`, some with bytes of `other`.
pub fn mutate(body: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(body.len() + 1);
        let length = random.below(9).min(body.len() - at);
        match random.below(9) {
            0 | 1 if at < body.len() => body[at] = INTERESTING[random.below(INTERESTING.len())],
            2 if at < body.len() => body[at] ^= 1 << random.below(8),
            3 if at < body.len() => {
                body[at] = body[at].wrapping_add((random.next() % 5) as u8).wrapping_sub(2)
            }
            4 => drop(body.drain(at..at + length)),
            5 => body.insert(at, INTERESTING[random.below(INTERESTING.len())]),
            6 => {
                let piece = body[at..at + length].to_vec();
                body.splice(at..at, piece);
            }
            7 => {
                let from = random.below(other.len() + 1);
                let to = (from + length).min(other.len());
                body.splice(at..at + length, other[from..to].iter().copied());
            }
            _ if at + 4 <= body.len() => {
                let wide = [i32::MAX, i32::MIN, -1, -2, 0, 1, 0x00ff_ffff][random.below(7)];
                body[at..at + 4].copy_from_slice(&wide.to_be_bytes());
            }
            _ => body.truncate(at),
        }
    }
}
