//! Serves connections, within limits on their number and on the size of a request's head.

use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Maximum per server; a function's process opens about ten.
const CONNECTIONS: usize = 512;
/// Maximum size of a request line and its headers.
const HEAD_BYTES: usize = 64 * 1024;
/// Pause before the next attempt when the system is out of file descriptors.
const NO_DESCRIPTOR: Duration = Duration::from_millis(100);

/// A client that sends half a request is cut off after this.
pub const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// Serves until this future is dropped, which also ends its connections.
pub async fn serve<S, B>(listener: TcpListener, read_timeout: Duration, service: S)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>, Future: Send>,
    S: Clone + Send + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS {
            connections.join_next().await;
            continue;
        }
        match listener.accept().await {
            Ok((socket, _)) => {
                connections.spawn(serve_connection(socket, read_timeout, service.clone()));
            }
            Err(_) => sleep(NO_DESCRIPTOR).await,
        }
    }
}

async fn serve_connection<S, B>(socket: TcpStream, read_timeout: Duration, service: S)
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>>,
    B: Body<Error: Into<BoxError>> + 'static,
{
    // Responses are small and complete, so waiting for more data would only delay them.
    let _ = socket.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(read_timeout).max_header_size(HEAD_BYTES);
    // A client that disconnects is not an error of the server.
    let _ = builder.serve_connection(TokioIo::new(socket), service).await;
}
