//! Tells `DuckDB` where a lake is.

/// The statement that sets the lake that `lake.sql` reads. Special characters in a folder's name are escaped, so the name is never
/// a pattern.
#[must_use]
pub fn place(lake: &str) -> String {
    let mut literal = String::with_capacity(lake.len());
    for character in lake.chars() {
        match character {
            '*' | '?' | '[' => literal.extend(['[', character, ']']),
            '\'' => literal.push_str("''"),
            _ => literal.push(character),
        }
    }
    format!("SET VARIABLE lake = '{literal}';")
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_folder_name_is_neither_a_pattern_nor_a_statement() {
        assert_eq!(place("/a/b*[1]'; x/lake"), "SET VARIABLE lake = '/a/b[*][[]1]''; x/lake';");
    }
}
