//! How many connections each principal has: counted when it logs in, given back when the connection
//! ends, however it ends.

use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::identity::Principal;

/// The count of every principal that has a connection.
pub struct Seats {
    limit: usize,
    taken: DashMap<Principal, usize>,
}

impl Default for Seats {
    /// Without a limit.
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

impl Seats {
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, taken: DashMap::new() }
    }

    /// The most connections of one principal.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// A place for one more connection of `principal`; none where it has all it may have.
    #[must_use]
    pub fn take(self: &Arc<Self>, principal: &Principal) -> Option<Seat> {
        match self.taken.entry(principal.clone()) {
            Entry::Occupied(mut count) if *count.get() < self.limit => *count.get_mut() += 1,
            Entry::Vacant(none) if self.limit > 0 => {
                none.insert(1);
            }
            Entry::Occupied(_) | Entry::Vacant(_) => return None,
        }
        Some(Seat { seats: Arc::clone(self), principal: principal.clone() })
    }

    /// How many principals have a connection.
    #[must_use]
    pub fn principals(&self) -> usize {
        self.taken.len()
    }
}

/// One connection's place; given back when this is dropped.
pub struct Seat {
    seats: Arc<Seats>,
    principal: Principal,
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Entry::Occupied(mut count) = self.seats.taken.entry(self.principal.clone()) {
            if *count.get() > 1 {
                *count.get_mut() -= 1;
            } else {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_are_counted_by_principal_and_given_back_also_by_a_panic() {
        let seats = Arc::new(Seats::new(2));
        let alice = Principal::user(None, "alice");
        let first = seats.take(&alice).unwrap();
        let second = seats.take(&alice).unwrap();
        assert!(seats.take(&alice).is_none());
        assert!(seats.take(&Principal::user(Some("corp".into()), "alice")).is_some());
        drop(first);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _third = seats.take(&alice).unwrap();
            panic!("a bug");
        }));
        assert!(panicked.is_err());
        assert!(seats.take(&alice).is_some());
        drop(second);
        assert_eq!(seats.principals(), 0);
    }
}
