//! Share sessions that a connection opened, and what was taken out of them.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::wire::TopicId;

/// A client keeps one session a broker; a few more are kept for clients with several consumers.
const SESSIONS_MAX: usize = 16;

/// Partitions kept of one session; beyond that a refusal is said once.
const REMOVED_MAX: usize = 10_000;

/// A partition by its topic's id.
pub(super) type Partition = (TopicId, i32);

/// Whose session it is: Kafka's `ShareSessionKey`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SessionKey {
    pub group: Arc<str>,
    pub member: Arc<str>,
}

pub(super) struct ShareSession {
    key: SessionKey,
    /// What the client believes to be in the session and the broker was never asked for.
    pub removed: Vec<Partition>,
    /// The broker gave records of a topic that may not be read (any more).
    pub is_stale: bool,
}

/// The share sessions of one connection, newest last.
#[derive(Default)]
pub struct ShareSessions {
    sessions: SmallVec<[ShareSession; 1]>,
}

impl ShareSessions {
    pub(super) fn find(&self, key: &SessionKey) -> Option<&ShareSession> {
        self.sessions.iter().find(|session| session.key == *key)
    }

    /// The broker has begun this session or gone on with it.
    pub(super) fn keep(&mut self, key: &SessionKey, mut removed: Vec<Partition>) {
        removed.truncate(REMOVED_MAX);
        if let Some(known) = self.sessions.iter_mut().find(|session| session.key == *key) {
            known.removed = removed;
            known.is_stale = false;
            return;
        }
        if self.sessions.len() >= SESSIONS_MAX {
            self.sessions.remove(0);
        }
        self.sessions.push(ShareSession { key: key.clone(), removed, is_stale: false });
    }

    pub(super) fn doubt(&mut self, key: &SessionKey) {
        if let Some(known) = self.sessions.iter_mut().find(|session| session.key == *key) {
            known.is_stale = true;
        }
    }

    pub(super) fn forget(&mut self, key: &SessionKey) {
        self.sessions.retain(|session| session.key != *key);
    }
}
