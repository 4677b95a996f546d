//! The body of the fuzz target, here so that the target itself is five lines.

use super::{Direction, Event, Limits, check, without_unknown_tags};

/// Elements allowed in a fuzzed message.
const LIMITS: Limits = Limits { elements_max: 100_000 };

/// Checks `data` (direction and API key, version, then the body) and holds the check to what it
/// promises: events in order and inside the body, and a spliced body that is right and final.
///
/// # Panics
/// When a promise is broken; that is what it is for.
pub fn fuzz_one(data: &[u8]) {
    let Some(([selector, version], body)) = data.split_first_chunk::<2>() else {
        return;
    };
    let direction = if selector & 0x80 == 0 { Direction::Request } else { Direction::Response };
    let (key, version) = (i16::from(selector & 0x7f), i16::from(*version));
    let mut last = 0_u32;
    let checked = check(direction, key, version, body, &LIMITS, &mut |event| {
        let (start, end) = span(event);
        assert!(last <= start && start <= end && end as usize <= body.len(), "{event:?}");
        last = end;
    });
    let Ok(checked) = checked else {
        let spliced = without_unknown_tags(direction, key, version, body, &LIMITS);
        assert_eq!(spliced.err(), checked.err());
        return;
    };
    let spliced = without_unknown_tags(direction, key, version, body, &LIMITS);
    let spliced = spliced.unwrap_or_default();
    assert!(spliced.len() <= body.len());
    assert_eq!(checked.unknown_tags == 0, spliced == body);
    let again = check(direction, key, version, &spliced, &LIMITS, &mut |event| {
        assert!(!matches!(event, Event::UnknownTag { .. }));
    });
    assert_eq!(again.map(|checked| checked.unknown_tags), Ok(0));
}

/// First and last offset that an event names: nothing before the first is named again.
fn span(event: Event) -> (u32, u32) {
    match event {
        Event::Field { prefix_start, start, end, .. } => {
            assert!(prefix_start <= start && start <= end);
            (prefix_start, end)
        }
        Event::ArrayStart { start, body, .. } => (start, body),
        Event::ElementStart { at, .. }
        | Event::ElementEnd { at, .. }
        | Event::ArrayEnd { at, .. } => (at, at),
        Event::TagStart { start, size_at, body, .. } => {
            assert!(start < size_at && size_at < body);
            (start, body)
        }
        Event::TagEnd { end, .. } => (end, end),
        Event::UnknownTag { start, end } => (start, end),
    }
}
