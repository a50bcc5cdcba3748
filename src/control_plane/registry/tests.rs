//! The registry at work, over a real store.
