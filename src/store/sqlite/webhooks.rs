//! Subscriptions and the outbox.

use rusqlite::{Row, params};

use super::{Sqlite, page};
use crate::{
    base::Timestamp,
    store::{Delivery, DeliveryRow, DeliveryState, NewDelivery, StoreError, Webhook, Webhooks},
};

impl Webhooks for Sqlite {
    fn put_webhook(&self, webhook: &Webhook) -> Result<(), StoreError> {
        let Webhook { id, url, secret, kinds, created } = webhook;
        self.write(|transaction| {
            transaction.execute(
                "insert into webhook values (?, ?, ?, ?, ?) on conflict do update set
                 url = excluded.url, secret = excluded.secret, kinds = excluded.kinds",
                params![id, url, secret, kinds.join(" "), created.0],
            )?;
            Ok(())
        })
    }

    fn remove_webhook(&self, id: &str) -> Result<bool, StoreError> {
        self.write(|transaction| Ok(transaction.execute("delete from webhook where id = ?", [id])? > 0))
    }

    fn webhooks(&self) -> Result<Vec<Webhook>, StoreError> {
        self.read(|reader| {
            let mut statement =
                reader.prepare_cached("select id, url, secret, kinds, created from webhook order by id")?;
            Ok(statement.query_map([], |row| webhook(row, 0))?.collect::<Result<_, _>>()?)
        })
    }

    fn queue_deliveries(&self, deliveries: &[NewDelivery]) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut statement = transaction.prepare_cached(
                "insert into delivery (id, webhook, body, next_at) values (?, ?, ?, ?) on conflict do nothing",
            )?;
            for NewDelivery { id, webhook, body, at } in deliveries {
                statement.execute(params![id, webhook, body, at.0])?;
            }
            Ok(())
        })
    }

    fn due_deliveries(&self, now: Timestamp, limit: usize) -> Result<Vec<Delivery>, StoreError> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached(
                "select delivery.id, body, attempts, next_at, webhook.id, url, secret, kinds, created
                 from delivery join webhook on webhook.id = delivery.webhook
                 where next_at <= ? order by next_at limit ?",
            )?;
            let rows = statement.query_map(params![now.0, page(limit)], |row| {
                Ok(Delivery {
                    id: row.get(0)?,
                    body: row.get(1)?,
                    attempts: row.get(2)?,
                    next_at: Timestamp(row.get(3)?),
                    webhook: webhook(row, 4)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn delivered(&self, id: &str, at: Timestamp) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "update delivery set next_at = null, done = ?2, attempts = attempts + 1 where id = ?1",
                params![id, at.0],
            )?;
            Ok(())
        })
    }

    fn not_delivered(&self, id: &str, next: Option<Timestamp>) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute(
                "update delivery set done = case when ?2 is null then next_at end, next_at = ?2, attempts = attempts + 1
                 where id = ?1 and next_at is not null",
                params![id, next.map(|at| at.0)],
            )?;
            Ok(())
        })
    }

    fn deliveries(&self, webhook: &str, limit: usize) -> Result<Vec<DeliveryRow>, StoreError> {
        self.read(|reader| {
            let mut statement = reader.prepare_cached(
                "select id, attempts, next_at, done from delivery where webhook = ? order by rowid desc limit ?",
            )?;
            let rows = statement.query_map(params![webhook, page(limit)], |row| {
                let state = match row.get::<_, Option<i64>>(2)? {
                    Some(next) => DeliveryState::Pending(Timestamp(next)),
                    None => DeliveryState::Done(Timestamp(row.get::<_, Option<i64>>(3)?.unwrap_or_default())),
                };
                Ok(DeliveryRow { id: row.get(0)?, attempts: row.get(1)?, state })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    fn waiting_deliveries(&self, webhook: &str) -> Result<u64, StoreError> {
        self.read(|reader| {
            let mut statement =
                reader.prepare_cached("select count(*) from delivery where webhook = ? and next_at is not null")?;
            Ok(statement.query_row([webhook], |row| row.get::<_, i64>(0))?.unsigned_abs())
        })
    }

    fn forget_deliveries(&self, before: Timestamp) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("delete from delivery where done < ?", [before.0])?;
            Ok(())
        })
    }
}

/// A subscription whose columns begin at `first`.
fn webhook(row: &Row<'_>, first: usize) -> rusqlite::Result<Webhook> {
    let kinds: String = row.get(first + 3)?;
    Ok(Webhook {
        id: row.get(first)?,
        url: row.get(first + 1)?,
        secret: row.get(first + 2)?,
        kinds: kinds.split_whitespace().map(str::to_owned).collect(),
        created: Timestamp(row.get(first + 4)?),
    })
}
