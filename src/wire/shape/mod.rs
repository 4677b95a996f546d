//! The shape check: proof, before anything is decoded, that a body is the message that its header
//! says it is, and the spans in it that the gateway judges or patches.
//!
//! The shapes come from Kafka's own message definitions (`kafka-4.3.1.txt`, generated), so they
//! know every API and version, also where the protocol crate does not. One walk per frame proves
//! that every count and length fits the bytes that are left, that strings are UTF-8, that varints
//! are in their shortest form, that null stands only where it may, that tags ascend and are as long
//! as they say, and that the body is consumed exactly. Two readers that would see two messages in
//! the same bytes never get such bytes. The walk allocates nothing and its recursion is as deep as
//! the definitions, never as deep as the input.

use std::ops::RangeInclusive;

mod cursor;
mod error;
mod fields;
#[doc(hidden)]
pub mod fuzzing;
mod marks;
mod program;
mod splice;
mod table;
mod walk;

use cursor::Cursor;
pub use error::ShapeError;
pub use fields::Field;
#[doc(hidden)]
pub use fuzzing::fuzz_one;
pub use splice::without_unknown_tags;
use walk::{Visitor, Walk};

/// ApiVersions: its response header never has tags, so that an old client can read the answer to
/// a version it guessed (KIP-511; Kafka's `ApiMessageTypeGenerator` has the same exception).
const API_VERSIONS: i16 = 18;
/// ControlledShutdown: its version 0 had a request header without a client id. Removed in Kafka 4.
const CONTROLLED_SHUTDOWN: i16 = 7;

/// Which of an API's two messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    Request,
    Response,
}

/// An API as Kafka defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiDefinition {
    pub key: i16,
    /// Without `Request` or `Response`: `Produce`.
    pub name: &'static str,
    /// Empty for the APIs that Kafka 4 removed.
    pub versions: RangeInclusive<i16>,
    /// Without a last version that Kafka marks `latestVersionUnstable` and brokers do not list.
    pub versions_stable: RangeInclusive<i16>,
    /// First version with compact lengths and tags (KIP-482).
    pub flexible_from: Option<i16>,
    /// Served by the listeners of brokers.
    pub on_brokers: bool,
    /// Served by the listeners of controllers.
    pub on_controllers: bool,
}

/// What one message may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Array elements of all arrays together, plus unknown tags.
    pub elements_max: usize,
}

/// What the walk met, in the order of the bytes. All offsets are offsets in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A marked value in `start..end`. A string, bytes or records has its length prefix in
    /// `prefix_start..start`; for the fixed types `prefix_start == start`. Null: `start == end`.
    Field { field: Field, prefix_start: u32, start: u32, end: u32, null: bool },
    /// The count of a marked array is in `start..body`, its first element starts at `body`.
    ArrayStart { field: Field, start: u32, count: u32, null: bool, body: u32 },
    /// An element of a marked array starts.
    ElementStart { field: Field, at: u32 },
    /// An element of a marked array has ended before `at`.
    ElementEnd { field: Field, at: u32 },
    /// A marked array has ended before `at`.
    ArrayEnd { field: Field, at: u32 },
    /// A marked tagged field: its tag is in `start..size_at`, its size in `size_at..body`.
    TagStart { field: Field, tag: u32, start: u32, size_at: u32, body: u32 },
    /// A marked tagged field has ended before `end`.
    TagEnd { field: Field, end: u32 },
    /// A tag that Kafka 4.3.1 does not define here: tag, size and value are in `start..end`.
    UnknownTag { start: u32, end: u32 },
}

/// The body is the message that it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Tags for [`without_unknown_tags`] to take out before the body may go on.
    pub unknown_tags: u32,
}

/// The tag section at the end of a flexible header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderTags {
    /// Bytes that the section takes.
    pub bytes: usize,
    /// Kafka defines no header tags, so all that are there are unknown.
    pub unknown_tags: u32,
}

impl ApiDefinition {
    /// Whether this version has compact lengths and tags. True for versions above the known ones
    /// too: the header of an unknown version still has to be read.
    pub fn is_flexible(&self, version: i16) -> bool {
        self.flexible_from.is_some_and(|first| first <= version)
    }

    /// Whether the request header ends in tags (header version 2).
    pub fn request_header_is_flexible(&self, version: i16) -> bool {
        self.is_flexible(version)
    }

    /// Whether the response header ends in tags (header version 1).
    pub fn response_header_is_flexible(&self, version: i16) -> bool {
        self.key != API_VERSIONS && self.is_flexible(version)
    }

    /// Whether the request header has a client id: all but header version 0.
    pub fn request_header_has_client_id(&self, version: i16) -> bool {
        self.key != CONTROLLED_SHUTDOWN || version > 0
    }
}

/// The definition of an API, also of one that Kafka 4 removed (its `versions` are empty).
pub fn api(key: i16) -> Option<&'static ApiDefinition> {
    table::table().api(key).map(|api| &api.definition)
}

/// Every API of Kafka 4.3.1 by ascending key.
pub fn apis() -> impl Iterator<Item = &'static ApiDefinition> {
    table::table().apis().map(|api| &api.definition)
}

/// [`ApiDefinition::request_header_is_flexible`] by key; an unknown API has no such header.
pub fn request_header_is_flexible(key: i16, version: i16) -> bool {
    api(key).is_some_and(|definition| definition.request_header_is_flexible(version))
}

/// [`ApiDefinition::response_header_is_flexible`] by key; an unknown API has no such header.
pub fn response_header_is_flexible(key: i16, version: i16) -> bool {
    api(key).is_some_and(|definition| definition.response_header_is_flexible(version))
}

/// Walks `body`, the bytes behind the header, and calls `visit` with every [`Event`] in order.
///
/// The events before an error are those of bytes that were right; act on none of them until the
/// whole body is `Checked`.
///
/// # Errors
/// The first [`ShapeError`] in the order of the bytes.
pub fn check(
    direction: Direction,
    key: i16,
    version: i16,
    body: &[u8],
    limits: &Limits,
    visit: &mut impl FnMut(Event),
) -> Result<Checked, ShapeError> {
    walk(direction, key, version, body, limits, &mut EventsOnly(visit))
}

/// Reads the tag section that a flexible header ends with, at the start of `bytes`, which may
/// (and for a message will) go on behind it.
///
/// # Errors
/// The first [`ShapeError`]; its offset is one in `bytes`.
pub fn header_tags(bytes: &[u8], limits: &Limits) -> Result<HeaderTags, ShapeError> {
    let mut cursor = Cursor::new(addressable(bytes)?);
    let mut ignore = |_: Event| {};
    let mut visitor = EventsOnly(&mut ignore);
    let mut walk = Walk::new(true, limits, &mut visitor);
    walk.tags(&[], &mut cursor)?;
    let unknown_tags = walk.unknown_tags();
    Ok(HeaderTags { bytes: bytes.len().saturating_sub(cursor.left()), unknown_tags })
}

fn walk<V: Visitor>(
    direction: Direction,
    key: i16,
    version: i16,
    body: &[u8],
    limits: &Limits,
    visitor: &mut V,
) -> Result<Checked, ShapeError> {
    let program = table::table().program(direction, key, version)?;
    let mut cursor = Cursor::new(addressable(body)?);
    let mut walk = Walk::new(program.flexible, limits, visitor);
    walk.run(&program.operations, &mut cursor)?;
    if cursor.left() > 0 {
        return Err(ShapeError::TrailingBytes { at: cursor.at() });
    }
    Ok(Checked { unknown_tags: walk.unknown_tags() })
}

/// Offsets are 32 bits wide, as the length of a frame is.
fn addressable(bytes: &[u8]) -> Result<&[u8], ShapeError> {
    if i32::try_from(bytes.len()).is_ok() {
        Ok(bytes)
    } else {
        Err(ShapeError::CountTooLarge { at: 0 })
    }
}

struct EventsOnly<'v, F>(&'v mut F);

impl<F: FnMut(Event)> Visitor for EventsOnly<'_, F> {
    #[inline]
    fn event(&mut self, event: Event) {
        (self.0)(event);
    }
}

#[cfg(test)]
mod tests;
