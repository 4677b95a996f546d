//! What can be wrong with the shape of a message: always the peer's fault, always fatal to it.

/// Why a body is not the message that its header says it is.
///
/// `at` is the offset in the body of the byte that is wrong, or of the count or length that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// Kafka's definitions have no such API.
    #[error("unknown API key {key}")]
    UnknownApi { key: i16 },
    /// The API has no such version (or none any more).
    #[error("unknown version {version} of API key {key}")]
    UnknownVersion { key: i16, version: i16 },
    /// The body ends inside a field.
    #[error("truncated at byte {at}")]
    Truncated { at: u32 },
    /// A count or length says more than the bytes that are left can hold.
    #[error("a count or length at byte {at} is larger than what is left")]
    CountTooLarge { at: u32 },
    /// A count or length is below -1, which is null.
    #[error("negative length at byte {at}")]
    NegativeLength { at: u32 },
    /// More array elements and unknown tags in one message than [`super::Limits`] allow.
    #[error("too many elements, the last count at byte {at}")]
    TooManyElements { at: u32 },
    /// A string is not UTF-8.
    #[error("string at byte {at} is not UTF-8")]
    NotUtf8 { at: u32 },
    /// A varint has more bytes than its value needs, or does not fit 32 bits.
    #[error("over-long varint at byte {at}")]
    OverlongVarint { at: u32 },
    /// Null where this version of the message has no null.
    #[error("null not allowed at byte {at}")]
    NullNotAllowed { at: u32 },
    /// A bool that is neither 0 nor 1, or the marker of a nullable struct neither -1 nor 1.
    #[error("byte {at} is not a bool")]
    BadBool { at: u32 },
    /// Tags are not in strictly ascending order.
    #[error("tag out of order at byte {at}")]
    TagOrder { at: u32 },
    /// The value of a tag is shorter or longer than its size says.
    #[error("tag at byte {at} is not as long as its size says")]
    TagSize { at: u32 },
    /// The message ends before the body does.
    #[error("trailing bytes from byte {at}")]
    TrailingBytes { at: u32 },
}

impl ShapeError {
    /// A short fixed word for audit rows and metric labels.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::UnknownApi { .. } => "unknown_api",
            Self::UnknownVersion { .. } => "unknown_version",
            Self::Truncated { .. } => "truncated",
            Self::CountTooLarge { .. } => "count_too_large",
            Self::NegativeLength { .. } => "negative_length",
            Self::TooManyElements { .. } => "too_many_elements",
            Self::NotUtf8 { .. } => "not_utf8",
            Self::OverlongVarint { .. } => "overlong_varint",
            Self::NullNotAllowed { .. } => "null_not_allowed",
            Self::BadBool { .. } => "bad_bool",
            Self::TagOrder { .. } => "tag_order",
            Self::TagSize { .. } => "tag_size",
            Self::TrailingBytes { .. } => "trailing_bytes",
        }
    }

    /// Offset in the body; `None` where the header already is the fault.
    pub fn at(&self) -> Option<u32> {
        match *self {
            Self::UnknownApi { .. } | Self::UnknownVersion { .. } => None,
            Self::Truncated { at }
            | Self::CountTooLarge { at }
            | Self::NegativeLength { at }
            | Self::TooManyElements { at }
            | Self::NotUtf8 { at }
            | Self::OverlongVarint { at }
            | Self::NullNotAllowed { at }
            | Self::BadBool { at }
            | Self::TagOrder { at }
            | Self::TagSize { at }
            | Self::TrailingBytes { at } => Some(at),
        }
    }
}
