//! The function that sends again what failed. What it does is `redrive`'s; here are its settings.

pub mod settings;
