//! `query`: a named query of the lake, on Athena or in `DuckDB`.

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
use crate::commands::query::arguments::{Asked, Where};
use crate::commands::query::sheet::Sheet;

/// Asks, and prints the answer.
///
/// # Errors
/// When the query fails, or nobody is there to ask.
pub async fn query(
    arguments: &QueryArguments,
    now: fn() -> Timestamp,
    interruption: &Interruption,
) -> anyhow::Result<Outcome> {
    let Some(Asked { request, place, format, max_bytes }) = arguments.asked.as_deref() else {
        print(&list())?;
        return Ok(Outcome::Done);
    };
    request.ensure_days_in_order()?;
    let mut sheet = Sheet::new(*format);
    let said = match place {
        Where::Stack(stack) => {
            let asked = stack.connect();
            let Some(connection) = interruption.unless(asked).await else { return Ok(Outcome::Interrupted) };
            let request = request.of_yesterday(now());
            Box::pin(athena::ask(&connection?, &request, *max_bytes, interruption, &mut sheet)).await?
        }
        Where::Folder(folder) => {
            Box::pin(duckdb::ask(folder, request, now, interruption, &mut sheet)).await?
        }
    };
    match said {
        Some(said) => {
            sheet.end()?;
            say(&format!("{}; {said}", sheet.counted()));
            if sheet.is_empty() {
                say(&request.why_empty());
            }
            Ok(Outcome::Done)
        }
        None => Ok(Outcome::Interrupted),
    }
}

/// What there is to ask: each query with its answer, and with what Amazon Connect calls it.
fn list() -> String {
    let width = width().min(110);
    let longest = lake_queries::named().iter().map(|query| query.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for query in lake_queries::named() {
        let head = query.head();
        let said = match head.amazon_names() {
            Some(names) => format!("{} Amazon Connect: {names}.", head.answer),
            None => head.answer.clone(),
        };
        let _ = writeln!(text, "{:<longest$}  {}", query.name, wrapped(&said, width, longest + 2));
    }
    let more =
        "`contact-ledger query <QUERY> --help` says what a query means, its columns, and what it asks for.";
    format!("{text}\n{}\n", wrapped(more, width, 0))
}
