//! Listeners on 127.0.0.1 only. The system chooses the port unless the user does.

use std::net::Ipv4Addr;

use anyhow::Context;
use tokio::net::TcpListener;

/// A listener on `port`, or on a free port for 0.
///
/// # Errors
/// When it is taken.
pub async fn listen(port: u16, service: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.with_context(|| {
        format!("{service} cannot listen on 127.0.0.1:{port}; choose another port, or 0 to let the system pick a free one")
    })
}

/// `http://127.0.0.1:<port>`
///
/// # Errors
/// When the listener has no address.
pub fn url(listener: &TcpListener) -> anyhow::Result<String> {
    Ok(format!("http://{}", listener.local_addr()?))
}
