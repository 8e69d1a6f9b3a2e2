//! Where a lake is, for `DuckDB`.

/// The statement that says where the lake is that `lake.sql` reads. A folder's name is a name, whatever stands in it, and no
/// pattern.
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
    fn a_folder_is_no_pattern_and_no_statement() {
        assert_eq!(place("/a/b*[1]'; x/lake"), "SET VARIABLE lake = '/a/b[*][[]1]''; x/lake';");
    }
}
