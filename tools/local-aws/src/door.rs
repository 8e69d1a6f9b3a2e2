//! The one way in to every server here. What listens on 127.0.0.1 can be reached by every program of the machine, and by
//! every page in its browsers: a page may send requests to it, and one whose name resolves to 127.0.0.1 may read the
//! answers. So each request must
//!
//! - be addressed to a loopback name, and show no sign of a browser ([`origin`]),
//! - be signed with the keys of this run ([`signature`]; S3's own signatures are `s3s`'s to verify; the Runtime API has no
//!   signatures, so another program of this machine that finds its port may take an event),
//! - arrive in time and within bounds ([`serving`]).
//!
//! No answer permits a page of another origin to read it: headers of CORS are taken away.

mod admission;
mod bounds;
mod origin;
mod protocol;
mod refusal;
mod run_keys;
mod serving;
mod signature;

pub(crate) use self::admission::Door;
pub(crate) use self::protocol::{Protocol, is_lambda};
pub(crate) use self::refusal::Refusal;
pub(crate) use self::run_keys::RunKeys;
pub(crate) use self::serving::serve;
