//! docs/data-dictionary.md: every table and view with its columns, from the row schema, the heads of the views and
//! `queries/columns.toml`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Context, ensure};
use contact_lake::schema::{Column, Kind, Privacy, columns};
use lake_queries::{reads_the_archive, views};
use serde::Deserialize;

use crate::template::lake::{trino_type, view_columns};

const COLUMNS: &str = include_str!("../../../queries/columns.toml");
const HEAD: &str = "# Data dictionary

This page describes every column of every table and view. Use it to write queries, build dashboards, and handle personal data. It is
generated from the code, the views, and `queries/columns.toml` (`make generate`).

- Types are Athena (Trino) types. DynamoDB tables have DynamoDB types: S text, N number, L list, M map.
- Times are in UTC. Durations are in seconds, unless the meaning says otherwise.
- *Source*: the field of Amazon Connect's [contact record](https://docs.aws.amazon.com/connect/latest/adminguide/ctr-data-model.html)
  or [agent event](https://docs.aws.amazon.com/connect/latest/adminguide/agent-event-stream-model.html), a metric of
  [GetMetricDataV2](https://docs.aws.amazon.com/connect/latest/APIReference/API_GetMetricDataV2.html), or a rule.
- *Personal data*: what the column may reveal about a person, and the setting that can hide the value: `ContactRecordPiiPolicy`
  ([contact-record.md](contact-record.md#personal-data)) for rows, `AgentPiiPolicy` ([agent-state.md](agent-state.md)) for the agent
  tables. A column without a note does not identify a person by itself. It contains a time, a number, an ID, a type, or a name that the
  contact center chose. A PII policy can also change most of the columns without a note. Views of contacts read rows to which the policy
  has already been applied. Raw copies and the archive, and the views that read them, contain the original values.
- A *replica* is the copy of an instance in a second Region ([deploy.md](deploy.md)). An *agent queue* is a queue that belongs to one agent.
  A *standard queue* is any other queue.
- Columns of the named queries have the same meaning as in the views. [queries.md](queries.md) describes columns that only a query has.
";

/// The declaration of a column.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    meaning: String,
    source: String,
    #[serde(default)]
    personal: Option<String>,
    #[serde(default)]
    r#type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declared {
    column: BTreeMap<String, Entry>,
    view: BTreeMap<String, BTreeMap<String, Entry>>,
    table: BTreeMap<String, BTreeMap<String, Entry>>,
    /// The keys of the declarations that were used.
    #[serde(skip)]
    used: RefCell<BTreeSet<String>>,
}

impl Declared {
    /// The declaration of a view's column: for this view, or else for every view, by name or by family.
    fn of_view(&self, view: &str, column: &str) -> Option<&Entry> {
        let family = family(column);
        let names = [column, family.as_deref().unwrap_or(column)];
        let of_this =
            self.view.get(view).and_then(|of| Some((format!("view.{view}.{column}"), of.get(column)?)));
        let of_all =
            || names.iter().find_map(|name| Some((format!("column.{name}"), self.column.get(*name)?)));
        let (key, entry) = of_this.or_else(of_all)?;
        self.used.borrow_mut().insert(key);
        Some(entry)
    }

    fn unused(&self) -> Vec<String> {
        let of_columns = self.column.keys().map(|name| format!("column.{name}"));
        let of_views =
            self.view.iter().flat_map(|(view, of)| of.keys().map(move |name| format!("view.{view}.{name}")));
        of_columns.chain(of_views).filter(|key| !self.used.borrow().contains(key)).collect()
    }
}

/// The family of a numbered column: `contacts_resolved_in_20` is in `contacts_resolved_in_X`, `level3_id` in `levelX_id`.
fn family(column: &str) -> Option<String> {
    let digits = column.find(|character: char| character.is_ascii_digit())?;
    let (before, rest) = column.split_at(digits);
    Some(format!("{before}X{}", rest.trim_start_matches(|character: char| character.is_ascii_digit())))
}

/// Generates the page.
///
/// # Errors
/// When a column is not declared, or a declared column does not exist.
pub(crate) fn dictionary() -> anyhow::Result<String> {
    let declared: Declared = toml::from_str(COLUMNS).context("queries/columns.toml")?;
    let mut page = HEAD.to_owned();
    section(
        &mut page,
        "contact_records",
        "table",
        "Contains every version of every contact record, as delivered. The partition key is `contact_date`. [contact-record.md](contact-record.md) describes how fields become columns.",
    );
    for column in columns() {
        of_row(&mut page, "", column, &trino_type(&column.glue_type()));
    }
    let date = declared.of_view("", "contact_date").context("contact_date is not in queries/columns.toml")?;
    line(&mut page, "contact_date", "varchar", date);
    for (table, about) in [
        (
            "raw_contact_records",
            "Contains the raw contact records of each file, concatenated as Firehose received them, by day of arrival. Kept for `RawRetentionDays`.",
        ),
        (
            "raw_agent_events",
            "Contains raw agent events, one event per line, by day of arrival. Exists only with `AgentEventArchive`.",
        ),
        (
            "raw_contact_events",
            "Contains raw contact events in their EventBridge envelopes, one event per line, by day of arrival. Exists only with `ContactEvents`.",
        ),
    ] {
        section(&mut page, table, "table", about);
        table_lines(&mut page, &declared, table)?;
    }
    for view in views() {
        let head = view.head();
        let archive =
            if reads_the_archive(view.name) { " Reads the whole archive of agent events." } else { "" };
        section(
            &mut page,
            view.name,
            "view",
            &format!("{}{archive} [SQL](../queries/views/{}.sql)", view.description(), view.name),
        );
        if head.columns.iter().any(|(name, _)| name == "those of contact_records") {
            page += "| same columns as `contact_records` | | | | |\n";
            continue;
        }
        of_view(&mut page, &declared, view)?;
    }
    for (table, about) in [
        (
            "AgentState",
            "Contains the current state of every agent, in up to three items per agent and Region. See [agent-state.md](agent-state.md).",
        ),
        (
            "AgentHistory",
            "Contains the history of every agent: events, and intervals of statuses and contacts. See [agent-state.md](agent-state.md).",
        ),
        (
            "ContactState",
            "Contains the contacts in flight and those that ended in the last days, one item per contact. Exists only with `ContactEvents`. See [contact-state.md](contact-state.md).",
        ),
    ] {
        section(&mut page, table, "DynamoDB table", about);
        table_lines(&mut page, &declared, table)?;
    }
    let unused = declared.unused();
    ensure!(
        unused.is_empty(),
        "queries/columns.toml declares columns that no view has: {}",
        unused.join(", ")
    );
    Ok(page)
}

fn section(page: &mut String, name: &str, kind: &str, about: &str) {
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "\n## {name}\n\n{}. {about}\n\n| column | type | meaning | source | personal data |\n|---|---|---|---|---|\n",
        kind[..1].to_uppercase() + &kind[1..],
    );
}

fn line(page: &mut String, name: &str, column_type: &str, entry: &Entry) {
    let Entry { meaning, source, personal, .. } = entry;
    let personal = personal.as_deref().unwrap_or_default();
    let _ = writeln!(page, "| `{name}` | {column_type} | {meaning} | {source} | {personal} |");
}

fn table_lines(page: &mut String, declared: &Declared, table: &str) -> anyhow::Result<()> {
    let entries =
        declared.table.get(table).with_context(|| format!("queries/columns.toml has no table {table}"))?;
    let is_key =
        |entry: &Entry| entry.meaning.starts_with("Partition key") || entry.meaning.starts_with("Sort key");
    let mut entries: Vec<_> = entries.iter().collect();
    entries.sort_by_key(|(name, entry)| (!is_key(entry), entry.meaning.starts_with("Sort key"), *name));
    for (name, entry) in entries {
        let column_type = entry.r#type.as_deref().unwrap_or("varchar");
        line(page, name, column_type, entry);
    }
    Ok(())
}

fn of_view(page: &mut String, declared: &Declared, view: &lake_queries::Source) -> anyhow::Result<()> {
    let mut families: Vec<(String, Vec<String>)> = Vec::new();
    let all = view_columns(view);
    for (name, ..) in &all {
        if let Some(family) = family(name).filter(|family| declared.column.contains_key(family)) {
            let number: String = name.chars().filter(char::is_ascii_digit).collect();
            match families.iter_mut().find(|(held, _)| *held == family) {
                Some((_, numbers)) => numbers.push(number),
                None => families.push((family, vec![number])),
            }
        }
    }
    let mut shown = BTreeSet::new();
    for (name, trino, _) in &all {
        if let Some(entry) = declared.of_view(view.name, name) {
            let numbered = family(name).and_then(|family| families.iter().find(|(held, _)| *held == family));
            match numbered {
                None => line(page, name, trino, entry),
                Some((family, numbers)) => {
                    if shown.insert(family.clone()) {
                        let meaning = format!(
                            "{} columns, for X = {}. {}",
                            numbers.len(),
                            numbers.join(", "),
                            entry.meaning
                        );
                        line(page, family, trino, &Entry { meaning, ..entry.clone() });
                    }
                }
            }
            continue;
        }
        let column = columns().find(|column| column.name == name);
        let column = column.with_context(|| {
            format!(
                "{name} of view {} is neither in queries/columns.toml nor a column of contact_records",
                view.name
            )
        })?;
        of_row(page, "", column, trino);
    }
    Ok(())
}

/// Writes a column of the row, and its fields.
fn of_row(page: &mut String, parent: &str, column: &Column, column_type: &str) {
    let sources: Vec<_> = column.sources().map(|source| format!("`{source}`")).collect();
    let source = if sources.is_empty() { "derived".to_owned() } else { sources.join(" or ") };
    let (fields, shown_type) = match column.kind {
        Kind::StructList(fields) => (fields, "array of `row` values (fields below)"),
        Kind::StructMap(fields) => (fields, "map, stored as an array of `row` values (fields below)"),
        _ => (&[][..], column_type),
    };
    let personal = match column.privacy {
        Privacy::Identity | Privacy::NotPersonal => "",
        Privacy::Open if matches!(column.name, "agent_id" | "agent_arn") => {
            "identifies an agent; can be hidden by `ContactRecordPiiPolicy`"
        }
        Privacy::Open if matches!(column.name, "queue_id" | "queue_arn") => {
            "identifies an agent if the queue is an agent queue; can be hidden by `ContactRecordPiiPolicy`"
        }
        Privacy::Open => "",
        Privacy::Personal if column.is_shown() => "",
        Privacy::Personal => "may contain personal data; can be hidden by `ContactRecordPiiPolicy`",
        Privacy::Sensitive => "describes a person; can be hidden by `ContactRecordPiiPolicy`",
    };
    let Column { name, meaning, .. } = column;
    let meaning = meaning.replace('|', "\\|");
    let _ = writeln!(page, "| `{parent}{name}` | {shown_type} | {meaning} | {source} | {personal} |");
    for field in fields {
        of_row(page, &format!("{parent}{name}[]."), field, &trino_type(&field.glue_type()));
    }
}
