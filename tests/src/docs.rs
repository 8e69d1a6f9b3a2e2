//! Pages of `docs/` with a part that the code writes.

use std::path::Path;

/// Checks that a page is what it would be if its part was written anew; with `UPDATE_DOCS` set, writes it so. Returns
/// the page.
///
/// # Panics
/// When the page is behind, or cannot be read.
pub fn assert_page(name: &str, anew: impl FnOnce(&str) -> String) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    let page = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("docs/{name}: {error}"));
    let written = anew(&page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &written).unwrap_or_else(|error| panic!("docs/{name}: {error}"));
    } else {
        assert!(page == written, "docs/{name} is behind the code: run this test with UPDATE_DOCS=1");
    }
    written
}

/// [`assert_page`], for a page whose part stands between two lines.
///
/// # Panics
/// When a line is missing, too.
pub fn assert_part(name: &str, [begin, end]: [&str; 2], part: &str) {
    assert_page(name, |page| {
        let found = page.split_once(begin).and_then(|(before, rest)| Some((before, rest.split_once(end)?.1)));
        let (before, after) = found.unwrap_or_else(|| panic!("docs/{name} has no {begin}…{end}"));
        [before, begin, part, end, after].concat()
    });
}
