//! Why a request to AWS failed, whom that concerns, and how it is said: the one place that decides, for every service.
//!
//! A code that is not known here is [`Class::Transient`]: trying again is always safe, and a record is never blamed for what
//! a service says. What needs a person is named, code by code, in [`class_of`].

mod class;
mod words;

pub use class::{Class, Classified, class_of, classify};
pub use words::{causes, refusal, unanswered, why, why_refused};
