//! Names of people.

/// The name that a person is shown with: first and last name, or else the username, or else the ID. The PII policy has
/// been applied when the names were stored.
pub(crate) fn name(full: impl Iterator<Item = String>, username: Option<&str>, id: &str) -> String {
    let full = full.collect::<Vec<_>>().join(" ");
    let username = username.filter(|username| !username.trim().is_empty());
    match (full.trim().is_empty(), username) {
        (false, _) => full,
        (true, Some(username)) => username.to_owned(),
        (true, None) => id.to_owned(),
    }
}
