//! Secrets of one run.

use uuid::Uuid;

/// 32 hexadecimal digits that cannot be guessed.
#[must_use]
pub fn secret() -> String {
    // Six of a random UUID's 128 bits are fixed; the others are from the system's random number generator.
    Uuid::new_v4().simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::secret;

    #[test]
    fn each_secret_is_new() {
        assert_ne!(secret(), secret());
        assert_eq!(secret().len(), 32);
    }
}
