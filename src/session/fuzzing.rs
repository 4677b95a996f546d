//! The body of the fuzz target, here so that the target itself is a few lines.

use std::sync::Arc;

use super::{Input, Output, Progress, Session, SessionLimits, Side};
use crate::audit::SessionFacts;
use crate::enforce::facts::{Cluster, Identity, Limits};
use crate::enforce::{Addresses, ToolPool, TopicNames};
use crate::identity::{Groups, Mechanism, Principal, Subject};
use crate::policy::PolicySet;

const NOW_MS: i64 = 1_700_000_000_000;
const LIMITS: SessionLimits = SessionLimits {
    request_bytes_max: 1 << 20,
    response_bytes_max: 1 << 20,
    control_frame_bytes_max: 1 << 17,
    unauthenticated_frame_bytes_max: 1 << 14,
    inflight_requests_max: 16,
    login_ms_max: 10_000,
};

/// Reads `data` as pieces of bytes from the client and from the broker, and holds the session to
/// what it promises: it comes back, it sends frames that are as long as they say, and after its end
/// it does nothing.
///
/// # Panics
/// When a promise is broken; that is what it is for.
pub fn fuzz_one(data: &[u8]) {
    let mut session = Session::new(Arc::new(cluster()), LIMITS, SessionFacts::default(), 1, NOW_MS);
    let policy = Arc::new(PolicySet::empty());
    let mut rest = data;
    while let Some(([selector, length], bytes)) = rest.split_first_chunk::<2>() {
        let (piece, behind) = bytes.split_at(usize::from(*length).min(bytes.len()));
        rest = behind;
        let side = if selector & 1 == 0 { Side::Downstream } else { Side::Upstream };
        if session.wants_bytes(side) {
            session.read_buffer(side).extend_from_slice(piece);
        }
        while session.handle_input(&Input::Received(side), &policy, NOW_MS) == Progress::Frame {
            drain(&mut session);
        }
        drain(&mut session);
        match selector >> 4 {
            0 => drop(session.handle_input(&Input::Drain, &policy, NOW_MS)),
            1 => drop(session.handle_input(&Input::KeysRefreshed, &policy, NOW_MS)),
            2 => drop(session.handle_input(&Input::Ended(side), &policy, NOW_MS)),
            _ => {}
        }
        drain(&mut session);
    }
}

fn drain(session: &mut Session) {
    while let Some(output) = session.poll_output() {
        if let Output::Send(_, slices) = output {
            let frame = slices.concat();
            let length = frame.first_chunk().map(|prefix| i32::from_be_bytes(*prefix));
            let written = frame.len().checked_sub(4).and_then(|bytes| i32::try_from(bytes).ok());
            assert_eq!(length, written, "a frame is as long as it says");
        }
    }
    assert!(session.poll_is_empty());
}

fn cluster() -> Cluster {
    let subject = Subject {
        principal: Principal::user(None, "fuzz"),
        groups: Groups::Unknown,
        mechanism: Mechanism::Anonymous,
    };
    Cluster {
        name: "fuzz".into(),
        addresses: Addresses::Keep,
        topics: TopicNames::default(),
        identity: Identity { anonymous: Some(Arc::new(subject)), ..Identity::default() },
        limits: Limits {
            request_bytes_max: LIMITS.request_bytes_max,
            control_frame_bytes_max: LIMITS.control_frame_bytes_max,
            inflated_batch_bytes_max: 1 << 20,
            elements_max: 10_000,
        },
        tools: ToolPool::default(),
        broker_knows_user: false,
    }
}
