//! The report page: one HTML file with styles, scripts and data.
//!
//! Its scripts (`page/`) draw it with the embedded chart library [uPlot](https://github.com/leeoniya/uPlot). Its content
//! security policy allows only these scripts and styles, and no loading of anything else.

use serde_json::json;
use sha2::{Digest, Sha256};

use super::RunResult;
use crate::expected::Differences;

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = concat!(include_str!("page/vendor/uPlot.min.css"), include_str!("page/page.css"));
const SCRIPT: &str = concat!(
    include_str!("page/vendor/uPlot.iife.min.js"),
    include_str!("page/metrics.js"),
    include_str!("page/elements.js"),
    include_str!("page/charts.js"),
    include_str!("page/timelines.js"),
    include_str!("page/page.js"),
);
const LICENSE: &str = include_str!("page/vendor/uPlot.LICENSE");

impl RunResult {
    /// The page's HTML.
    pub(super) fn page(&mut self) -> String {
        // The data must not contain `</script>`.
        let data = self.data().to_string().replace('<', "\\u003c");
        let (style_hash, script_hash) = (hash(STYLE), hash(SCRIPT));
        let parts = [
            ("{{style_hash}}", style_hash.as_str()),
            ("{{script_hash}}", &script_hash),
            ("{{license}}", LICENSE.trim()),
            ("{{style}}", STYLE),
            ("{{data}}", &data),
            ("{{script}}", SCRIPT),
        ];
        let mut page = String::with_capacity(data.len() + SCRIPT.len() + PAGE.len());
        let mut rest = PAGE;
        for (name, part) in parts {
            let (before, after) = rest.split_once(name).unwrap_or((rest, ""));
            page.push_str(before);
            page.push_str(part);
            rest = after;
        }
        page + rest
    }

    /// The page's data.
    fn data(&mut self) -> serde_json::Value {
        let Differences { agents, history, contacts, rows, failures } = self.differences;
        let newest = self.contacts.newest();
        let (redelivered_rows, newer_versions) = self.contacts.repeats(&newest);
        json!({
            "verdict": self.verdict(),
            "summary": self.to_json(),
            "differences": {
                "agents": agents, "history": history, "contacts": contacts, "rows": rows, "failures": failures,
            },
            "redelivered_rows": redelivered_rows,
            "newer_versions": newer_versions,
            "bytes_kept": self.kept.bytes(),
            "is_chaos": self.is_chaos,
            "is_synthetic": self.is_synthetic,
            "contacts": self.contacts.json(&newest),
            "timelines": self.timelines.json(),
            "failures": self.kept.json(),
        })
    }
}

/// The hash of an inline script or style, in the form of a content security policy.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", base64_simd::STANDARD.encode_to_string(Sha256::digest(text)))
}
