//! The life of a request, one stage a line: `Session::stages`. Every early exit is a
//! [`Stop`], and `respond` is the one place where a refusal becomes a response.

use std::{pin::pin, rc::Rc, sync::Arc};

use bytes::BytesMut;

use super::{
    admission::Admission,
    answer,
    body::{self, Filter, Filtered},
    client::{Client, Inlet, Outlet, Wire},
    connection::After,
    downstream::Downstream,
    forwarding,
    http1::{HeadFault, RequestHead, ResponseHead},
    limits,
    observe::Capture,
    posts,
    record::Record,
    request, respond, response,
    stop::Stop,
    tunnel::{self, End, From, To},
    upload::{self, Progress, RequestBody, Upload},
    upstream::{self, Addresses, Link, Request, Way},
    websocket::Handshake,
    worker::Worker,
};
use crate::{
    base::HostName,
    config::Edge,
    domain::{
        acme::CHALLENGE_PATH,
        event::Outcome,
        message::{self, ConnectionFacts, Facts, Framing, RawHead, Version},
        policy::{Permit, Reason, Refusal},
        registry::Filing,
        snapshot::Snapshot,
        standing::PageKey,
    },
    engine::body_filter::{self, Consequence},
};

/// One request, from its head to its end.
pub(super) struct Session<'a> {
    pub(super) worker: &'a Worker,
    pub(super) edge: Arc<Edge>,
    pub(super) snapshot: Arc<Snapshot>,
    /// Goes up when the session is dropped.
    pub(super) record: Record,
    /// Once the head has been checked.
    pub(super) facts: Option<Rc<Facts>>,
    pub(super) body: RequestBody,
    progress: Progress,
    /// Where a stream of HTTP/2 is to become a WebSocket.
    websocket: Option<Handshake>,
}

/// What came of an exchange with an origin.
enum Carried {
    /// The origin's bytes that followed its 101.
    Switched(BytesMut),
    Answered(Filtered, ResponseHead),
}

/// Serves one request.
pub(super) async fn turn(
    worker: &Worker,
    edge: Arc<Edge>,
    client: &mut Client,
    head: &Result<RequestHead, HeadFault>,
) -> After {
    let mut session = Session::begin(worker, edge, client);
    let ended = match head {
        Ok(head) => {
            let time = session.edge.pressure.request;
            let ended = limits::within(time, pin!(session.stages(client, head))).await;
            ended.unwrap_or_else(|| Err(session.out_of_time()))
        }
        Err(fault) => Err(Stop::refused(fault.reason(), fault.as_str())),
    };
    session.record.request_bytes += session.progress.bytes.get();
    // Whatever became of it.
    client.is_under_way();
    match ended {
        Ok(after) => after,
        Err(Stop::Refused(refusal)) if session.record.status == 0 => {
            Box::pin(respond::refuse(session, client, refusal)).await
        }
        Err(Stop::Proved(proof)) => Box::pin(respond::prove(session, client, &proof)).await,
        Err(Stop::Refused(_) | Stop::ClientGone) => session.cut(client, Outcome::ClientGone),
        Err(Stop::Cut(outcome)) => session.cut(client, outcome),
    }
}

impl<'a> Session<'a> {
    /// A function of its own: a request does not own the room for what is only handed on here.
    fn begin(worker: &'a Worker, edge: Arc<Edge>, client: &Client) -> Self {
        let shared = &worker.shared;
        let snapshot = shared.snapshot.load_full();
        let protocol = match client.wire {
            Wire::Http1(_) => "http/1.1",
            Wire::Http2(_) => "h2",
        };
        let (now, events) = (shared.clock.now(), Rc::clone(&worker.events));
        let mut record = Record::new(worker.request_id(), now, (protocol, &client.peer), events);
        record.generation = snapshot.generation;
        let (body, progress) = (RequestBody::new(Framing::None), Progress::new(record.started()));
        Self { worker, edge, snapshot, record, facts: None, body, progress, websocket: None }
    }
}

impl Session<'_> {
    async fn stages(&mut self, client: &mut Client, head: &RequestHead) -> Result<After, Stop> {
        let facts = self.normalise(client, head)?;
        limits::check_client(self.worker, &self.edge, self.record.client)?;
        let filing = self.snapshot.registry.look_up(&facts.host);
        let permit = self.admit(&facts, filing, head)?;
        self.prove(&facts, head)?;
        limits::check_site(self.worker, &self.edge, &permit)?;
        if facts.framing != Framing::None {
            client.is_under_way();
        }
        self.read_post(client, head, &facts, &permit).await?;
        let link = self.send(client, head, &facts, &permit).await?;
        client.is_under_way();
        let carried = self.filter(client, head, &facts, &permit, &link).await?;
        match carried {
            // In a box, so that requests that stay requests do not own the room for it.
            Carried::Switched(inbox) => Ok(Box::pin(self.tunnel(client, &facts, &permit, link, inbox)).await),
            Carried::Answered(filtered, reply) => Ok(self.conclude(client, &facts, link, filtered, &reply)),
        }
    }

    fn normalise(&mut self, client: &Client, head: &RequestHead) -> Result<Rc<Facts>, Stop> {
        self.record.protocol = match head.version {
            Version::Http10 => "http/1.0",
            Version::Http11 => "http/1.1",
            Version::H2 => "h2",
        };
        self.record.set_method(head.method());
        self.record.set_target(head.path());
        self.record.client = forwarding::client_of(&head.fields, client.peer.address.ip(), &self.edge.trusted_proxies);
        let headers: Vec<_> = head.fields.iter().collect();
        let raw = RawHead { method: head.method(), target: head.target(), version: head.version, headers: &headers };
        let covers =
            |host: &HostName| client.peer.certificate.as_ref().is_some_and(|certificate| certificate.covers(host));
        let connection =
            ConnectionFacts { tls: client.peer.tls, certificate_covers: Some(&covers), stream: head.stream() };
        let facts = message::normalise(raw, connection).map_err(|(reason, what)| Stop::refused(reason, what))?;
        self.record.host = Some(facts.host.shared());
        if head.target().len() > self.edge.pressure.uri_bytes {
            return Err(Stop::refused(Reason::UriTooLong, "limits.uri"));
        }
        self.body = RequestBody::new(facts.framing);
        let facts = Rc::new(facts);
        self.facts = Some(Rc::clone(&facts));
        Ok(facts)
    }

    fn admit(&mut self, facts: &Facts, filing: Filing, head: &RequestHead) -> Result<Permit, Stop> {
        if self.worker.shared.observations.refuses() {
            return Err(Stop::refused(Reason::Overloaded, "what is found cannot be recorded now"));
        }
        let locks = &self.worker.shared.locks;
        let lock = if locks.is_empty() { None } else { locks.look_up(&page_of(facts)) };
        let Snapshot { policy, standing, .. } = &*self.snapshot;
        let permit = policy.admit(facts, filing, standing, lock.as_ref(), self.record.at)?;
        self.record.unit = Some(Arc::clone(permit.site().unit()));
        let upgrade_blocked = self.snapshot.scan.consequences.of(body_filter::Reason::Upgrade) == Consequence::Block;
        if upgrade_blocked && facts.upgrade.is_some() {
            return Err(of_site(&permit, Reason::ContentBlocked, body_filter::Reason::Upgrade.as_str()));
        }
        if permit.is_recheck() {
            // Reading a page again must not do anything at the origin, and must show what is on it.
            if head.method() != b"GET" {
                return Err(of_site(&permit, Reason::PageLocked, ""));
            }
            locks.postpone(&page_of(facts), self.record.at, self.edge.lock_recheck);
        }
        Ok(permit)
    }

    /// An authority of certificates asks for a proof that an order of ours promised it. Whatever else is
    /// asked for is the origin's: it may have orders of its own.
    fn prove(&self, facts: &Facts, head: &RequestHead) -> Result<(), Stop> {
        if !facts.target.starts_with(CHALLENGE_PATH) || !matches!(head.method(), b"GET" | b"HEAD") {
            return Ok(());
        }
        let path = facts.target.split('?').next().unwrap_or_default();
        match self.worker.shared.challenges.load().proof(facts.host.as_str(), path) {
            Some(proof) => Err(Stop::Proved(Arc::clone(proof))),
            None => Ok(()),
        }
    }

    async fn send(
        &mut self,
        client: &mut Client,
        head: &RequestHead,
        facts: &Facts,
        permit: &Permit,
    ) -> Result<Link, Stop> {
        let has_http2 = upstream::speaks_http2(permit, facts.upgrade.is_some(), (self.worker, &self.edge)).await;
        self.websocket = match (&facts.upgrade, head.version, has_http2) {
            (None, _, _) | (Some(_), Version::Http10 | Version::Http11, false) => None,
            (Some(upgrade), Version::Http10 | Version::Http11, true) => Handshake::stream_for(head, upgrade),
            (Some(_), Version::H2, true) => Some(Handshake::stream()),
            (Some(_), Version::H2, false) => {
                let overloaded = |error: std::io::Error| of_site(permit, Reason::Overloaded, &error.to_string());
                Some(Handshake::upgrade().map_err(overloaded)?)
            }
        };
        let context = request::Context {
            facts,
            client: self.record.client,
            peer: client.peer.address.ip(),
            is_trusted: forwarding::is_trusted(client.peer.address.ip(), &self.edge.trusted_proxies),
            tls: client.peer.tls,
            whole: permit.is_recheck(),
            scanned: self.snapshot.scan.enabled,
            websocket: self.websocket.as_ref(),
        };
        let (mut bytes, for_http2) = request::heads(head, &context, has_http2);
        if facts.state_changing && self.edge.posts {
            self.progress.copy_up_to(self.snapshot.scan.hold_bytes);
        }
        let (mut inlet, _) = client.halves();
        match for_http2 {
            None => self.body.put_ready(&mut inlet, &mut bytes, &self.progress)?,
            Some(_) => self.progress.done.set(self.body.is_ended()),
        }
        let replayable = facts.framing == Framing::None
            && matches!(head.method(), b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE" | b"PUT" | b"DELETE");
        let addresses = Addresses::of(self.record.client, client);
        let request = Request { bytes, head: for_http2, is_bodiless: self.progress.done.get(), replayable, addresses };
        upstream::send(permit, request, (self.worker, &self.edge), &mut self.record).await
    }

    /// Receives the origin's answer, and passes on of it what the rules allow.
    async fn filter(
        &mut self,
        client: &mut Client,
        head: &RequestHead,
        facts: &Facts,
        permit: &Permit,
        link: &Link,
    ) -> Result<Carried, Stop> {
        let (worker, edge, progress) = (self.worker, &*self.edge, &self.progress);
        let mut inbox = BytesMut::new();
        let (inlet, outlet) = client.halves();
        let mut running = pin!(upload::run(inlet, &mut self.body, link.way(), progress, edge));
        let mut downstream = Downstream::new(outlet, Upload(running.as_mut()), edge.timeouts.client_idle);
        let (version, websocket) = (head.version, self.websocket.as_ref());
        let is_kept = self.snapshot.scan.enabled;
        let asked = answer::Asked { facts, permit, link, version, websocket, progress, is_kept };
        let mut reply = answer::receive(&asked, &mut inbox, &mut downstream, (worker, edge), &mut self.record).await?;
        posts::note_post((worker, &self.snapshot, &mut self.record), head, permit, &progress.take_copy());
        if reply.status == 101 {
            return Ok(Carried::Switched(inbox));
        }
        let framing = response::framing(&reply, head.method() == b"HEAD")
            .map_err(|(reason, what)| of_site(permit, reason, what))?;
        let close = !facts.keep_alive || !progress.done.get() || worker.stop.is_cancelled();
        let (snapshot, record) = (&*self.snapshot, &mut self.record);
        let capture = Capture::new(&worker.shared.budget);
        let filter =
            Filter { worker, edge, snapshot, permit, facts, reply: &mut reply, version, close, record, capture };
        // In a box: who waits for an origin's answer does not own the room for what comes behind its head.
        let filtered = Box::pin(body::filter(filter, downstream, framing, link.way(), &mut inbox)).await?;
        Ok(Carried::Answered(filtered, reply))
    }

    /// Passes on what client and origin say once they have switched protocols.
    async fn tunnel(
        &mut self,
        client: &mut Client,
        facts: &Facts,
        permit: &Permit,
        link: Link,
        mut inbox: BytesMut,
    ) -> After {
        self.record.outcome = Outcome::Tunnelled;
        let (inlet, outlet) = client.halves();
        let left = End { from: From::Client(inlet), to: To::Client(outlet), bytes: &mut self.record.request_bytes };
        let (from, to) = match link.way() {
            Way::Http1(socket) => (From::Client(Inlet::Http1(socket, &mut inbox)), To::Client(Outlet::Http1(socket))),
            Way::Http2(exchange) => (From::Origin(exchange), To::Origin(exchange)),
        };
        let right = End { from, to, bytes: &mut self.record.response_bytes };
        let admission = Admission { worker: self.worker, snapshot: &self.snapshot, permit, facts };
        let is_whole = tokio::select! {
            is_whole = Box::pin(tunnel::run(left, right, self.edge.timeouts.tunnel_idle)) => is_whole,
            () = admission.ended() => {
                self.record.outcome = Outcome::Aborted;
                false
            }
        };
        match &client.wire {
            Wire::Http2(stream) if !is_whole => stream.reset(),
            Wire::Http1(_) | Wire::Http2(_) => {}
        }
        After::Close
    }

    /// What becomes of both connections.
    fn conclude(
        &mut self,
        client: &Client,
        facts: &Facts,
        link: Link,
        filtered: Filtered,
        reply: &ResponseHead,
    ) -> After {
        self.record.outcome = Outcome::Forwarded;
        let is_done = self.progress.done.get() && !facts.stray_body;
        if filtered.origin_is_clean && is_done && response::origin_keeps(reply) {
            link.keep(self.worker, &self.edge);
        }
        match filtered.client_keeps {
            true => After::KeepAlive,
            false if self.progress.done.get() && !facts.keep_alive && client.is_quiet() => After::Close,
            false => After::Linger,
        }
    }

    /// The exchange took longer than any may.
    fn out_of_time(&self) -> Stop {
        match (self.record.status, self.progress.done.get()) {
            (0, true) => Stop::refused(Reason::OriginTimeout, "timeouts.request"),
            (0, false) => Stop::refused(Reason::RequestTimeout, "the request did not arrive in time"),
            (_, _) => Stop::Cut(Outcome::OriginBroke),
        }
    }

    /// Ends a connection whose response has begun and must not look whole.
    fn cut(&mut self, client: &Client, outcome: Outcome) -> After {
        self.record.outcome = outcome;
        // HTTP/1.0 may know the end of a body by the close alone; and what is queued for a client that
        // takes nothing would stay in the kernel for minutes.
        match &client.wire {
            Wire::Http1(http1) if self.record.protocol == "http/1.0" || outcome == Outcome::ClientGone => {
                http1.socket.reset_on_close();
            }
            Wire::Http1(_) => {}
            Wire::Http2(stream) => stream.reset(),
        }
        After::Cut
    }
}

/// What a lock on the page would be on.
pub(super) fn page_of(facts: &Facts) -> PageKey {
    PageKey { host: facts.host.shared(), target: facts.target.as_str().into() }
}

/// A refusal after the gate.
pub(super) fn of_site(permit: &Permit, reason: Reason, detail: &str) -> Stop {
    Stop::Refused(Refusal { reason, detail: detail.to_owned(), site: Some(permit.site().clone()) })
}
