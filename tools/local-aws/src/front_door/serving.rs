//! Serves connections, within limits on their number and on the size of a request's head.

use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::admission::{FrontDoor, enter};

/// Maximum per server; a function's process opens about ten.
const CONNECTIONS: usize = 512;
/// Maximum size of a request line and its headers.
const HEAD_BYTES: usize = 64 * 1024;
/// Pause before the next attempt when the system is out of file descriptors.
const NO_DESCRIPTOR: Duration = Duration::from_millis(100);

/// Serves the router behind the front door until this future is dropped, which also ends its connections.
pub(crate) async fn serve(listener: TcpListener, door: FrontDoor, router: Router) {
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
    // Responses are small and complete, so waiting for more data would only delay them.
    let _ = socket.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(read_timeout).max_header_size(HEAD_BYTES);
    // A client that disconnects is not an error of the server.
    let _ = builder.serve_connection(TokioIo::new(socket), TowerToHyperService::new(router)).await;
}
