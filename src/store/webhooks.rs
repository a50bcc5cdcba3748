//! Who wants to be told, and what is still to be told.

use super::StoreError;
use crate::base::Timestamp;

/// Subscriptions, and the outbox of what they have not got yet.
pub trait Webhooks: Send + Sync {
    /// Keeps a subscription, in place of one with its id.
    fn put_webhook(&self, webhook: &Webhook) -> Result<(), StoreError>;

    /// Takes one out, with what it has not got. `false` if there is none.
    fn remove_webhook(&self, id: &str) -> Result<bool, StoreError>;

    /// All, by id.
    fn webhooks(&self) -> Result<Vec<Webhook>, StoreError>;

    /// Puts messages in the outbox, all or none; one whose id is there already is left as it is.
    fn queue_deliveries(&self, deliveries: &[NewDelivery]) -> Result<(), StoreError>;

    /// What should be sent now, the longest due first, at most `limit`.
    fn due_deliveries(&self, now: Timestamp, limit: usize) -> Result<Vec<Delivery>, StoreError>;

    /// It arrived.
    fn delivered(&self, id: &str, at: Timestamp) -> Result<(), StoreError>;

    /// It did not arrive: again at `next`; `None`: never.
    fn not_delivered(&self, id: &str, next: Option<Timestamp>) -> Result<(), StoreError>;

    /// What became of the messages for a webhook, the latest first, at most `limit`.
    fn deliveries(&self, webhook: &str, limit: usize) -> Result<Vec<DeliveryRow>, StoreError>;

    /// How many messages a webhook has not got yet.
    fn waiting_deliveries(&self, webhook: &str) -> Result<u64, StoreError>;

    /// Takes out what arrived, or was given up, before a time.
    fn forget_deliveries(&self, before: Timestamp) -> Result<(), StoreError>;
}

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: String,
    /// Where to.
    pub url: String,
    /// The key of its HMAC.
    pub secret: String,
    /// What it wants to be told of; empty: everything.
    pub kinds: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
}

/// A message for a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its id, which the receiver knows it by if it comes twice.
    pub id: String,
    /// For which webhook.
    pub webhook: String,
    /// What is sent.
    pub body: String,
    /// When to send it.
    pub at: Timestamp,
}

/// A message that has not arrived yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: String,
    /// To whom.
    pub webhook: Webhook,
    /// What is sent.
    pub body: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is due.
    pub next_at: Timestamp,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Its id.
    pub id: String,
    /// How often it was tried.
    pub attempts: u32,
    /// How far it is.
    pub state: DeliveryState,
}

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is tried at this time.
    Pending(Timestamp),
    /// It arrived, or was given up after the last attempt, at this time.
    Done(Timestamp),
}
