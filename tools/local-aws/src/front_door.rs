//! The checks in front of every server here, besides those of the crate `loopback`. Each request must
//!
//! - be addressed to a loopback name, and show no sign of a browser (`loopback::check`),
//! - be signed with the keys of this run ([`signature`]; `s3s` verifies the signatures of S3 requests; the Runtime API has
//!   no signatures, so another program on this machine that finds its port can take an event),
//! - arrive in time and within size limits ([`bounds`], `loopback::serve`).
//!
//! No response lets a page of another origin read it: CORS headers are removed.

mod admission;
mod bounds;
mod protocol;
mod refusal;
mod run_keys;
mod signature;

pub(crate) use self::admission::{FrontDoor, serve};
pub(crate) use self::protocol::{Protocol, is_lambda};
pub(crate) use self::refusal::Refusal;
pub(crate) use self::run_keys::RunKeys;
