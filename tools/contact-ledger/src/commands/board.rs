//! `board`: serves the live board on this machine, with the user's own credentials.

mod key;
mod open;
mod server;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use connect_streams::Timestamp;
use live_board::{LiveBoard, Reading, Source};
use tables::StoreError;

use crate::commands::board::server::Server;
use crate::stack::connection::StackArguments;
use crate::stack::tables::{BoardReader, GHOST_MINUTES, Tables};
use ledger_console::process::interruption::Interruption;
use ledger_console::process::outcome::Outcome;
use ledger_console::render::output::{print, say};

/// Arguments of `board`.
#[derive(Debug, Clone, Args)]
pub struct BoardArguments {
    #[command(flatten)]
    stack: StackArguments,
    /// Instance ID; optional if the stack has it, or the tables contain data from only one instance
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    instance: Option<String>,
    /// Mark an agent as a ghost if no event has arrived for this number of minutes; heartbeats arrive every two minutes
    #[arg(long, value_name = "MINUTES", default_value_t = GHOST_MINUTES, value_parser = clap::value_parser!(u32).range(1..))]
    ghost_after: u32,
    /// Seconds after a reading within which the tables are not read again. More seconds cost less (docs/board.md)
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=10))]
    refresh: u32,
    /// Port on 127.0.0.1; 0 picks a free port
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port: u16,
    /// File with the key of the address, so that the address stays the same. If there is none, a new key is written to it, readable only by you
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Open the page in the default browser
    #[arg(long)]
    open: bool,
}

/// A reading ends within this time: the page waits for ten seconds, and then shows why there is none.
const READING: Duration = Duration::from_secs(8);

/// A source whose readings fail after a limit.
#[derive(Debug)]
struct Within<S> {
    source: S,
    limit: Duration,
}

impl<S: Source> Source for Within<S> {
    async fn read(&self) -> Result<Reading, StoreError> {
        let reading = tokio::time::timeout(self.limit, self.source.read()).await;
        reading.unwrap_or_else(|error| Err(StoreError::unanswered(error)))
    }
}

/// Serves the board until the user interrupts it.
///
/// # Errors
/// If the stack or its tables cannot be read, or the port is taken.
pub async fn board(
    arguments: &BoardArguments,
    now: fn() -> Timestamp,
    interruption: &Interruption,
) -> anyhow::Result<Outcome> {
    let served = async {
        let connection = arguments.stack.connect().await?;
        let (given, longest_life) = (arguments.instance.as_deref(), connection.deployed.longest_life);
        let reader =
            BoardReader::of(&connection, Tables::All, given, arguments.ghost_after, longest_life).await?;
        ensure!(
            !reader.settings.instance_id.is_empty(),
            "the tables have no agents yet, so the instance is not known; pass --instance, or run `contact-ledger doctor` if there should be agents"
        );
        // What the user has to fix shows here, and not on the page.
        let board = reader.board(now()).await?;
        reader.hint(&connection, &board).await;
        let secret = match &arguments.key_file {
            Some(file) => key::of(file)?,
            None => loopback::secret(),
        };
        let listener = loopback::listen(arguments.port, "the board").await?;
        let url = loopback::url(&listener)?;
        let BoardReader { source, settings } = reader;
        let instance = settings.instance_id.clone();
        let source = Within { source, limit: READING };
        let board = LiveBoard::new(source, settings, i64::from(arguments.refresh) * 1000);
        let server = Arc::new(Server::new(board, now, secret, arguments.key_file.clone()));
        print(&format!(
            "The board of instance {instance} is at\n\n  {url}/{secret}/\n\nand its document at\n\n  {url}/{secret}/board.json\n\nBoth work until you press Ctrl-C, for anyone on this machine who knows the address.\n",
            secret = server.secret(),
        ))?;
        if arguments.open
            && let Err(error) = open::open(&format!("{url}/{}/", server.ticket()))
        {
            say(&format!("no browser could be started ({error}); open the address above"));
        }
        server::serve(listener, server).await;
        anyhow::Ok(())
    };
    // An interruption is the normal end.
    interruption.unless(served).await.unwrap_or(Ok(())).map(|()| Outcome::Done)
}
