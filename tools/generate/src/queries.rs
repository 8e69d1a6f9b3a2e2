//! The views and named queries of `queries/`, and the queries written out as Athena gets them.
//!
//! A line `{name key=value …}` in a query stands for `queries/parts/name.sql`, with `$key` replaced, indented like the line. A line
//! `{archive VIEW}` stands for the views between `raw_agent_events` and that one, as common table expressions of their own over
//! the days that are asked for: through a view whose windows go over all days, a filter on the day would not reach the files.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a file of the repository that is not as it must be ends a program for developers"
)]

use std::collections::BTreeMap;
use std::fs;

use crate::pages::repository;

const ARCHIVE: &str = "raw_agent_events";

pub(crate) struct Queries {
    pub(crate) views: BTreeMap<String, String>,
    pub(crate) named: BTreeMap<String, String>,
    parts: BTreeMap<String, String>,
}

impl Queries {
    pub(crate) fn read() -> Self {
        let [views, named, parts] = ["queries/views", "queries", "queries/parts"].map(sql_files);
        Self { views, named, parts }
    }

    /// A named query with its parts.
    pub(crate) fn written_out(&self, name: &str) -> String {
        self.expanded(&self.named[name], &[])
    }

    /// Whether a view or a named query reads agent events.
    pub(crate) fn reads_the_archive(&self, name: &str) -> bool {
        let sql = self.views.get(name).cloned().unwrap_or_else(|| self.written_out(name));
        sources(&sql).any(|source| {
            source == ARCHIVE || (self.views.contains_key(source) && self.reads_the_archive(source))
        })
    }

    fn expanded(&self, sql: &str, values: &[(&str, &str)]) -> String {
        let mut text = String::new();
        for line in sql.lines() {
            let line = values
                .iter()
                .fold(line.to_owned(), |line, (key, value)| line.replace(&format!("${key}"), value));
            let left_over = line
                .split('$')
                .skip(1)
                .any(|rest| rest.starts_with(|first: char| first.is_ascii_lowercase()));
            assert!(!left_over, "a part has no value for {line}");
            let trimmed = line.trim_start();
            let indent = &line[..line.len() - trimmed.len()];
            let part = trimmed.strip_prefix('{').and_then(|rest| rest.split_once('}'));
            let (expanded, end) = part.map_or((trimmed.to_owned(), ""), |(call, end)| (self.part(call), end));
            for line in expanded.trim_end().lines() {
                text.push_str(format!("{indent}{line}").trim_end());
                text.push('\n');
            }
            text.truncate(text.trim_end().len());
            text.push_str(end);
            text.push('\n');
        }
        text
    }

    fn part(&self, call: &str) -> String {
        let (name, arguments) = call.split_once(' ').unwrap_or((call, ""));
        if name == "archive" {
            return self.archive(arguments);
        }
        let values: Vec<_> = arguments.split_whitespace().map(|word| word.split_once('=').unwrap()).collect();
        self.expanded(self.parts.get(name).unwrap_or_else(|| panic!("there is no part {name}")), &values)
    }

    /// The views of agent events up to this one.
    fn archive(&self, view: &str) -> String {
        let mut order = Vec::new();
        self.visit(view, &mut order);
        let mut text = self.parts["archive_days"].clone();
        for name in order {
            let body = without_header(&self.views[name]);
            text.push_str(name);
            text.push_str(" AS (\n");
            for line in body.lines() {
                text.push_str(format!("    {line}").trim_end());
                text.push('\n');
            }
            text.push_str("),\n");
        }
        text
    }

    fn visit<'a>(&'a self, view: &'a str, order: &mut Vec<&'a str>) {
        for source in sources(&self.views[view]) {
            if let Some((name, _)) =
                self.views.get_key_value(source).filter(|(name, _)| self.reads_the_archive(name))
            {
                self.visit(name, order);
            }
        }
        if !order.contains(&view) {
            order.push(view);
        }
    }
}

/// What a query reads: the words behind FROM and JOIN.
fn sources(sql: &str) -> impl Iterator<Item = &str> {
    let words =
        sql.lines().filter(|line| !line.trim_start().starts_with("--")).flat_map(str::split_whitespace);
    let words: Vec<_> = words.collect();
    let pairs: Vec<_> =
        words.windows(2).filter(|pair| matches!(pair[0], "FROM" | "JOIN")).map(|pair| pair[1]).collect();
    pairs.into_iter().map(|word| word.trim_end_matches([',', ')']))
}

/// The comment at the head of a query.
pub(crate) fn header(sql: &str) -> impl Iterator<Item = &str> {
    sql.lines().map_while(|line| line.strip_prefix("--")).map(str::trim)
}

/// What a query answers: the first paragraph of its head, on one line.
pub(crate) fn description(sql: &str) -> String {
    header(sql).take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// A query without the comment at its head.
pub(crate) fn without_header(sql: &str) -> String {
    let body: Vec<_> = sql.lines().skip_while(|line| line.starts_with("--")).collect();
    body.join("\n")
}

/// The SQL files of a folder, by name, in order.
fn sql_files(folder: &str) -> BTreeMap<String, String> {
    let files = fs::read_dir(repository().join(folder)).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|file| file.is_file());
    files
        .map(|file| {
            assert_eq!(file.extension().unwrap(), "sql", "{}", file.display());
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&file).unwrap())
        })
        .collect()
}
