//! `query`: a named query of the lake, on Athena or in `DuckDB`.

mod arguments;
mod athena;
mod duckdb;
mod request;
mod sheet;

use connect_streams::Timestamp;
use ledger_console::process::interruption::Interruption;
use ledger_console::process::outcome::Outcome;
use ledger_console::render::output::{print, say};
use ledger_console::render::terminal::{Cell, table, text, width, wrapped};

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
            Ok(Outcome::Done)
        }
        None => Ok(Outcome::Interrupted),
    }
}

/// What there is to ask.
fn list() -> String {
    let rows: Vec<Vec<Cell>> = lake_queries::named()
        .iter()
        .map(|query| {
            let head = query.head();
            vec![query.name.into(), head.answer.trim_end_matches('.').into()]
        })
        .collect();
    let columns = [text("QUERY", 0), text("ANSWERS", 1)];
    let more = "`contact-ledger query <QUERY> --help` says what a query means, what Amazon Connect calls it, and what it asks for.";
    format!("{}\n{}\n", table(&columns, &rows, width()), wrapped(more, width().min(100), 0))
}
