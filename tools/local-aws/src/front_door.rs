//! The checks in front of every server here. Every program on the machine can reach a server on 127.0.0.1, and so can
//! every page in its browsers: any page can send it requests, and a page whose host name resolves to 127.0.0.1 can read
//! the responses. So each request must
//!
//! - be addressed to a loopback name, and show no sign of a browser ([`origin`]),
//! - be signed with the keys of this run ([`signature`]; `s3s` verifies the signatures of S3 requests; the Runtime API has
//!   no signatures, so another program on this machine that finds its port can take an event),
//! - arrive in time and within size limits ([`serving`]).
//!
//! No response lets a page of another origin read it: CORS headers are removed.

mod admission;
mod bounds;
mod origin;
mod protocol;
mod refusal;
mod run_keys;
mod serving;
mod signature;

pub(crate) use self::admission::FrontDoor;
pub(crate) use self::protocol::{Protocol, is_lambda};
pub(crate) use self::refusal::Refusal;
pub(crate) use self::run_keys::RunKeys;
pub(crate) use self::serving::serve;
