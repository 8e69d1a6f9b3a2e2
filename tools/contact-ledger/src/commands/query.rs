//! `query`: runs a named query on the lake, in Athena or `DuckDB`.

mod arguments;
mod athena;
mod duckdb;
mod request;
mod sheet;

use std::fmt::Write as _;

use connect_streams::Timestamp;
use ledger_console::process::interruption::Interruption;
use ledger_console::process::outcome::Outcome;
use ledger_console::render::output::{print, say};
use ledger_console::render::terminal::{width, wrapped};

pub use crate::commands::query::arguments::QueryArguments;
use crate::commands::query::arguments::{DataSource, Run};
use crate::commands::query::sheet::Sheet;

/// Runs the query and prints the result.
///
/// # Errors
/// If the query fails, or there is no stack or `DuckDB` to run it.
pub async fn query(
    arguments: &QueryArguments,
    now: fn() -> Timestamp,
    interruption: &Interruption,
) -> anyhow::Result<Outcome> {
    let Some(Run { request, source, format, max_bytes }) = arguments.run.as_deref() else {
        print(&list())?;
        return Ok(Outcome::Done);
    };
    request.ensure_days_in_order()?;
    let mut sheet = Sheet::new(*format);
    let statistics = match source {
        DataSource::Stack(stack) => {
            let connecting = stack.connect();
            let Some(connection) = interruption.unless(connecting).await else {
                return Ok(Outcome::Interrupted);
            };
            let request = request.of_yesterday(now());
            Box::pin(athena::run(&connection?, &request, *max_bytes, interruption, &mut sheet)).await?
        }
        DataSource::Folder(folder) => {
            Box::pin(duckdb::run(folder, request, now, interruption, &mut sheet)).await?
        }
    };
    match statistics {
        Some(statistics) => {
            sheet.end()?;
            say(&format!("{}; {statistics}", sheet.counted()));
            if sheet.is_empty() {
                say(&request.why_empty());
            }
            Ok(Outcome::Done)
        }
        None => Ok(Outcome::Interrupted),
    }
}

/// The list of queries, each with its description and Amazon Connect's names for its metrics.
fn list() -> String {
    let width = width().min(110);
    let longest = lake_queries::named().iter().map(|query| query.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for query in lake_queries::named() {
        let head = query.head();
        let description = match head.amazon_names() {
            Some(names) => format!("{} Amazon Connect: {names}.", head.answer),
            None => head.answer.clone(),
        };
        let _ = writeln!(text, "{:<longest$}  {}", query.name, wrapped(&description, width, longest + 2));
    }
    let more = "`contact-ledger query <QUERY> --help` describes a query, its columns, and its options.";
    format!("{text}\n{}\n", wrapped(more, width, 0))
}
