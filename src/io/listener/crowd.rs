//! How many connections each address has open.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

/// The counts of all listeners together. As large as the number of open connections at the most.
pub struct Crowd {
    each_max: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

impl Crowd {
    #[must_use]
    pub fn new(each_max: usize) -> Arc<Self> {
        Arc::new(Self { each_max, open: Mutex::default() })
    }

    #[must_use]
    pub fn each_max(&self) -> usize {
        self.each_max
    }

    /// A place for one more connection of this address; none where it has all it may have.
    #[must_use]
    pub fn join(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut open = self.open.lock();
        let count = open.entry(address).or_default();
        if *count >= self.each_max {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Place { crowd: Arc::clone(self), address })
    }
}

/// One connection of an address, for as long as this lives.
pub struct Place {
    crowd: Arc<Crowd>,
    address: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.crowd.open.lock();
        if let Some(count) = open.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t52_an_address_takes_no_more_than_its_share() {
        let crowd = Crowd::new(2);
        let (one, other) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        let first = crowd.join(one).unwrap();
        let _second = crowd.join(one).unwrap();
        assert!(crowd.join(one).is_none());
        assert!(crowd.join(other).is_some(), "others are not concerned");
        drop(first);
        assert!(crowd.join(one).is_some());
        assert_eq!(crowd.open.lock().len(), 1, "who has left is forgotten");
    }
}
