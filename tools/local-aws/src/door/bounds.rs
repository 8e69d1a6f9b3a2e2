//! Bodies that are neither too large nor too slow.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use futures::{StreamExt, TryStreamExt, stream};
use http_body_util::Limited;
use tokio::time::timeout;

/// A body that ends with an error when it is too large, or its client stops sending.
pub(super) fn bounded(body: Body, bytes: usize, read_timeout: Duration) -> Body {
    // A stream has no length that can be known before; what is empty is known to be.
    if body.is_end_stream() {
        return body;
    }
    let frames = Body::new(Limited::new(body, bytes)).into_data_stream();
    let frames =
        stream::unfold(frames.map_err(std::io::Error::other).boxed(), move |mut frames| async move {
            let frame: std::io::Result<Bytes> = match timeout(read_timeout, frames.next()).await {
                Ok(frame) => frame?,
                Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
            };
            Some((frame, frames))
        });
    Body::from_stream(frames)
}
