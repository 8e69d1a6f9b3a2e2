//! The redrive function. The work is done by the `redrive` crate; this crate has the settings.

pub mod settings;
