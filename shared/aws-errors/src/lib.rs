//! Why a request to AWS failed, who has to act, and how to say it: one classification and one wording for every
//! service.
//!
//! A code that is not known here is [`Class::Transient`]: a retry is always safe, and a record is never blamed for what
//! a service says. [`class_of`] lists every code that needs a person.
//!
//! ```
//! use aws_errors::{Class, class_of};
//!
//! assert_eq!(class_of("ProvisionedThroughputExceededException"), Class::Transient);
//! assert_eq!(class_of("ResourceNotFoundException"), Class::Missing);
//! assert_eq!(class_of("ACodeOfTomorrow"), Class::Transient);
//! ```

mod class;
mod store;
mod words;

pub use class::{Class, Classified, class_of, classify};
pub use store::{fault_class, store_error};
pub use words::{causes, refusal, unanswered, why, why_refused};
