//! Words of the wire: frames, headers, API keys, error codes, and the shape check.
//!
//! Nothing a peer sends is decoded before [`shape::check`] has proved that every count and length
//! in it fits the bytes that arrived. `kafka_protocol` decodes only behind that proof ([`codec`]).

pub mod api_key;
pub mod codec;
pub mod error_code;
pub mod frame;
pub mod header;
pub mod shape;
pub mod topic_id;

pub use api_key::ApiKey;
pub use error_code::ErrorCode;
pub use frame::{FrameDecoder, FrameFault};
pub use header::{HeaderFault, RequestHeader, ResponseHeader};
pub use topic_id::TopicId;
