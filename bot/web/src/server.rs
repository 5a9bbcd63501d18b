//! Accepting connections: HTTP/1.1 with limits on what a client may hold and for how long.
//!
//! A client that sends its headers or its body byte by byte, or never reads what it asked for, loses its connection after a
//! while. Where too many are open, from one address or in all, a new one takes the place of the oldest that asks for nothing
//! right now, else of the oldest: slow clients crowd each other out, and a quick one is served before its turn comes. Where the
//! peer is a proxy of ours, its clients share its address, and only the number of all counts.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tower_service::Service as _;

use vigie_domain::french;
use vigie_service::Failure;

use crate::proxies::Proxies;

/// What clients may hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections open at once.
    pub connections: usize,
    /// Connections open at once from one address (an IPv6 network of 64 bits counts as one).
    pub per_address: usize,
    /// Longest wait for the headers of a request; a connection that is kept waits as long for the next one.
    pub headers: Duration,
    /// Longest time from the headers of a request, through its body, to its answer.
    pub request: Duration,
    /// Longest life of a connection: whoever reads an answer slower than that does not want it.
    pub connection: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            per_address: 64,
            headers: Duration::from_secs(10),
            request: Duration::from_secs(30),
            connection: Duration::from_secs(300),
        }
    }
}

/// Most bytes kept of a request's headers and of what is read ahead (hyper's least is 8 KiB).
const MAX_HEADERS: usize = 32 * 1024;
/// Pause after a connection that could not be accepted: no file descriptor may be left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);

/// The connections that are open, oldest first.
#[derive(Debug, Default)]
struct Open {
    next: u64,
    held: BTreeMap<u64, Arc<Held>>,
}

/// One of them.
#[derive(Debug)]
struct Held {
    /// `None`: counted among all, not by address.
    address: Option<IpAddr>,
    /// A request is under way.
    busy: AtomicBool,
    /// Another takes its place.
    replaced: Notify,
}

/// A place among the open connections, given back when dropped.
struct Place {
    open: Arc<Mutex<Open>>,
    number: u64,
    held: Arc<Held>,
}

impl Place {
    /// Takes a place; where none is left, that of another.
    fn take(open: &Arc<Mutex<Open>>, address: Option<IpAddr>, limits: &Limits) -> Self {
        let held = Arc::new(Held { address, busy: AtomicBool::new(false), replaced: Notify::new() });
        let mut all = open.lock().unwrap_or_else(PoisonError::into_inner);
        if address.is_some() && all.held.values().filter(|h| h.address == address).count() >= limits.per_address {
            all.replace_one(|other| other.address == address);
        }
        if all.held.len() >= limits.connections {
            all.replace_one(|_| true);
        }
        all.next += 1;
        let number = all.next;
        all.held.insert(number, Arc::clone(&held));
        Self { open: Arc::clone(open), number, held }
    }
}

impl Open {
    /// Ends the oldest of these connections that asks for nothing right now, else the oldest.
    fn replace_one(&mut self, among: impl Fn(&Held) -> bool) {
        let idle = self.held.iter().find(|(_, h)| among(h) && !h.busy.load(Ordering::Relaxed));
        let found = idle.or_else(|| self.held.iter().find(|(_, h)| among(h)));
        let Some(number) = found.map(|(number, _)| *number) else { return };
        if let Some(held) = self.held.remove(&number) {
            held.replaced.notify_one();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).held.remove(&self.number);
    }
}

/// An address as limits count it: one customer of a provider holds a whole IPv6 /64; an IPv4 address is itself however it is
/// written.
pub(crate) fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(v6) => {
            let s = v6.segments();
            IpAddr::from([s[0], s[1], s[2], s[3], 0, 0, 0, 0])
        }
        v4 => v4,
    }
}

/// Listens on an address that a setting or a flag, `place`, gives.
///
/// # Errors
/// It is none of this machine, or another program has it.
pub async fn listen(address: &str, place: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|e| {
        let fix = "choisissez un autre port, ou arrêtez l’autre programme";
        Failure::new(format!("impossible d’écouter sur {address} : {}", french::of_system(&e)), place, fix)
    })
}

/// Serves a router until `stop` ends; what is under way then ends first.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    proxies: Arc<Proxies>,
    stop: impl Future<Output = ()> + Send,
) {
    let open = Arc::<Mutex<Open>>::default();
    let (stopped, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = &mut stop => break,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(e) => {
                tracing::warn!("a connection is not accepted: {e}");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        let address = network(peer.ip());
        let counted = (!proxies.is_trusted(peer.ip())).then_some(address);
        let place = Place::take(&open, counted, &limits);
        connections.spawn(connection(socket, peer, router.clone(), limits, place, stopping.clone()));
    }
    drop(listener);
    let _ = stopped.send(true);
    while connections.join_next().await.is_some() {}
}

/// One connection, with one request after another.
async fn connection(
    socket: TcpStream,
    peer: SocketAddr,
    router: Router,
    limits: Limits,
    place: Place,
    mut stopping: watch::Receiver<bool>,
) {
    let _ = socket.set_nodelay(true);
    let held = Arc::clone(&place.held);
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let (mut router, held) = (router.clone(), Arc::clone(&held));
        async move {
            held.busy.store(true, Ordering::Relaxed);
            let answer = tokio::time::timeout(limits.request, router.call(request.map(Body::new))).await;
            held.busy.store(false, Ordering::Relaxed);
            Ok::<_, Infallible>(match answer {
                Ok(Ok(response)) => response,
                Err(_) => too_late(),
            })
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.headers).max_buf_size(MAX_HEADERS);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(socket), service));
    let within = tokio::time::sleep(limits.connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = within => return,
        () = place.held.replaced.notified() => return,
        () = told_to_stop(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(limits.request, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(e) = ended {
        tracing::debug!("a connection ended early: {e}");
    }
}

async fn told_to_stop(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

fn too_late() -> Response<Body> {
    let text = "La demande n’est pas arrivée entière à temps, ou sa réponse a trop tardé. Réessayez.\n";
    let mut response = (StatusCode::REQUEST_TIMEOUT, text).into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// B10: who comes last is served, whoever holds connections.
    #[test]
    fn a_new_connection_takes_the_place_of_the_oldest_that_asks_for_nothing() {
        let limits = Limits { connections: 3, per_address: 2, ..Limits::default() };
        let open = Arc::<Mutex<Open>>::default();
        let (a, b) = (Some(IpAddr::from([192, 0, 2, 1])), Some(IpAddr::from([192, 0, 2, 2])));
        let numbers = || open.lock().unwrap().held.keys().copied().collect::<Vec<_>>();
        let first = Place::take(&open, a, &limits);
        first.held.busy.store(true, Ordering::Relaxed);
        let _second = Place::take(&open, a, &limits);
        let _third = Place::take(&open, a, &limits);
        assert_eq!(numbers(), [1, 3], "the second one of that address was idle");
        let _fourth = Place::take(&open, b, &limits);
        let _fifth = Place::take(&open, b, &limits);
        assert_eq!(numbers(), [1, 4, 5], "the oldest idle one of all");
        for n in [4, 5] {
            open.lock().unwrap().held[&n].busy.store(true, Ordering::Relaxed);
        }
        let _sixth = Place::take(&open, None, &limits);
        assert_eq!(numbers(), [4, 5, 6], "all are busy: the oldest");
        drop(first);
        assert_eq!(numbers(), [4, 5, 6], "a place given up is given back once");
        drop(_fourth);
        assert_eq!(numbers(), [5, 6]);
    }

    #[test]
    fn an_address_counts_once_however_it_is_written() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_ne!(of("::ffff:192.0.2.1"), of("::ffff:192.0.2.2"));
    }
}
