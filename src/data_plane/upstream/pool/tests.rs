//! Connections that are kept, chosen origins, and who waits.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use super::{Instant, Places, Pool, Rc, Standing};
use crate::{
    config::{Edge, Upstreams},
    data_plane::{
        socket::{Counted, Side, Socket, Stream},
        upstream::{endpoint::Endpoint, origins::Origins},
    },
    domain::registry::Upstream,
    telemetry::Live,
};

const AGE_MAX: Duration = Duration::from_secs(3600);

fn pool() -> Pool {
    Pool::new(Origins::start(Arc::new(ArcSwap::from_pointee(Edge::default())), Arc::default()).unwrap(), 7)
}

fn upstream(text: &str) -> Upstream {
    Upstream::parse(text, Default::default()).unwrap()
}

fn endpoint(pool: &Pool, text: &str) -> Rc<Endpoint> {
    pool.endpoint(&upstream(text), 0).unwrap()
}

fn edge(per_origin: usize, total: usize) -> Edge {
    let mut edge = Edge::default();
    (edge.limits.origin_idle, edge.upstream.idle_total) = (per_origin, total);
    edge
}

async fn connection(listener: &TcpListener) -> (Socket, TcpStream) {
    let address = listener.local_addr().unwrap();
    let (ours, theirs) = tokio::join!(TcpStream::connect(address), listener.accept());
    let counted = Counted::new(&Arc::new(Live::default()), Side::Origin);
    (Socket::new(Stream::Plain(ours.unwrap()), counted), theirs.unwrap().0)
}

#[tokio::test]
async fn an_origin_that_closed_without_a_word_is_remembered_when_it_is_out_of_use() {
    let pool = pool();
    let text = "http://127.0.0.1:1";
    endpoint(&pool, text).was_surprised();
    for _ in 0..100 {
        pool.sweep(AGE_MAX);
    }
    assert!(!endpoint(&pool, text).keeps_connections(), "what cannot be sent twice still goes over new ones");
}

#[tokio::test]
async fn only_open_and_silent_connections_are_reused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // The kernel is asked, or what the runtime has heard is enough.
    for lately in [Duration::ZERO, AGE_MAX] {
        let (pool, mut peers) = (pool(), Vec::new());
        let origin = endpoint(&pool, "http://127.0.0.1:1");
        for _ in 0..3 {
            let (socket, peer) = connection(&listener).await;
            pool.put(&origin, socket, &edge(8, 8));
            peers.push(peer);
        }
        drop(peers.pop());
        peers[1].write_all(b"unasked").await.unwrap();
        // Loopback delivers at once, but a moment is allowed for.
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(pool.take(&origin, AGE_MAX, lately).is_some(), "the first is fine");
        assert!(pool.take(&origin, AGE_MAX, lately).is_none(), "the others were closed, or spoke unasked");
    }
}

#[tokio::test]
async fn a_new_origin_is_watched_and_one_that_closes_without_a_word_is_found_out() {
    let (pool, listener) = (pool(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let endpoint = endpoint(&pool, &format!("http://{}", listener.local_addr().unwrap()));
    assert!(!endpoint.keeps_connections(), "nothing is known of it");
    let ((ours, theirs), (other, still_there)) = (connection(&listener).await, connection(&listener).await);
    pool.put(&endpoint, ours, &Edge::default());
    pool.put(&endpoint, other, &Edge::default());
    drop(theirs);
    while pool.idle.get() > 1 {
        tokio::task::yield_now().await;
        pool.sweep(AGE_MAX);
    }
    assert!(endpoint.is_distrusted());
    assert!(pool.take(&endpoint, AGE_MAX, Duration::ZERO).is_some());
    assert_eq!(pool.idle.get(), 0);
    drop(still_there);
}

#[tokio::test]
async fn the_pool_is_bounded_and_ages() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (pool, mut peers) = (pool(), Vec::new());
    let origins = ["http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3"].map(|text| endpoint(&pool, text));
    for origin in origins.iter().cycle().take(12) {
        let (socket, peer) = connection(&listener).await;
        pool.put(origin, socket, &edge(2, 5));
        peers.push(peer);
    }
    let count = || origins.iter().map(|origin| origin.idle.borrow().len()).sum::<usize>();
    assert_eq!((count(), pool.idle.get()), (5, 5), "two of an origin, five in all");
    assert_eq!(origins[0].idle.borrow().len(), 1, "the oldest went");
    assert!(pool.take(&origins[1], Duration::ZERO, Duration::ZERO).is_none());
    assert!(
        pool.take(&origins[1], AGE_MAX, Duration::ZERO).is_some()
            && pool.take(&origins[1], AGE_MAX, Duration::ZERO).is_some()
    );
    assert!(pool.take(&origins[1], AGE_MAX, Duration::ZERO).is_none());
    assert_eq!((count(), pool.idle.get()), (3, 3));
    pool.sweep(AGE_MAX);
    assert_eq!(count(), 3);
    pool.sweep(Duration::ZERO);
    assert_eq!((count(), pool.idle.get(), pool.order.borrow().len()), (0, 0, 0));
}

#[tokio::test]
async fn what_is_taken_and_put_again_and_again_leaves_nothing_behind() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (pool, edge) = (pool(), edge(8, 64));
    let origins: Vec<_> = (1..=8).map(|port| endpoint(&pool, &format!("http://127.0.0.1:{port}"))).collect();
    let mut peers = Vec::new();
    for origin in &origins {
        let (socket, peer) = connection(&listener).await;
        pool.put(origin, socket, &edge);
        peers.push(peer);
    }
    for _ in 0..100 {
        for origin in &origins {
            let socket = pool.take(origin, AGE_MAX, Duration::ZERO).unwrap();
            pool.put(origin, socket, &edge);
        }
    }
    assert!(pool.order.borrow().len() <= 2 * 8 + 64);
    pool.sweep(Duration::ZERO);
    assert_eq!(pool.idle.get(), 0);
}

#[tokio::test]
async fn origins_out_of_use_are_forgotten() {
    let pool = pool();
    let lease = endpoint(&pool, "http://127.0.0.1:1").lease_now(&Upstreams::default()).unwrap();
    drop(endpoint(&pool, "http://127.0.0.1:2"));
    (0..10).for_each(|_| pool.sweep(AGE_MAX));
    assert_eq!(pool.endpoints.borrow().len(), 1, "one is in use");
    drop(lease);
    (0..10).for_each(|_| pool.sweep(AGE_MAX));
    assert_eq!(pool.endpoints.borrow().len(), 0);
}

#[tokio::test]
async fn every_origin_is_tried_once() {
    let (pool, policy) = (pool(), Edge::default().upstream.eject);
    let upstream = upstream("http://127.0.0.1:1;http://127.0.0.1:2;http://127.0.0.1:3");
    for _ in 0..3 {
        let (mut tried, mut order) = (Places::default(), Vec::new());
        while let Some(choice) = pool.choose(&upstream, tried, policy) {
            tried.insert(choice.index);
            order.push(choice.index);
            let may_eject = pool.has_other(&upstream, &choice.endpoint);
            choice.endpoint.lease_now(&Upstreams::default()).unwrap().failed(policy, may_eject);
        }
        order.sort_unstable();
        assert_eq!(order, [0, 1, 2]);
    }
    let standing = |index| pool.endpoint(&upstream, index).unwrap().state.standing(Instant::now());
    let out = (0..3).filter(|&index| standing(index) == Standing::Out).count();
    assert_eq!(out, 2, "all failed three times, and the last one was not left out");
}

#[tokio::test]
async fn who_waits_is_served_in_turn_and_not_for_ever() {
    let limits = Upstreams { connections: 1, queue: 2, queue_time: Duration::from_millis(50), ..Upstreams::default() };
    let pool = pool();
    let origin = endpoint(&pool, "http://127.0.0.1:1");
    let first = origin.lease_now(&limits).unwrap();
    assert!(origin.lease_now(&limits).is_none());
    assert!(origin.lease(&limits).await.is_none(), "the time is over");
    let patient = Upstreams { queue_time: Duration::from_secs(60), ..limits.clone() };
    let wait = |name: &'static str| {
        let (origin, patient) = (&origin, &patient);
        async move { origin.lease(patient).await.map(|lease| (name, lease)) }
    };
    let (second, third) = (wait("second"), wait("third"));
    tokio::pin!(second, third);
    tokio::select! {
        biased;
        _ = &mut second => panic!("nobody has let go"),
        _ = &mut third => panic!("nobody has let go"),
        full = origin.lease(&patient) => assert!(full.is_none(), "two wait already"),
    }
    drop(first);
    let (name, lease) =
        tokio::select! { biased; served = &mut third => served, served = &mut second => served }.unwrap();
    assert_eq!(name, "second");
    drop(lease);
    assert!(third.await.is_some());
    assert!(origin.lease_now(&limits).is_some(), "nobody has it any more");
}
