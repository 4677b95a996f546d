//! One message at one version, flattened from the table into a list of steps.

use super::fields::Field;
use super::table::{Base, FieldDefinition, Fields, Message, TableError};

/// How deep structs and arrays nest in the table; Kafka's own reach six.
const DEPTH_MAX: usize = 16;

/// A step of the walk. A step with a `body` owns that many steps that follow it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Operation {
    /// Fixed bytes that nobody asks for; neighbours are merged.
    Skip {
        bytes: u32,
    },
    /// A fixed field that is marked.
    Fixed {
        bytes: u32,
        field: Field,
    },
    Boolean {
        field: Option<Field>,
    },
    Text {
        nullable: bool,
        field: Option<Field>,
    },
    /// `bytes` and `records`.
    Blob {
        nullable: bool,
        field: Option<Field>,
    },
    Array {
        nullable: bool,
        element_bytes_min: u32,
        body: u32,
        field: Option<Field>,
    },
    /// A nullable struct: a marker byte, then the body if there is one.
    Optional {
        body: u32,
    },
    /// A tag section; its body are the `Tag`s known at this version, ascending.
    Tags {
        body: u32,
    },
    Tag {
        tag: u32,
        body: u32,
        field: Option<Field>,
    },
}

/// The steps of one message at one version.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) operations: Box<[Operation]>,
    pub(super) flexible: bool,
}

impl Program {
    /// Flattens `message` at `version`; fails only on a table that makes no sense.
    pub(super) fn new(
        message: &Message,
        version: i16,
        flexible: bool,
        marks: &[(&str, Field)],
    ) -> Result<Self, TableError> {
        let mut compiler = Compiler {
            message,
            version,
            flexible,
            marks,
            operations: Vec::new(),
            barrier: 0,
            path: String::new(),
            depth: 0,
        };
        compiler.fields(&message.fields)?;
        Ok(Self { operations: compiler.operations.into_boxed_slice(), flexible })
    }
}

struct Compiler<'m> {
    message: &'m Message,
    version: i16,
    flexible: bool,
    marks: &'m [(&'m str, Field)],
    operations: Vec<Operation>,
    /// Steps before this index belong to a closed body and take no more bytes.
    barrier: usize,
    path: String,
    depth: usize,
}

impl Compiler<'_> {
    /// Adds the steps of a struct's fields and returns the fewest bytes they can have.
    fn fields(&mut self, fields: &[FieldDefinition]) -> Result<u32, TableError> {
        let version = self.version;
        let mut bytes_min = 0_u32;
        for field in fields.iter().filter(|field| field.versions.contains(version)) {
            if field.tag.is_none() {
                bytes_min = bytes_min.saturating_add(self.named(field)?);
            }
        }
        if !self.flexible {
            return Ok(bytes_min);
        }
        let mut tagged: Vec<(u32, &FieldDefinition)> = fields
            .iter()
            .filter(|field| field.versions.contains(version))
            .filter_map(|field| field.tag.map(|tag| (tag, field)))
            .collect();
        tagged.sort_by_key(|(tag, _)| *tag);
        let tags = self.open(Operation::Tags { body: 0 });
        for (_, field) in tagged {
            self.named(field)?;
        }
        self.close(tags);
        Ok(bytes_min.saturating_add(1))
    }

    fn named(&mut self, field: &FieldDefinition) -> Result<u32, TableError> {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(field.name);
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEPTH_MAX {
            return Err(TableError::TooDeep);
        }
        let bytes_min = match field.tag {
            None => self.field(field)?,
            Some(tag) => {
                let mark = self.mark("");
                let opened = self.open(Operation::Tag { tag, body: 0, field: mark });
                let bytes_min = self.field(field)?;
                self.close(opened);
                bytes_min
            }
        };
        self.depth = self.depth.saturating_sub(1);
        self.path.truncate(length);
        Ok(bytes_min)
    }

    fn field(&mut self, field: &FieldDefinition) -> Result<u32, TableError> {
        let nullable = field.nullable.contains(self.version);
        let mark = self.mark("");
        if !field.array {
            return self.value(field, nullable, mark);
        }
        let opened =
            self.open(Operation::Array { nullable, element_bytes_min: 0, body: 0, field: mark });
        let element_mark = self.mark("[]");
        let bytes_min = self.value(field, false, element_mark)?;
        self.close(opened);
        if let Some(Operation::Array { element_bytes_min, .. }) = self.operations.get_mut(opened) {
            *element_bytes_min = bytes_min;
        }
        Ok(if self.flexible { 1 } else { 4 })
    }

    /// A value that is no array, or one element of an array.
    fn value(
        &mut self,
        definition: &FieldDefinition,
        nullable: bool,
        field: Option<Field>,
    ) -> Result<u32, TableError> {
        match definition.base {
            Base::Fixed(bytes) => {
                match field {
                    Some(field) => self.operations.push(Operation::Fixed { bytes, field }),
                    None => self.skip(bytes),
                }
                Ok(bytes)
            }
            Base::Boolean => {
                self.operations.push(Operation::Boolean { field });
                Ok(1)
            }
            Base::Text => {
                self.operations.push(Operation::Text { nullable, field });
                Ok(if self.flexible { 1 } else { 2 })
            }
            Base::Blob => {
                self.operations.push(Operation::Blob { nullable, field });
                Ok(if self.flexible { 1 } else { 4 })
            }
            Base::Struct(name) => {
                let message = self.message;
                let fields = match &definition.fields {
                    Fields::Own(fields) => fields,
                    Fields::Shared => message.structure(name)?,
                };
                if !nullable {
                    return self.fields(fields);
                }
                let opened = self.open(Operation::Optional { body: 0 });
                self.fields(fields)?;
                self.close(opened);
                Ok(1)
            }
        }
    }

    fn skip(&mut self, more: u32) {
        let open = self.operations.len() > self.barrier;
        match self.operations.last_mut() {
            Some(Operation::Skip { bytes }) if open => *bytes = bytes.saturating_add(more),
            _ => self.operations.push(Operation::Skip { bytes: more }),
        }
    }

    /// Starts a step with a body and returns its index.
    fn open(&mut self, operation: Operation) -> usize {
        let index = self.operations.len();
        self.operations.push(operation);
        self.barrier = self.operations.len();
        index
    }

    fn close(&mut self, index: usize) {
        let length = self.operations.len().saturating_sub(index).saturating_sub(1);
        self.barrier = self.operations.len();
        if let Some(
            Operation::Array { body, .. }
            | Operation::Optional { body }
            | Operation::Tags { body }
            | Operation::Tag { body, .. },
        ) = self.operations.get_mut(index)
        {
            *body = u32::try_from(length).unwrap_or(u32::MAX);
        }
    }

    /// The mark of the current path, or of its elements (`[]`).
    fn mark(&self, suffix: &str) -> Option<Field> {
        self.marks
            .iter()
            .find(|(path, _)| path.strip_suffix(suffix) == Some(self.path.as_str()))
            .map(|(_, field)| *field)
    }
}
