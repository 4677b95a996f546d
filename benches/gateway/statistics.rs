//! Medians, and how sure they are: a bootstrap over rounds.

/// Draws of one bootstrap.
const DRAWS: usize = 2_000;

/// A median with its 95 % confidence interval.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl Estimate {
    /// Of one value for each round.
    pub fn of(values: &[f64]) -> Self {
        // SplitMix64 from a fixed seed: the same rounds give the same interval.
        let mut state = 0x10c6_a7e0_u64;
        let mut below = |bound: usize| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = state;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((word ^ (word >> 31)) % bound as u64) as usize
        };
        let mut medians: Vec<f64> = (0..DRAWS)
            .map(|_| median((0..values.len()).map(|_| values[below(values.len())]).collect()))
            .collect();
        medians.sort_by(f64::total_cmp);
        let at = |share: f64| medians[((DRAWS - 1) as f64 * share) as usize];
        Self { median: median(values.to_vec()), low: at(0.025), high: at(0.975) }
    }

    /// Of the ratios of two series of the same rounds.
    pub fn of_ratios(over: &[f64], under: &[f64]) -> Self {
        let ratios: Vec<f64> = over.iter().zip(under).map(|(over, under)| over / under).collect();
        Self::of(&ratios)
    }
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// The value that `share` of `values` do not exceed.
pub fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}
