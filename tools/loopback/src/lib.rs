//! What every server on this machine has in common. Every local program can reach a server on 127.0.0.1, and so can every
//! page in a local browser: any page can send it requests, and a page whose host name resolves to 127.0.0.1 can read the
//! responses. So each server
//!
//! - listens on 127.0.0.1 only ([`listen`]),
//! - refuses requests that are not addressed to a loopback name, or that a foreign page sent ([`check`]),
//! - asks for something that other users of the machine do not know ([`secret`]): keys for signatures, or a path,
//! - limits the number of connections, the size of a request's head, and the time that it takes to arrive ([`serve`]).

mod listen;
mod origin;
mod secret;
mod serving;

pub use listen::{listen, url};
pub use origin::{Callers, check};
pub use secret::secret;
pub use serving::{READ_TIMEOUT, serve};
