//! Places for viewers: so many in all, and so many for each address.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) struct Places {
    pub(crate) max: usize,
    /// None: as many as there are places. Behind a load balancer all viewers come from few addresses.
    max_of_address: Option<usize>,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    /// Empty if addresses are not limited.
    by_address: HashMap<IpAddr, usize>,
}

/// Free again when it is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    All,
    OfAddress,
}

impl Places {
    pub(crate) fn new(max: usize, max_of_address: Option<usize>) -> Arc<Self> {
        Arc::new(Self { max, max_of_address, taken: Mutex::default() })
    }

    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Result<Place, Full> {
        let mut taken = self.lock();
        if taken.all >= self.max {
            return Err(Full::All);
        }
        if let Some(max) = self.max_of_address {
            let of_address = taken.by_address.entry(address).or_default();
            if *of_address >= max {
                return Err(Full::OfAddress);
            }
            *of_address += 1;
        }
        taken.all += 1;
        Ok(Place { places: Arc::clone(self), address })
    }

    pub(crate) fn taken(&self) -> usize {
        self.lock().all
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.all -= 1;
        if let Entry::Occupied(mut of_address) = taken.by_address.entry(self.address) {
            *of_address.get_mut() -= 1;
            if *of_address.get() == 0 {
                of_address.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_limited_in_all_and_for_an_address_and_given_back() {
        let [one, two] = [1, 2].map(|last| IpAddr::from([127, 0, 0, last]));
        let places = Places::new(3, Some(2));
        let held = [places.take(one).unwrap(), places.take(one).unwrap()];
        assert_eq!(places.take(one).err(), Some(Full::OfAddress));
        let last = places.take(two).unwrap();
        assert_eq!(places.take(two).err(), Some(Full::All));
        drop(held);
        assert_eq!(places.taken(), 1);
        let again = places.take(one).unwrap();
        drop((last, again));
        assert!(places.lock().by_address.is_empty());
    }
}
