//! Limits on the size of a body and on the time it takes to arrive.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use futures::{StreamExt, TryStreamExt, stream};
use http_body_util::Limited;
use tokio::time::timeout;

/// Wraps a body so that it ends with an error if it is too large or its client stops sending.
pub(super) fn bounded(body: Body, bytes: usize, read_timeout: Duration) -> Body {
    // A stream has no known length, so an empty body stays as it is.
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
