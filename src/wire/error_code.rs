//! Kafka's error codes (`org.apache.kafka.common.protocol.Errors`), those that Lockgate answers
//! with.

/// An error code on the wire. `0` is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct ErrorCode(pub i16);

impl ErrorCode {
    pub const NONE: Self = Self(0);
    pub const CORRUPT_MESSAGE: Self = Self(2);
    pub const UNKNOWN_TOPIC_OR_PARTITION: Self = Self(3);
    pub const MESSAGE_TOO_LARGE: Self = Self(10);
    pub const TOPIC_AUTHORIZATION_FAILED: Self = Self(29);
    pub const GROUP_AUTHORIZATION_FAILED: Self = Self(30);
    pub const CLUSTER_AUTHORIZATION_FAILED: Self = Self(31);
    pub const UNSUPPORTED_SASL_MECHANISM: Self = Self(33);
    pub const ILLEGAL_SASL_STATE: Self = Self(34);
    pub const UNSUPPORTED_VERSION: Self = Self(35);
    pub const INVALID_REQUEST: Self = Self(42);
    pub const UNSUPPORTED_FOR_MESSAGE_FORMAT: Self = Self(43);
    pub const POLICY_VIOLATION: Self = Self(44);
    pub const TRANSACTIONAL_ID_AUTHORIZATION_FAILED: Self = Self(53);
    pub const OPERATION_NOT_ATTEMPTED: Self = Self(55);
    pub const SASL_AUTHENTICATION_FAILED: Self = Self(58);
    pub const DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: Self = Self(64);
    pub const DELEGATION_TOKEN_AUTHORIZATION_FAILED: Self = Self(65);
    pub const FETCH_SESSION_ID_NOT_FOUND: Self = Self(70);
    pub const INVALID_RECORD: Self = Self(87);
    pub const UNKNOWN_TOPIC_ID: Self = Self(100);
    pub const SHARE_SESSION_NOT_FOUND: Self = Self(122);
}
