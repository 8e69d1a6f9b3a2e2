//! The page: static files, part of the binary. It needs no build step and loads nothing from elsewhere.

/// The content type and the content of one of the page's files.
#[must_use]
pub fn file(name: &str) -> Option<(&'static str, &'static [u8])> {
    const HTML: &str = "text/html; charset=utf-8";
    const CSS: &str = "text/css; charset=utf-8";
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    Some(match name {
        "" => (HTML, include_bytes!("../page/index.html")),
        "board.css" => (CSS, include_bytes!("../page/board.css")),
        "board.js" => (SCRIPT, include_bytes!("../page/board.js")),
        "choices.js" => (SCRIPT, include_bytes!("../page/choices.js")),
        "feed.js" => (SCRIPT, include_bytes!("../page/feed.js")),
        "format.js" => (SCRIPT, include_bytes!("../page/format.js")),
        "icon.svg" => ("image/svg+xml", include_bytes!("../page/icon.svg")),
        "table.js" => (SCRIPT, include_bytes!("../page/table.js")),
        _ => return None,
    })
}
