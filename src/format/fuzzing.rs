//! One fuzz body for every format; a fuzz target is a call of `fuzz_one`.

use super::{FORMATS, Hits};
use crate::field::{Masked, PathPattern, PathSet};

const PATHS: &[&str] = &["$", "$.a", "$.a.b", "$.a[*].b", "$.*.b", "$.a.**", "$.**.c", "$['\"']"];
const NAMES: &[&str] = &["*e*", "b?"];
const MASKED: &[Masked<'_>] =
    &[Masked::Text("\"\u{1}\\"), Masked::Null, Masked::Number("-0"), Masked::Remove];

/// Scans `data` in every format, edits every hit, and holds the result to what formats promise.
///
/// # Panics
/// If a promise is broken: an unedited splice differs, or an edited one does not scan.
pub fn fuzz_one(data: &[u8]) {
    let chosen = data.first().copied().unwrap_or(0);
    let paths = PATHS.iter().map(|path| PathPattern::path(path));
    let names = NAMES.iter().map(|name| PathPattern::name(name));
    let patterns = paths.chain(names).flatten().zip(0_u32..);
    let patterns = patterns.filter(|(_, number)| chosen.rotate_right(*number) & 1 == 1);
    let paths = PathSet::new(patterns.map(|(pattern, _)| pattern).collect());
    let mut hits = Hits::new();
    for row in FORMATS {
        if row.format.scan(data, &paths, &mut hits).is_err() {
            continue;
        }
        let mut same = Vec::new();
        let spliced = row.format.splice(data, &hits, &[], &mut same);
        assert!(spliced.is_ok() && same == data, "{}: no edit, but another document", row.name);
        for masked in MASKED {
            let edits: Vec<_> = (0..hits.len()).map(|number| (number, *masked)).collect();
            let mut edited = Vec::new();
            let spliced = row.format.splice(data, &hits, &edits, &mut edited);
            assert!(spliced.is_ok(), "{}: the edits were refused", row.name);
            let scanned = row.format.scan(&edited, &PathSet::new(Vec::new()), &mut Hits::new());
            assert!(scanned.is_ok(), "{}: the edited document cannot be read", row.name);
        }
        for hit in hits.iter() {
            let _ = hit.text(data);
        }
        for (_, pattern) in paths.patterns().iter().zip(0..) {
            let _ = hits.fact(data, pattern);
        }
    }
}
