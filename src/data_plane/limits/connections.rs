//! How many connections each address has. An address without any has no entry, so the table is bounded by
//! the number of connections.

use std::sync::Arc;

use dashmap::{DashMap, Entry};

use super::ClientKey;

/// Connections by the client they come from.
#[derive(Default)]
pub(super) struct Connections(DashMap<ClientKey, usize>);

/// One connection of an address, until it is dropped.
pub(in crate::data_plane) struct Place {
    connections: Arc<Connections>,
    client: ClientKey,
}

impl Connections {
    /// A place, if the client has fewer than `most`.
    pub(super) fn enter(connections: &Arc<Self>, client: ClientKey, most: usize) -> Option<Place> {
        let mut count = connections.0.entry(client).or_insert(0);
        if *count >= most {
            return None;
        }
        *count += 1;
        drop(count);
        Some(Place { connections: Arc::clone(connections), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Entry::Occupied(mut entry) = self.connections.0.entry(self.client) {
            *entry.get_mut() -= 1;
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{ClientKey, Connections};

    #[test]
    fn an_address_has_its_share_and_leaves_nothing_behind() {
        let connections = Arc::new(Connections::default());
        let enter = |address| Connections::enter(&connections, ClientKey::V4(address), 2);
        let (first, second) = (enter(1), enter(1));
        assert!(first.is_some() && second.is_some() && enter(1).is_none());
        let other = enter(2);
        assert!(other.is_some());
        drop(first);
        assert!(enter(1).is_some());
        drop((second, other));
        assert!(connections.0.is_empty());
    }
}
