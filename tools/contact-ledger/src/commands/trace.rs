//! `trace`: where one contact or one agent is, place by place, and where it stopped.
//!
//! Each place is looked at on its own: a place that cannot be looked at is reported, and the others still are. What follows
//! from the findings is decided by pure functions in [`contact`](mod@contact) and [`agent`](mod@agent).

mod agent;
mod contact;
mod period;
mod places;
mod scope;
mod search;

use anyhow::ensure;
use clap::Args;
use connect_streams::{Timestamp, arn};
use ledger_console::process::outcome::Answer;
use ledger_console::process::program::WrongUsage;
use ledger_console::render::output::say;
use ledger_console::render::terminal::{counted, grouped, json_pretty, width};
use redrive::{RequestError, day_or_instant};

use self::agent::agent;
use self::contact::contact;
use self::scope::Scope;
use self::search::Search;
use crate::stack::connection::StackArguments;
use crate::stack::tables::{
    GHOST_MINUTES, SeveralInstances, agent_named, cannot_read, instance, is_uuid, reader,
};

/// Arguments of `trace`.
#[derive(Debug, Clone, Args)]
pub struct TraceArguments {
    /// Contact ID or ARN; or agent ID, ARN, username, or first and last name
    #[arg(value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    id: String,
    #[command(flatten)]
    stack: StackArguments,
    /// First day to search: a UTC date [default: the day on which the contact began if it is known, and otherwise yesterday]
    #[arg(long, value_name = "DAY", value_parser = day)]
    from: Option<Timestamp>,
    /// Last day to search: a UTC date [default: the day after the contact was last updated if that is known, and otherwise today]
    #[arg(long, value_name = "DAY", value_parser = day)]
    to: Option<Timestamp>,
    /// Instance ID or ARN; optional if the tables contain data from only one instance
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    instance: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn day(text: &str) -> Result<Timestamp, RequestError> {
    let found = day_or_instant(text).filter(|_| text.len() == 10);
    found.map(|(day, _)| day).ok_or_else(|| RequestError::Time { name: "day", value: text.to_owned() })
}

/// What the ID is.
enum Subject {
    Contact(String),
    Agent(String),
    /// The tables could not be asked whether it is an agent, and why not.
    Unknown(String, String),
}

/// Looks in every place, and returns the report.
///
/// # Errors
/// If the stack cannot be reached, or the tables have several instances.
pub async fn trace(arguments: &TraceArguments, now: Timestamp) -> Answer {
    if let (Some(from), Some(to)) = (arguments.from, arguments.to) {
        ensure!(from <= to, WrongUsage::of("--to is before --from"));
    }
    let connection = arguments.stack.connect().await?;
    let in_arn = arn::instance_id(&arguments.id).map(str::to_owned);
    let given = arguments.instance.clone().or(in_arn);
    let table = connection.names.contact_events.as_ref().map(|names| names.table.as_str());
    let instance = match instance(&connection, table, given.as_deref()).await {
        Err(error) if error.is::<SeveralInstances>() => return Err(error),
        instance => instance.map_err(|error| error.to_string()),
    };
    let id = arguments.id.rsplit('/').next().unwrap_or(&arguments.id);
    let search = Search::new(connection.lake(), id);
    let (from, to) = (arguments.from, arguments.to);
    let mut scope = Scope { connection: &connection, search, instance, from, to, now };
    let found = match subject(&scope, &arguments.id, id).await {
        Subject::Agent(agent_id) => {
            scope.search = Search::new(connection.lake(), &agent_id);
            agent(&scope, &agent_id).await
        }
        Subject::Contact(contact_id) => contact(&scope, &contact_id, Ok(())).await,
        Subject::Unknown(id, why) => contact(&scope, &id, Err(why)).await,
    };
    let objects = counted(found.objects_read, "object", "objects");
    say(&format!("read {objects} of the lake, {} bytes", grouped(found.bytes_read)));
    let text = if arguments.json { json_pretty(&found)? } else { found.text(width()) };
    Ok((text, found.outcome()))
}

/// Whether the ID is that of an agent: an ARN says so, and otherwise the tables do. An ID that they do not know is that of a
/// contact.
async fn subject(scope: &Scope<'_>, given: &str, id: &str) -> Subject {
    if arn::resource_id(given, "agent").is_some() {
        return Subject::Agent(id.to_owned());
    }
    if given.contains('/') {
        return Subject::Contact(id.to_owned());
    }
    if let Err(why) = &scope.instance {
        return Subject::Unknown(id.to_owned(), why.clone());
    }
    if let Some(instance) = scope.instance() {
        let reader = reader(scope.connection);
        let known = if is_uuid(id) {
            let agent = reader.agent(instance, id, scope.now, GHOST_MINUTES).await;
            match agent {
                Ok(None) => reader.last_event(instance, id).await.map(|last| last.map(|_| id.to_owned())),
                agent => agent.map(|agent| agent.map(|agent| agent.agent_id)),
            }
        } else {
            agent_named(&reader, instance, id, scope.now).await
        };
        match known {
            Ok(Some(agent_id)) => return Subject::Agent(agent_id),
            Ok(None) => {}
            Err(error) => {
                return Subject::Unknown(id.to_owned(), cannot_read("the agents", error).to_string());
            }
        }
    }
    Subject::Contact(id.to_owned())
}
