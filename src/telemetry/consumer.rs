//! The one thread that takes events out of the queue.

use std::{io, sync::Arc, thread, time::Duration};

use super::{
    EventReceiver, Metrics,
    access_line::access_line,
    access_log::{AccessLog, Reopen},
};
use crate::{config::Log, domain::event::Event};

/// Sees every event after it was counted; runs on the telemetry thread, so it should be quick.
pub type Observer = Box<dyn FnMut(&Event) + Send>;

/// Lines are written when so many bytes have come together, or when no event waits.
const BATCH_BYTES: usize = 64 << 10;

/// As long as events come, the thread takes them once in so long: it is woken up by the first one only, which costs
/// who sends it.
const GATHER: Duration = Duration::from_millis(10);

/// Starts the telemetry thread. It ends when every sender of the queue is gone and all that was
/// in the queue is written.
pub fn start(
    mut events: EventReceiver,
    metrics: Arc<Metrics>,
    log: &Log,
    reopen: Reopen,
    mut observer: Option<Observer>,
) -> io::Result<thread::JoinHandle<()>> {
    let mut access_log = AccessLog::new(log.access.clone(), reopen, Arc::clone(&metrics));
    let addresses = log.client_address;
    thread::Builder::new().name("telemetry".into()).spawn(move || {
        while let Some(first) = events.next_blocking() {
            let mut next = Some(first);
            loop {
                let is_quiet = next.is_none();
                while let Some(event) = next {
                    metrics.count(&event);
                    if let Some(observer) = &mut observer {
                        observer(&event);
                    }
                    if let Event::Exchange(exchange) = &event
                        && access_log.is_on()
                    {
                        access_log.push(&access_line(exchange, addresses));
                    }
                    if access_log.buffered_bytes() >= BATCH_BYTES {
                        access_log.write();
                    }
                    next = events.next_if_any();
                }
                access_log.write();
                if is_quiet {
                    break;
                }
                thread::sleep(GATHER);
                next = events.next_if_any();
            }
        }
    })
}
