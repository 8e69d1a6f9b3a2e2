//! `agents`: the current state of all agents, as a table that refreshes automatically.

use std::cmp::Reverse;

use agent_ledger::agents::{Agent, Session};
use agent_ledger::{Activity, Attribute};
use anyhow::{anyhow, bail, ensure};
use aws_errors::{Class, class_of, unanswered, why_refused};
use clap::{Args, ValueEnum};
use connect_streams::Timestamp;
use console::{Style, Term};
use serde::Serialize;
use tables::StoreError;
use tables_dynamodb::agents::Reader;

use crate::commands::watch::watch;
use crate::stack::connection::{Connection, StackArguments};
use ledger_console::process::interruption::Interruption;
use ledger_console::process::outcome::Outcome;
use ledger_console::render::output::print;
use ledger_console::render::terminal::{Cell, counted, duration, json_lines, number, table, text, width};

/// Minutes without an event after which a logged-in agent counts as gone. Heartbeats arrive every two minutes.
pub(crate) const GHOST_MINUTES: u32 = 5;

/// Arguments of `agents`.
#[derive(Debug, Clone, Args)]
pub struct AgentsArguments {
    #[command(flatten)]
    stack: StackArguments,
    /// Instance ID; optional if the tables contain data from only one instance
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// Show only agents whose full name, username, or ID contains this text
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Show only agents with this activity; can be specified more than once
    #[arg(long, value_name = "ACTIVITY", value_parser = Activity::ALL.map(Activity::as_str))]
    activity: Vec<String>,
    /// Show only agents with a contact from this queue
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// Include agents who are logged out
    #[arg(long)]
    all: bool,
    /// Sort order
    #[arg(long, value_enum, default_value_t = Order::Activity)]
    sort: Order,
    /// Flag an agent if no event has arrived for this number of minutes; heartbeats arrive every two minutes
    #[arg(long, value_name = "MINUTES", default_value_t = GHOST_MINUTES)]
    stale_after: u32,
    /// Seconds between refreshes (only on a terminal)
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    refresh: u32,
    /// Print the table once and exit
    #[arg(long)]
    once: bool,
    /// Print JSON Lines (one object per agent) once and exit
    #[arg(long)]
    json: bool,
}

/// The order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    /// By name
    Name,
    /// By activity, then by time in that activity, longest first
    Activity,
    /// By time in the current activity, longest first
    Since,
    /// By number of contacts, highest first
    Contacts,
    /// By the queues that the agent's contacts came from
    Queue,
}

/// One agent, as shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AgentRow {
    /// The agent's ID.
    pub agent_id: String,
    /// First and last name, or else the username, or else the ID.
    pub name: String,
    /// The username.
    pub username: Option<String>,
    /// The Region in which the agent is active.
    pub region: Option<String>,
    /// Amazon Connect's Agent Activity: `available`, `on_contact`, …
    pub activity: &'static str,
    /// When the contact that determines the activity entered its state; none if the status determines it.
    pub contact_since: Option<String>,
    /// The agent's status.
    pub status: Option<String>,
    /// When the agent entered this status. Contacts do not change it.
    pub status_since: Option<String>,
    /// The number of contacts.
    pub contacts: usize,
    /// Whether contacts are still listed for an agent who is gone.
    pub contacts_doubtful: bool,
    /// The queues of the contacts.
    pub queues: Vec<String>,
    /// `in`, `out`, or `unsettled` while unknown.
    pub session: Option<&'static str>,
    /// When the agent's last event happened.
    pub last_event: Option<String>,
    /// Whether a logged-in agent has had no event for too long.
    pub stale: bool,
}

impl AgentRow {
    fn of(agent: Agent, now: Timestamp, stale_after: u32) -> Self {
        let text_of = |name: &str| {
            let text = agent.snapshot.get(name).and_then(Attribute::as_text);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let contacts = match agent.snapshot.get("contacts") {
            Some(Attribute::List(contacts)) => contacts.as_slice(),
            _ => &[],
        };
        let queue = |contact: &Attribute| match contact {
            Attribute::Map(members) => members.get("queue_name")?.as_text().map(str::to_owned),
            _ => None,
        };
        let mut queues: Vec<_> = contacts.iter().filter_map(queue).collect();
        queues.sort_unstable();
        queues.dedup();
        let names: Vec<_> = ["first_name", "last_name"].into_iter().filter_map(text_of).collect();
        let username = text_of("username");
        let name = if names.is_empty() {
            username.clone().unwrap_or_else(|| agent.agent_id.clone())
        } else {
            names.join(" ")
        };
        let is_away = agent.session == Some(Session::Out) || agent.activity == Activity::Offline;
        let last_event = agent.last_event.as_deref().and_then(Timestamp::parse);
        let silence = last_event.map(|at| now.epoch_milliseconds() - at.epoch_milliseconds());
        Self {
            name,
            username,
            activity: agent.activity.as_str(),
            contact_since: agent.contact_since,
            status: text_of("status_name"),
            status_since: text_of("status_since"),
            contacts: contacts.len(),
            contacts_doubtful: agent.contacts_are_doubtful,
            queues,
            session: agent.session.map(Session::as_str),
            stale: !is_away && silence.is_none_or(|silence| silence > i64::from(stale_after) * 60_000),
            agent_id: agent.agent_id,
            region: agent.region,
            last_event: agent.last_event,
        }
    }

    /// The start of the activity: that of the contact's state if it determines the activity, or else of the status.
    fn since(&self) -> Option<&String> {
        self.contact_since.as_ref().or(self.status_since.as_ref())
    }

    fn is_wanted(&self, arguments: &AgentsArguments) -> bool {
        let has = |wanted: &str, text: &str| text.to_lowercase().contains(&wanted.to_lowercase());
        let names = [Some(&self.name), self.username.as_ref(), Some(&self.agent_id)];
        let is_named = arguments
            .name
            .as_ref()
            .is_none_or(|name| names.into_iter().flatten().any(|text| has(name, text)));
        let is_there = arguments.all || self.session != Some(Session::Out.as_str());
        is_named
            && is_there
            && (arguments.activity.is_empty()
                || arguments.activity.iter().any(|wanted| wanted == self.activity))
            && arguments.queue.as_ref().is_none_or(|queue| self.queues.contains(queue))
    }

    fn cells(&self, now: Timestamp) -> Vec<Cell> {
        let lasted = |since: &Option<String>| {
            let since = since.as_deref().and_then(Timestamp::parse);
            since.map(|since| duration(now.epoch_milliseconds() - since.epoch_milliseconds()))
        };
        let style = match self.activity {
            "available" => Style::new().green(),
            "on_contact" => Style::new().cyan(),
            "incoming" => Style::new().yellow(),
            "missed" | "rejected" | "error" => Style::new().red(),
            _ => Style::new(),
        };
        let (style, mark) = if self.stale { (Style::new().dim(), " (stale)") } else { (style, "") };
        let doubt = if self.contacts_doubtful { "?" } else { "" };
        vec![
            self.name.clone().into(),
            Cell::styled(format!("{}{mark}", self.activity), style),
            lasted(&self.contact_since).unwrap_or_default().into(),
            self.status.clone().unwrap_or_default().into(),
            lasted(&self.status_since).unwrap_or_default().into(),
            format!("{}{doubt}", self.contacts).into(),
            self.queues.join(", ").into(),
        ]
    }
}

/// Shows the agents. On a terminal, it refreshes until the user quits.
///
/// # Errors
/// If the stack or its table cannot be read.
pub async fn agents(
    arguments: &AgentsArguments,
    now: impl Fn() -> Timestamp,
    interruption: &Interruption,
) -> anyhow::Result<Outcome> {
    let found = async {
        let connection = arguments.stack.connect().await?;
        let reader = reader(&connection);
        let instance = instance(&reader, arguments.instance.as_deref()).await?;
        let (rows, all) = rows(&reader, &instance, arguments, now()).await?;
        anyhow::Ok((reader, instance, rows, all))
    };
    let Some(found) = interruption.unless(found).await else { return Ok(Outcome::Interrupted) };
    let (reader, instance, mut rows, mut all) = found?;
    let term = Term::stdout();
    if !term.is_term() || arguments.once || arguments.json {
        print(&if arguments.json { json_lines(&rows)? } else { page(&rows, all, now()) })?;
        return Ok(Outcome::Done);
    }
    let first = page(&rows, all, now());
    watch(&term, arguments.refresh, interruption, first, async || {
        (rows, all) = self::rows(&reader, &instance, arguments, now()).await?;
        Ok(page(&rows, all, now()))
    })
    .await
}

fn page(rows: &[AgentRow], all: usize, now: Timestamp) -> String {
    let stale = rows.iter().filter(|row| row.stale).count();
    let contacts: usize = rows.iter().map(|row| row.contacts).sum();
    let columns = [
        text("NAME", 2),
        text("ACTIVITY", 0),
        number("FOR"),
        text("STATUS", 1),
        number("FOR"),
        number("CONTACTS"),
        text("QUEUE", 3),
    ];
    let cells: Vec<_> = rows.iter().map(|row| row.cells(now)).collect();
    let heading = format!(
        "{}, {}, {stale} stale, at {now}\n\n",
        counted(rows.len() as u64, "agent", "agents"),
        counted(contacts as u64, "contact", "contacts")
    );
    if rows.is_empty() && all > 0 {
        return format!(
            "{heading}None of {} matches and is logged in (--all shows logged-out ones).\n",
            counted(all as u64, "agent", "agents")
        );
    }
    heading + &table(&columns, &cells, width())
}

/// The selected rows, and the number of all agents.
async fn rows(
    reader: &Reader,
    instance: &str,
    arguments: &AgentsArguments,
    now: Timestamp,
) -> anyhow::Result<(Vec<AgentRow>, usize)> {
    let agents = reader.agents(instance, now, arguments.stale_after).await;
    let agents = agents.map_err(|error| cannot_read("the agents", error))?;
    let all = agents.len();
    ensure!(
        all > 0,
        "no agent of instance {instance} is in the tables; run `contact-ledger doctor` if there should be agents"
    );
    let mut rows: Vec<_> = agents
        .into_iter()
        .map(|agent| AgentRow::of(agent, now, arguments.stale_after))
        .filter(|row| row.is_wanted(arguments))
        .collect();
    // Ties are sorted by name, so that rows do not jump between refreshes.
    rows.sort_by(|left, right| (&left.name, &left.agent_id).cmp(&(&right.name, &right.agent_id)));
    match arguments.sort {
        Order::Name => {}
        Order::Activity => {
            rows.sort_by(|left, right| (left.activity, left.since()).cmp(&(right.activity, right.since())));
        }
        Order::Since => rows.sort_by(|left, right| left.since().cmp(&right.since())),
        Order::Contacts => rows.sort_by_key(|row| Reverse(row.contacts)),
        Order::Queue => rows.sort_by(|left, right| left.queues.cmp(&right.queues)),
    }
    Ok((rows, all))
}

pub(crate) fn reader(connection: &Connection) -> Reader {
    let names = &connection.names;
    Reader::new(connection.tables(), names.agent_state_table.clone(), names.agent_history_table.clone())
}

/// Why a table could not be read, and what to do.
#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands it over")]
pub(crate) fn cannot_read(what: &str, error: StoreError) -> anyhow::Error {
    const PERMISSIONS: &str = "dynamodb:Query, dynamodb:GetItem, and dynamodb:BatchGetItem on the tables and their indexes, and kms:Decrypt on their KMS key";
    let why = if !error.is_answer {
        unanswered(&*error.source)
    } else if class_of(&error.code) == Class::Missing {
        "its table does not exist; `contact-ledger doctor` shows how to restore it".to_owned()
    } else {
        why_refused(&error.code, &error.code, PERMISSIONS)
    };
    anyhow!("{what} cannot be read: {why}")
}

/// The given instance, or the only one in the tables.
pub(crate) async fn instance(reader: &Reader, given: Option<&str>) -> anyhow::Result<String> {
    if let Some(given) = given {
        // An ARN is accepted, too.
        return Ok(given.rsplit('/').next().unwrap_or(given).to_owned());
    }
    let instances = reader.instances().await.map_err(|error| cannot_read("the agents", error))?;
    let instances: Vec<_> = instances.into_iter().collect();
    match &instances[..] {
        [instance] => Ok(instance.clone()),
        [] => bail!("the tables have no agents yet; run `contact-ledger doctor` if there should be agents"),
        several => bail!(
            "there are agents of {} instances; pass --instance with one of {}",
            several.len(),
            several.join(", ")
        ),
    }
}
