//! The civil date of a moment in UTC, for folder names and for people.

/// A moment in UTC, split as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The year, negative before the year 0.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
    /// 0 to 999,999.
    pub micros: i64,
}

/// Whole hours since 1970 began, rounded down. The unit by which rows are put into folders.
pub fn hour_of(time_us: i64) -> i64 {
    time_us.div_euclid(3_600_000_000)
}

impl Moment {
    /// The moment `time_us` microseconds after 1970 began, in the Gregorian calendar carried on
    /// in both directions.
    pub fn from_micros(time_us: i64) -> Self {
        let seconds = time_us.div_euclid(1_000_000);
        let (year, month, day) = civil(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400);
        Moment {
            year,
            month,
            day,
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            micros: time_us.rem_euclid(1_000_000),
        }
    }

    /// `2026-11-22`.
    pub fn date(&self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// RFC 3339 with microseconds: `2026-11-22T13:00:00.000001Z`.
    pub fn rfc3339(&self) -> String {
        let (hour, minute, second) = (self.hour, self.minute, self.second);
        format!("{}T{hour:02}:{minute:02}:{second:02}.{:06}Z", self.date(), self.micros)
    }
}

/// Year, month and day of a day counted from 1970-01-01. Years are counted from March, so that
/// the leap day is the last one of its year; 400 years are always 146,097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        let text = |seconds: i64| Moment::from_micros(seconds * 1_000_000).rfc3339();
        assert_eq!(text(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(text(951_782_400), "2000-02-29T00:00:00.000000Z");
        assert_eq!(text(1_709_251_199), "2024-02-29T23:59:59.000000Z");
        assert_eq!(text(1_795_353_723), "2026-11-22T13:22:03.000000Z");
        assert_eq!(text(4_107_542_400), "2100-03-01T00:00:00.000000Z");
        assert_eq!(Moment::from_micros(-1).rfc3339(), "1969-12-31T23:59:59.999999Z");
        assert_eq!(hour_of(-1), -1);
    }

    #[test]
    fn no_moment_panics() {
        for time_us in [i64::MIN, i64::MAX, 0] {
            assert!(!Moment::from_micros(time_us).rfc3339().is_empty());
        }
    }
}
