//! The walk of a body along a program.

use super::cursor::Cursor;
use super::fields::Field;
use super::program::Operation;
use super::{Event, Limits, ShapeError};

/// Longest string that Kafka's readers take, in the compact form too
/// (`RuntimeException("string field … had invalid length")` in its generated code).
const STRING_BYTES_MAX: usize = 0x7fff;

/// Fewest bytes of an unknown or empty tag: its number and its size.
const TAG_BYTES_MIN: usize = 2;

/// Who is told what the walk meets. The tag sections interest only the splicer.
pub(super) trait Visitor {
    fn event(&mut self, event: Event);
    /// `count` tags follow; the count itself is in `at..after`.
    fn tags_start(&mut self, _at: u32, _after: u32, _count: u32) {}
    fn tags_end(&mut self) {}
    /// A known tag, marked or not; its size is in `size_at..body`.
    fn known_tag_start(&mut self, _size_at: u32, _body: u32) {}
    fn known_tag_end(&mut self, _end: u32) {}
}

/// The state of one walk.
pub(super) struct Walk<'v, V> {
    flexible: bool,
    elements_left: usize,
    unknown_tags: u32,
    visitor: &'v mut V,
}

/// A length or count on the wire.
enum Length {
    Null,
    Of(usize),
}

impl<'v, V: Visitor> Walk<'v, V> {
    pub(super) fn new(flexible: bool, limits: &Limits, visitor: &'v mut V) -> Self {
        Self { flexible, elements_left: limits.elements_max, unknown_tags: 0, visitor }
    }

    pub(super) fn unknown_tags(&self) -> u32 {
        self.unknown_tags
    }

    /// Runs the steps once. Recursion follows bodies, so it is as deep as the message definition.
    pub(super) fn run(
        &mut self,
        operations: &[Operation],
        cursor: &mut Cursor<'_>,
    ) -> Result<(), ShapeError> {
        let mut rest = operations;
        while let Some((operation, behind)) = rest.split_first() {
            rest = match *operation {
                Operation::Skip { bytes } => {
                    cursor.skip(bytes as usize)?;
                    behind
                }
                Operation::Fixed { bytes, field } => {
                    let start = cursor.at();
                    cursor.skip(bytes as usize)?;
                    self.value(Some(field), start, start, cursor);
                    behind
                }
                Operation::Boolean { field } => {
                    let start = cursor.at();
                    if cursor.byte()? > 1 {
                        return Err(ShapeError::BadBool { at: start });
                    }
                    self.value(field, start, start, cursor);
                    behind
                }
                Operation::Text { nullable, field } => {
                    self.text(nullable, field, cursor)?;
                    behind
                }
                Operation::Blob { nullable, field } => {
                    self.blob(nullable, field, cursor)?;
                    behind
                }
                Operation::Array { nullable, element_bytes_min, body, field } => {
                    let (body, behind) = split(behind, body);
                    self.array(nullable, element_bytes_min, field, body, cursor)?;
                    behind
                }
                Operation::Optional { body } => {
                    let (body, behind) = split(behind, body);
                    let at = cursor.at();
                    match cursor.byte()? {
                        1 => self.run(body, cursor)?,
                        0xff => {}
                        _ => return Err(ShapeError::BadBool { at }),
                    }
                    behind
                }
                Operation::Tags { body } => {
                    let (body, behind) = split(behind, body);
                    self.tags(body, cursor)?;
                    behind
                }
                // Only ever inside the body of `Tags`, which does not run it but looks it up.
                Operation::Tag { body, .. } => split(behind, body).1,
            };
        }
        Ok(())
    }

    #[inline]
    fn value(&mut self, field: Option<Field>, prefix_start: u32, start: u32, cursor: &Cursor<'_>) {
        if let Some(field) = field {
            let end = cursor.at();
            self.visitor.event(Event::Field { field, prefix_start, start, end, null: false });
        }
    }

    fn null(
        &mut self,
        nullable: bool,
        field: Option<Field>,
        prefix_start: u32,
        cursor: &Cursor<'_>,
    ) -> Result<(), ShapeError> {
        if !nullable {
            return Err(ShapeError::NullNotAllowed { at: prefix_start });
        }
        if let Some(field) = field {
            let at = cursor.at();
            let null = true;
            self.visitor.event(Event::Field { field, prefix_start, start: at, end: at, null });
        }
        Ok(())
    }

    fn text(
        &mut self,
        nullable: bool,
        field: Option<Field>,
        cursor: &mut Cursor<'_>,
    ) -> Result<(), ShapeError> {
        let at = cursor.at();
        let length = if self.flexible { compact(cursor)? } else { classic_short(at, cursor)? };
        let Length::Of(bytes) = length else {
            return self.null(nullable, field, at, cursor);
        };
        if bytes > STRING_BYTES_MAX {
            return Err(ShapeError::CountTooLarge { at });
        }
        let start = cursor.at();
        if std::str::from_utf8(cursor.take_counted(bytes, at)?).is_err() {
            return Err(ShapeError::NotUtf8 { at: start });
        }
        self.value(field, at, start, cursor);
        Ok(())
    }

    fn blob(
        &mut self,
        nullable: bool,
        field: Option<Field>,
        cursor: &mut Cursor<'_>,
    ) -> Result<(), ShapeError> {
        let at = cursor.at();
        let length = if self.flexible { compact(cursor)? } else { classic(at, cursor)? };
        let Length::Of(bytes) = length else {
            return self.null(nullable, field, at, cursor);
        };
        let start = cursor.at();
        cursor.take_counted(bytes, at)?;
        self.value(field, at, start, cursor);
        Ok(())
    }

    fn array(
        &mut self,
        nullable: bool,
        element_bytes_min: u32,
        field: Option<Field>,
        body: &[Operation],
        cursor: &mut Cursor<'_>,
    ) -> Result<(), ShapeError> {
        let at = cursor.at();
        let length = if self.flexible { compact(cursor)? } else { classic(at, cursor)? };
        let (count, null) = match length {
            Length::Of(count) => (count, false),
            Length::Null if nullable => (0, true),
            Length::Null => return Err(ShapeError::NullNotAllowed { at }),
        };
        self.take_elements(count, element_bytes_min as usize, at, cursor)?;
        match (field, body) {
            // A list of numbers: one step for all of them.
            (None, [Operation::Skip { bytes }]) => {
                let bytes = (*bytes as usize).checked_mul(count);
                cursor.skip(bytes.ok_or(ShapeError::CountTooLarge { at })?)
            }
            (None, _) => (0..count).try_for_each(|_| self.run(body, cursor)),
            (Some(field), _) => {
                // A count that fits the bytes left fits 32 bits.
                let count = u32::try_from(count).unwrap_or(u32::MAX);
                let start = at;
                let at = cursor.at();
                self.visitor.event(Event::ArrayStart { field, start, count, null, body: at });
                for _ in 0..count {
                    self.visitor.event(Event::ElementStart { field, at: cursor.at() });
                    self.run(body, cursor)?;
                    self.visitor.event(Event::ElementEnd { field, at: cursor.at() });
                }
                self.visitor.event(Event::ArrayEnd { field, at: cursor.at() });
                Ok(())
            }
        }
    }

    /// The bound that makes everything behind this check safe: no count is believed before the
    /// bytes for it are there.
    fn take_elements(
        &mut self,
        count: usize,
        bytes_min: usize,
        at: u32,
        cursor: &Cursor<'_>,
    ) -> Result<(), ShapeError> {
        match count.checked_mul(bytes_min) {
            Some(bytes) if bytes <= cursor.left() => {}
            _ => return Err(ShapeError::CountTooLarge { at }),
        }
        let left = self.elements_left.checked_sub(count);
        self.elements_left = left.ok_or(ShapeError::TooManyElements { at })?;
        Ok(())
    }

    /// A tag section; `known` are the `Tag` steps of this version, each with its body behind it.
    pub(super) fn tags(
        &mut self,
        known: &[Operation],
        cursor: &mut Cursor<'_>,
    ) -> Result<(), ShapeError> {
        let count_at = cursor.at();
        let count = cursor.varint()?;
        if count == 0 {
            return Ok(());
        }
        match (count as usize).checked_mul(TAG_BYTES_MIN) {
            Some(bytes) if bytes <= cursor.left() => {}
            _ => return Err(ShapeError::CountTooLarge { at: count_at }),
        }
        self.visitor.tags_start(count_at, cursor.at(), count);
        let mut previous: Option<u32> = None;
        for _ in 0..count {
            let start = cursor.at();
            let tag = cursor.varint()?;
            if previous.is_some_and(|previous| previous >= tag) {
                return Err(ShapeError::TagOrder { at: start });
            }
            previous = Some(tag);
            self.tag(start, tag, find(known, tag), cursor)?;
        }
        self.visitor.tags_end();
        Ok(())
    }

    fn tag(
        &mut self,
        start: u32,
        tag: u32,
        known: Option<(Option<Field>, &[Operation])>,
        cursor: &mut Cursor<'_>,
    ) -> Result<(), ShapeError> {
        let size_at = cursor.at();
        let size = cursor.varint()?;
        let body = cursor.at();
        let mut value = cursor.part(size as usize, size_at)?;
        let Some((field, operations)) = known else {
            self.unknown_tags = self.unknown_tags.saturating_add(1);
            let left = self.elements_left.checked_sub(1);
            self.elements_left = left.ok_or(ShapeError::TooManyElements { at: start })?;
            self.visitor.event(Event::UnknownTag { start, end: cursor.at() });
            return Ok(());
        };
        self.visitor.known_tag_start(size_at, body);
        if let Some(field) = field {
            self.visitor.event(Event::TagStart { field, tag, start, size_at, body });
        }
        self.run(operations, &mut value)?;
        if value.left() > 0 {
            return Err(ShapeError::TagSize { at: start });
        }
        let end = cursor.at();
        self.visitor.known_tag_end(end);
        if let Some(field) = field {
            self.visitor.event(Event::TagEnd { field, end });
        }
        Ok(())
    }
}

/// The body of a step, and what is behind it.
#[inline]
fn split(behind: &[Operation], body: u32) -> (&[Operation], &[Operation]) {
    // The lengths are the compiler's own, so the fallback is never taken; it reads no less.
    behind.split_at_checked(body as usize).unwrap_or((behind, &[]))
}

/// The mark and the steps of a tag, if it is known.
fn find(known: &[Operation], wanted: u32) -> Option<(Option<Field>, &[Operation])> {
    let mut rest = known;
    while let Some((Operation::Tag { tag, body, field }, behind)) = rest.split_first() {
        let (body, behind) = split(behind, *body);
        if *tag == wanted {
            return Some((*field, body));
        }
        rest = behind;
    }
    None
}

#[inline]
fn compact(cursor: &mut Cursor<'_>) -> Result<Length, ShapeError> {
    Ok(match cursor.varint()?.checked_sub(1) {
        None => Length::Null,
        Some(length) => Length::Of(length as usize),
    })
}

#[inline]
fn classic(at: u32, cursor: &mut Cursor<'_>) -> Result<Length, ShapeError> {
    match cursor.int32()? {
        -1 => Ok(Length::Null),
        length => match usize::try_from(length) {
            Ok(length) => Ok(Length::Of(length)),
            Err(_) => Err(ShapeError::NegativeLength { at }),
        },
    }
}

#[inline]
fn classic_short(at: u32, cursor: &mut Cursor<'_>) -> Result<Length, ShapeError> {
    match cursor.int16()? {
        -1 => Ok(Length::Null),
        length => match usize::try_from(length) {
            Ok(length) => Ok(Length::Of(length)),
            Err(_) => Err(ShapeError::NegativeLength { at }),
        },
    }
}
