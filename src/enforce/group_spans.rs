//! Where groups and their topics lie in messages that the protocol crate does not know.

use std::ops::Range;

use bytes::{Bytes, BytesMut};

use super::spans::int16;
use super::splice::length_prefix;
use crate::wire::ApiKey;
use crate::wire::shape::{self, Direction, Event, Field, Limits, ShapeError};

/// The groups of a message, as ranges of its body.
#[derive(Default)]
pub struct Groups {
    /// The count of groups.
    pub count: Range<usize>,
    pub groups: Vec<Group>,
}

#[derive(Default)]
pub struct Group {
    pub element: Range<usize>,
    pub id: Range<usize>,
    pub error_code: i16,
    /// The count of its topics.
    pub topics_count: Range<usize>,
    pub topics_end: usize,
    pub topics: Vec<Topic>,
    pub operations: Range<usize>,
}

#[derive(Default)]
pub struct Topic {
    /// Where the whole topic is; empty where it is no more than a name.
    pub element: Range<usize>,
    pub name: Range<usize>,
}

/// Walks a body whose groups are structs, or ids alone.
///
/// # Errors
/// [`ShapeError`] where it is not the message that it should be.
pub fn walk(
    (direction, key, version): (Direction, ApiKey, i16),
    body: &Bytes,
    limits: &Limits,
) -> Result<Groups, ShapeError> {
    let mut groups = Groups::default();
    shape::check(direction, key.0, version, body, limits, &mut |event| {
        take(&mut groups, body, event);
    })?;
    Ok(groups)
}

fn take(found: &mut Groups, body: &Bytes, event: Event) {
    match event {
        Event::Field { field, prefix_start, start, end, .. } => {
            let range = start as usize..end as usize;
            take_field(found, body, (field, prefix_start as usize, range));
        }
        Event::ArrayStart { field: Field::Groups, start, body, .. } => {
            found.count = start as usize..body as usize;
        }
        Event::ElementStart { field: Field::Groups, at } => {
            let at = at as usize;
            found.groups.push(Group { element: at..at, ..Group::default() });
        }
        Event::ElementEnd { field: Field::Groups, at } => {
            if let Some(group) = found.groups.last_mut() {
                group.element.end = at as usize;
            }
        }
        Event::ArrayStart { field: Field::Topics, start, body, .. } => {
            if let Some(group) = found.groups.last_mut() {
                group.topics_count = start as usize..body as usize;
                group.topics_end = body as usize;
            }
        }
        Event::ArrayEnd { field: Field::Topics, at } => {
            if let Some(group) = found.groups.last_mut() {
                group.topics_end = at as usize;
            }
        }
        Event::ElementStart { field: Field::Topics, at } => {
            if let Some(group) = found.groups.last_mut() {
                let at = at as usize;
                group.topics.push(Topic { element: at..at, ..Topic::default() });
            }
        }
        Event::ElementEnd { field: Field::Topics, at } => {
            if let Some(topic) = found.groups.last_mut().and_then(|group| group.topics.last_mut()) {
                topic.element.end = at as usize;
            }
        }
        Event::ArrayStart { .. }
        | Event::ElementStart { .. }
        | Event::ElementEnd { .. }
        | Event::ArrayEnd { .. }
        | Event::TagStart { .. }
        | Event::TagEnd { .. }
        | Event::UnknownTag { .. } => {}
    }
}

#[allow(clippy::wildcard_enum_match_arm)] // Some sixty fields of other messages.
fn take_field(
    found: &mut Groups,
    body: &Bytes,
    (field, prefix_start, range): (Field, usize, Range<usize>),
) {
    if field == Field::GroupId && found.groups.last().is_none_or(|group| !group.id.is_empty()) {
        // A list of ids has no structs around them.
        let element = prefix_start..range.end;
        found.groups.push(Group { element, ..Group::default() });
    }
    let Some(group) = found.groups.last_mut() else { return };
    match field {
        Field::GroupId => group.id = range,
        Field::ErrorCode => group.error_code = int16(body.get(range).unwrap_or_default()),
        Field::GroupAuthorizedOperations => group.operations = range,
        Field::TopicName => match group.topics.last_mut() {
            Some(topic) if topic.name.is_empty() && !group.topics_count.is_empty() => {
                topic.name = range;
            }
            _ => group.topics.push(Topic { name: range, ..Topic::default() }),
        },
        _ => {}
    }
}

/// The text of a range whose shape was proved.
#[must_use]
pub fn text(body: &Bytes, range: &Range<usize>) -> String {
    let bytes = body.get(range.clone()).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}

/// Writes a string of a flexible version.
pub fn put_text(out: &mut BytesMut, text: &str) {
    out.extend_from_slice(&length_prefix(true, text.len()));
    out.extend_from_slice(text.as_bytes());
}
