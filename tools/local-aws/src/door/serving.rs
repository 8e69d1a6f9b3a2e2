//! Connections: how many there may be, and how large a request's head.

use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::admission::{Door, enter};

/// Of one server; a function's process has some ten.
const CONNECTIONS: usize = 512;
/// Of a request line and its headers.
const HEAD_BYTES: usize = 64 * 1024;
/// Before the next try when the system has no more descriptors.
const NO_DESCRIPTOR: Duration = Duration::from_millis(100);

/// Serves the router behind the door, until the task that this runs in ends: its connections end with it.
pub(crate) async fn serve(listener: TcpListener, door: Door, router: Router) {
    let router = router.layer(from_fn_with_state(door.clone(), enter));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS {
            connections.join_next().await;
            continue;
        }
        match listener.accept().await {
            Ok((socket, _)) => {
                connections.spawn(serve_connection(socket, door.read_timeout, router.clone()));
            }
            Err(_) => sleep(NO_DESCRIPTOR).await,
        }
    }
}

async fn serve_connection(socket: TcpStream, read_timeout: Duration, router: Router) {
    // Answers are small and complete: waiting for more to send would only make them late.
    let _ = socket.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(read_timeout).max_header_size(HEAD_BYTES);
    // A client that hangs up is no concern of the server's.
    let _ = builder.serve_connection(TokioIo::new(socket), TowerToHyperService::new(router)).await;
}
