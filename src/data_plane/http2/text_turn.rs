//! A text's turn to be read: what it takes to judge one is held for as long as its client likes.

use std::rc::Rc;

use tokio::sync::SemaphorePermit;

use super::transport::Link;

/// Counts a text among those of its connection that are held, or wait for the client, until it is dropped.
pub(in crate::data_plane) struct TextTurn<'w> {
    link: Option<Rc<Link>>,
    /// Its place among those of a worker that were let in nevertheless.
    _place: Option<SemaphorePermit<'w>>,
}

impl<'w> TextTurn<'w> {
    /// On this connection.
    pub(super) fn of(link: &Rc<Link>, place: Option<SemaphorePermit<'w>>) -> Self {
        link.pressure.add_text();
        Self { link: Some(Rc::clone(link)), _place: place }
    }

    /// Of a client that has a connection for one exchange at a time.
    pub(in crate::data_plane) fn alone() -> Self {
        Self { link: None, _place: None }
    }

    /// It is held no more. Whenever it waits for its client from now on, it counts again.
    pub(in crate::data_plane) fn goes_on(&mut self) {
        if let Some(link) = self.link.take() {
            link.pressure.text_went_on();
        }
    }
}

impl Drop for TextTurn<'_> {
    fn drop(&mut self) {
        self.goes_on();
    }
}
