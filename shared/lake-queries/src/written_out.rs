//! Expands a query with its parts into the SQL that an engine runs.
//!
//! A line `{name key=value …}` in a query stands for `queries/parts/name.sql`, with `$key` replaced, indented like the line. A
//! line `{archive VIEW}` stands for the views from `raw_agent_events` to that view, as common table expressions over the
//! requested days. A filter on the day would not reach the files through a view whose window functions cover all days.

use crate::head;
use crate::source::find;
use crate::sources::{NAMED, PARTS, VIEWS};

const ARCHIVE: &str = "raw_agent_events";

/// The days of the agent event archive that a query reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveDays {
    /// The days on which the events of the requested days arrive. On Athena, each day costs.
    Asked,
    /// All days, through the views. The events of a demo arrive on the day of the demo.
    All,
}

/// A named query with its parts.
///
/// # Panics
/// When there is no query with this name.
#[must_use]
pub fn written_out(name: &str, days: ArchiveDays) -> String {
    let query = find(NAMED, name).unwrap_or_else(|| panic!("there is no query {name}"));
    expanded(query.sql, &[], days)
}

/// Whether a view or a named query reads agent events.
#[must_use]
pub fn reads_the_archive(name: &str) -> bool {
    let sql = match find(VIEWS, name) {
        Some(view) => view.sql.to_owned(),
        None => written_out(name, ArchiveDays::All),
    };
    read_by(&sql)
        .into_iter()
        .any(|source| source == ARCHIVE || (find(VIEWS, source).is_some() && reads_the_archive(source)))
}

/// The instant and view that a named query counts by, which decide whether a day has data to answer from.
#[must_use]
pub fn counted_by(name: &str) -> (&'static str, &'static str) {
    match name {
        name if reads_the_archive(name) => ("event_timestamp", "agent_events"),
        "contact_chains" | "repeat_contacts" => ("initiation_timestamp", "contact_metrics"),
        "forecasting_csv" => ("arrived_timestamp", "contact_metrics"),
        // Counts by the partition.
        "record_versions" => ("CAST(contact_date AS TIMESTAMP)", "contact_metrics"),
        _ => ("disconnect_timestamp", "contact_metrics"),
    }
}

fn expanded(sql: &str, values: &[(&str, &str)], days: ArchiveDays) -> String {
    let mut text = String::new();
    for line in sql.lines() {
        let line =
            values.iter().fold(line.to_owned(), |line, (key, value)| line.replace(&format!("${key}"), value));
        let left_over =
            line.split('$').skip(1).any(|rest| rest.starts_with(|first: char| first.is_ascii_lowercase()));
        assert!(!left_over, "no value for a parameter of a part: {line}");
        let trimmed = line.trim_start();
        let indent = line.strip_suffix(trimmed).unwrap_or_default();
        let call = trimmed.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let (expanded, end) = call.map_or((trimmed.to_owned(), ""), |(call, end)| (part(call, days), end));
        if call.is_some() && expanded.is_empty() {
            continue;
        }
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

fn part(call: &str, days: ArchiveDays) -> String {
    let (name, arguments) = call.split_once(' ').unwrap_or((call, ""));
    if name == "archive" {
        return if days == ArchiveDays::Asked { archive(arguments) } else { String::new() };
    }
    let values: Vec<_> = arguments
        .split_whitespace()
        .map(|word| {
            word.split_once('=').unwrap_or_else(|| panic!("part {name}: {word} is not of the form key=value"))
        })
        .collect();
    let part = find(PARTS, name).unwrap_or_else(|| panic!("there is no part {name}"));
    expanded(part.sql, &values, days)
}

/// The views of agent events up to and including this one.
fn archive(view: &str) -> String {
    let mut order = Vec::new();
    visit(view, &mut order);
    let mut text = find(PARTS, "archive_days").map(|part| part.sql.to_owned()).unwrap_or_default();
    for name in order {
        let body = find(VIEWS, name).map(|view| without_head(view.sql)).unwrap_or_default();
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

fn visit(name: &str, order: &mut Vec<&'static str>) {
    let view = find(VIEWS, name).unwrap_or_else(|| panic!("there is no view {name}"));
    for source in read_by(view.sql) {
        if find(VIEWS, source).is_some() && reads_the_archive(source) {
            visit(source, order);
        }
    }
    if !order.contains(&view.name) {
        order.push(view.name);
    }
}

/// The sources a query reads: the words after FROM and JOIN.
fn read_by(sql: &str) -> Vec<&str> {
    let words =
        sql.lines().filter(|line| !line.trim_start().starts_with("--")).flat_map(str::split_whitespace);
    let words: Vec<_> = words.collect();
    let pairs = words.windows(2).filter_map(|pair| match pair {
        ["FROM" | "JOIN", source] => Some(source.trim_end_matches([',', ')'])),
        _ => None,
    });
    pairs.collect()
}

/// A query without its header comment.
#[must_use]
pub fn without_head(sql: &str) -> String {
    let head = head::lines(sql).count();
    sql.lines().skip(head).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{ArchiveDays, counted_by, reads_the_archive, written_out};
    use crate::named;

    #[test]
    fn a_query_has_one_placeholder_per_parameter() {
        for query in named() {
            for days in [ArchiveDays::Asked, ArchiveDays::All] {
                let sql = written_out(query.name, days);
                let code = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
                let placeholders: usize = code.map(|line| line.matches('?').count()).sum();
                assert_eq!(placeholders, query.head().parameters.len(), "{}", query.name);
            }
        }
    }

    #[test]
    fn a_query_counts_by_the_instant_that_its_sql_compares_with_the_days() {
        for query in named().iter().filter(|query| !reads_the_archive(query.name)) {
            let by = match query.sql {
                sql if sql.contains("initiation_timestamp >= first_instant") => "initiation_timestamp",
                sql if sql.contains("instant=arrived_timestamp") => "arrived_timestamp",
                sql if sql.contains("WHERE contact_date BETWEEN ? AND ?") => {
                    "CAST(contact_date AS TIMESTAMP)"
                }
                // Intervals are those in which contacts end.
                _ => "disconnect_timestamp",
            };
            assert_eq!(counted_by(query.name).0, by, "{}", query.name);
        }
    }

    #[test]
    fn a_query_of_agent_events_reads_the_requested_days_or_the_views() {
        let [asked, all] =
            [ArchiveDays::Asked, ArchiveDays::All].map(|days| written_out("time_in_status", days));
        assert!(reads_the_archive("time_in_status") && !reads_the_archive("service_level"));
        assert!(asked.contains("WHERE arrival_date BETWEEN") && asked.contains("agent_events AS ("));
        assert!(!all.contains("arrival_date") && all.contains("FROM agent_segments"));
    }
}
