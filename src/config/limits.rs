//! Every limit in one table: its name with its unit, its default, the range that makes sense, why.
//!
//! The table makes three things that cannot drift apart: the keys of `limits:` as written, the
//! checked [`Limits`], and [`LIMITS`], from which the reference page is generated.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::Deserialize;

use super::checker::Checker;
use crate::yaml::At;

/// One row of the table of limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitRow {
    /// The key under `limits:`; its unit is its last word, or before `_max`.
    pub name: &'static str,
    /// What is used where the key is not written.
    pub default: u64,
    /// The smallest value that is accepted.
    pub least: u64,
    /// The largest value that is accepted.
    pub most: u64,
    /// What is limited, and what happens at the limit.
    pub doc: &'static str,
}

macro_rules! limits {
    ($(
        $name:ident : $kind:ty = $default:literal, $least:literal ..= $most:literal, $doc:literal;
    )*) => {
        /// The `limits:` mapping as written. Every key is optional.
        #[derive(Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(rename = "Limits")]
        pub struct LimitsDocument {
            $(
                #[doc = $doc]
                #[schemars(with = "Option<u64>")]
                #[schemars(extend("default" = $default, "minimum" = $least as u64))]
                #[schemars(extend("maximum" = $most as u64))]
                pub $name: Option<At<u64>>,
            )*
        }

        /// The checked limits. Sizes are in bytes, times in milliseconds, the rest are counts.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct Limits {
            $(
                #[doc = $doc]
                pub $name: $kind,
            )*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* }
            }
        }

        /// All limits, in the order in which they are documented.
        pub const LIMITS: &[LimitRow] = &[
            $(LimitRow {
                name: stringify!($name),
                default: $default,
                least: $least,
                most: $most,
                doc: $doc,
            },)*
        ];

        /// The written limits over the defaults; each out of its range is a problem.
        pub(super) fn check(checker: &mut Checker<'_>, written: &LimitsDocument) -> Limits {
            let mut limits = Limits::default();
            $(
                if let Some(at) = &written.$name {
                    let range: RangeInclusive<u64> = $least..=$most;
                    match <$kind>::try_from(at.value) {
                        Ok(value) if range.contains(&at.value) => limits.$name = value,
                        Ok(_) | Err(_) => checker.refuse(at, format!(
                            "`{}` is {}; it must be from {} to {}",
                            stringify!($name), at.value, range.start(), range.end()
                        )),
                    }
                }
            )*
            check_together(checker, written, &limits);
            limits
        }
    };
}

limits! {
    request_bytes_max: usize = 104_857_600, 65_536 ..= 1_073_741_824,
        "The largest request frame after login, in bytes. Default 104857600 (100 MiB), as Kafka's \
         `socket.request.max.bytes`. A larger one closes the connection before it is read.";
    response_bytes_max: usize = 104_857_600, 65_536 ..= 1_073_741_824,
        "The largest response frame of a broker, in bytes. Default 104857600 (100 MiB): a broker \
         answers a fetch with at most its `fetch.max.bytes` (55 MiB), or with one larger batch, \
         which cannot be larger than the request that brought it.";
    control_frame_bytes_max: usize = 4_194_304, 65_536 ..= 67_108_864,
        "The largest frame, in bytes, of an API that does not carry records. Default 4194304 \
         (4 MiB). These are decoded, which costs many times their size in memory.";
    unauthenticated_frame_bytes_max: usize = 65_536, 4_096 ..= 1_048_576,
        "The largest frame before login, in bytes. Default 65536 (64 KiB).";
    inflated_batch_bytes_max: usize = 67_108_864, 1_048_576 ..= 1_073_741_824,
        "The most bytes that one compressed record batch may inflate to where a rule reads its \
         records. Default 67108864 (64 MiB). A batch that grows further is refused as a bomb.";
    array_elements_max: usize = 500_000, 1_000 ..= 10_000_000,
        "The most array elements that one decoded frame may hold in all. Default 500000.";
    connections_max: usize = 10_000, 1 ..= 1_000_000,
        "The most client connections at a time; each has one broker connection. Default 10000. \
         Further ones are closed when they connect.";
    connections_per_address_max: usize = 10_000, 1 ..= 1_000_000,
        "The most client connections of one IP address at a time. Default 10000, as many as there \
         may be in all: behind a load balancer that sends no PROXY header every client has its \
         address. Further ones are closed when they connect.";
    connections_per_principal_max: usize = 10_000, 1 ..= 1_000_000,
        "The most connections of one principal at a time. Default 10000. A further login is \
         refused. Connections of clients without a login count as one principal's.";
    session_ms_max: u64 = 0, 0 ..= 2_592_000_000,
        "The time that a login is good for, in milliseconds; then the client logs in again on its \
         connection (KIP-368), or the connection ends. Default 0: as long as its token, and \
         without end by a password. As Kafka's `connections.max.reauth.ms`.";
    inflight_requests_max: usize = 128, 1 ..= 10_000,
        "The most requests of one connection that wait for their answer. Default 128. At the limit \
         the connection is not read until an answer has left.";
    request_budget_bytes: usize = 268_435_456, 1_048_576 ..= 1_099_511_627_776,
        "The memory for all requests that are being read, judged or sent, in bytes. Default \
         268435456 (256 MiB). When it is spent, clients are not read. It must hold one frame of \
         `request_bytes_max` and one batch inflated to `inflated_batch_bytes_max`.";
    response_budget_bytes: usize = 268_435_456, 1_048_576 ..= 1_099_511_627_776,
        "The memory for all responses that are being read, judged or sent, in bytes. Default \
         268435456 (256 MiB). When it is spent, brokers are not read. It must hold one frame of \
         `response_bytes_max` and one batch inflated to `inflated_batch_bytes_max`.";
    login_ms_max: u64 = 10_000, 100 ..= 600_000,
        "The time from the connection to the end of its login, in milliseconds. Default 10000. \
         A slower client is disconnected.";
    idle_ms_max: u64 = 600_000, 1_000 ..= 86_400_000,
        "The time without a byte from a client after which it is disconnected, in milliseconds. \
         Default 600000 (10 minutes), as Kafka's `connections.max.idle.ms`.";
    frame_ms_max: u64 = 60_000, 100 ..= 3_600_000,
        "The time from the first byte of a client's frame to its last, in milliseconds, while it \
         is read. Default 60000. A client that sends slower is disconnected, so that it does not \
         hold memory.";
    stall_ms_max: u64 = 30_000, 100 ..= 3_600_000,
        "The time for which a client may take no byte of its answers while other connections \
         wait for memory, in milliseconds. Default 30000. While there is memory for all, a client \
         that is busy with something else is left alone.";
    drain_ms_max: u64 = 25_000, 0 ..= 3_600_000,
        "The time that running requests get to finish after SIGTERM, in milliseconds. Default \
         25000: less than the 30 seconds that Kubernetes waits before SIGKILL.";
    upstream_connect_ms_max: u64 = 10_000, 100 ..= 600_000,
        "The time for a connection to a broker to be made, in milliseconds. Default 10000.";
}

/// Limits that contradict each other. A budget smaller than the largest frame it must carry would
/// stop that frame's connection for ever.
fn check_together(checker: &mut Checker<'_>, written: &LimitsDocument, limits: &Limits) {
    let largest = [
        (
            "request_budget_bytes",
            limits.request_budget_bytes,
            "request_bytes_max",
            limits.request_bytes_max,
            [&written.request_budget_bytes, &written.request_bytes_max],
        ),
        (
            "response_budget_bytes",
            limits.response_budget_bytes,
            "response_bytes_max",
            limits.response_bytes_max,
            [&written.response_budget_bytes, &written.response_bytes_max],
        ),
    ];
    for (budget_name, budget, frame_name, frame, places) in largest {
        let needed = frame.saturating_add(limits.inflated_batch_bytes_max);
        if budget < needed {
            let message = format!(
                "`{budget_name}` is {budget}, less than one frame of `{frame_name}` and one \
                 inflated batch ({frame} + {} bytes)",
                limits.inflated_batch_bytes_max
            );
            let places = places.into_iter().chain([&written.inflated_batch_bytes_max]);
            let help = format!("set `{budget_name}` to {needed} or more, or lower the others");
            checker.refuse_at_first(places, message, help);
        }
    }
    let ordered = [
        (
            ("unauthenticated_frame_bytes_max", limits.unauthenticated_frame_bytes_max),
            ("control_frame_bytes_max", limits.control_frame_bytes_max),
            [&written.unauthenticated_frame_bytes_max, &written.control_frame_bytes_max],
        ),
        (
            ("control_frame_bytes_max", limits.control_frame_bytes_max),
            ("request_bytes_max", limits.request_bytes_max),
            [&written.control_frame_bytes_max, &written.request_bytes_max],
        ),
        (
            ("control_frame_bytes_max", limits.control_frame_bytes_max),
            ("response_bytes_max", limits.response_bytes_max),
            [&written.control_frame_bytes_max, &written.response_bytes_max],
        ),
    ];
    for ((smaller_name, smaller), (larger_name, larger), places) in ordered {
        if smaller > larger {
            let message =
                format!("`{smaller_name}` is {smaller}, more than `{larger_name}` ({larger})");
            checker.refuse_at_first(places, message, format!("lower `{smaller_name}`"));
        }
    }
}
