//! Settings from the environment, read once before the runtime starts. An invalid setting ends the function with an
//! error that names the variable and what to do.

use std::fmt::Display;
use std::str::FromStr;

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// The variable is required.
    #[error("environment variable {0} is not set; set it in the function's configuration")]
    Missing(&'static str),
    /// The variable's value cannot be parsed.
    #[error(
        "environment variable {name} is {value:?}, which is not {expected}; correct it in the function's configuration"
    )]
    Unreadable {
        /// The variable.
        name: &'static str,
        /// The value.
        value: String,
        /// The expected value.
        expected: &'static str,
    },
    /// The variable's value is a secret that cannot be parsed. The error does not show it.
    #[error("environment variable {name} is not {expected}; correct it in the function's configuration")]
    UnreadableSecret {
        /// The variable.
        name: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
}

/// The source of settings: the environment, or a table in a test.
pub struct Settings<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
}

impl<'a> Settings<'a> {
    /// Settings from `lookup`.
    #[must_use]
    pub fn from_lookup(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup }
    }

    fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.is_empty())
    }

    /// The value of a required variable.
    ///
    /// # Errors
    /// [`SettingError::Missing`]
    pub fn required(&self, name: &'static str) -> Result<String, SettingError> {
        self.get(name).ok_or(SettingError::Missing(name))
    }

    /// The value of an optional variable. `expected` describes the type in the error, such as `"a whole number"`.
    ///
    /// # Errors
    /// [`SettingError::Unreadable`]
    pub fn optional<T: FromStr<Err: Display>>(
        &self,
        name: &'static str,
        default: T,
        expected: &'static str,
    ) -> Result<T, SettingError> {
        let Some(value) = self.get(name) else {
            return Ok(default);
        };
        value.parse().map_err(|_| SettingError::Unreadable { name, value, expected })
    }

    /// The decoded bytes of an optional secret in base64. An error never shows the value.
    ///
    /// # Errors
    /// [`SettingError::UnreadableSecret`]
    pub fn optional_base64(&self, name: &'static str) -> Result<Option<Vec<u8>>, SettingError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let bytes = base64_simd::STANDARD.decode_to_vec(value);
        bytes.map(Some).map_err(|_| SettingError::UnreadableSecret { name, expected: "base64" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_variable_and_what_to_do() {
        let lookup = |name: &str| (name == "DAYS").then(|| "ninety".to_owned());
        let settings = Settings::from_lookup(&lookup);
        assert_eq!(
            settings.required("TABLE").unwrap_err().to_string(),
            "environment variable TABLE is not set; set it in the function's configuration"
        );
        assert_eq!(settings.optional("OTHER", 7, "a whole number"), Ok(7));
        assert_eq!(
            settings.optional("DAYS", 7, "a whole number").unwrap_err().to_string(),
            "environment variable DAYS is \"ninety\", which is not a whole number; correct it in the function's configuration"
        );
    }
}
