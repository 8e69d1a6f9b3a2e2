//! `agents`: the current state of all agents, as a table that refreshes automatically.

use std::cmp::Reverse;

use agent_ledger::Activity;
use anyhow::ensure;
use clap::{Args, ValueEnum};
use connect_streams::Timestamp;
use console::{Style, Term};
use live_board::{Agent, Board, Silence};

use crate::commands::watch::watch;
use crate::stack::connection::StackArguments;
use crate::stack::tables::{BoardReader, GHOST_MINUTES, Tables};
use ledger_console::process::interruption::Interruption;
use ledger_console::process::outcome::Outcome;
use ledger_console::render::output::print;
use ledger_console::render::terminal::{Cell, counted, json_lines, lasted, number, table, text, width};

/// Arguments of `agents`.
#[derive(Debug, Clone, Args)]
pub struct AgentsArguments {
    #[command(flatten)]
    stack: StackArguments,
    /// Instance ID; optional if the tables contain data from only one instance
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    instance: Option<String>,
    /// Show only agents whose full name, username, or ID contains this text
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Show only agents with this activity; can be specified more than once
    #[arg(long, value_name = "ACTIVITY", value_parser = activities())]
    activity: Vec<String>,
    /// Show only agents with a contact from this queue (name or ID)
    #[arg(long, value_name = "QUEUE")]
    queue: Option<String>,
    /// Include agents who are logged out, or silent for more than a day
    #[arg(long)]
    all: bool,
    /// Sort order
    #[arg(long, value_enum, default_value_t = Order::Activity)]
    sort: Order,
    /// Mark an agent as a ghost if no event has arrived for this number of minutes; heartbeats arrive every two minutes
    #[arg(long, value_name = "MINUTES", default_value_t = GHOST_MINUTES, value_parser = clap::value_parser!(u32).range(1..), alias = "stale-after")]
    ghost_after: u32,
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

/// Every activity, also that of an agent whose status is not known.
fn activities() -> Vec<&'static str> {
    Activity::ALL.into_iter().chain([Activity::Unknown]).map(Activity::as_str).collect()
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

/// The agents to show, and the number of those that are not listed.
struct View<'a> {
    arguments: &'a AgentsArguments,
    reader: BoardReader,
}

impl View<'_> {
    /// The selected agents, and the number of all agents.
    async fn agents(&self, now: Timestamp) -> anyhow::Result<(Vec<Agent>, usize)> {
        let Board { agents, agents_not_listed, instance_id, .. } = self.reader.board(now).await?;
        let all = agents.len() + agents_not_listed;
        ensure!(
            all > 0 || instance_id.is_empty(),
            "no agent of instance {instance_id} is in the tables; run `contact-ledger doctor` if there should be agents"
        );
        ensure!(
            all > 0,
            "the tables have no agents yet; run `contact-ledger doctor` if there should be agents"
        );
        let mut agents = agents;
        agents.retain(|agent| self.is_wanted(agent));
        // The document is ordered by name, and these sorts are stable, so that rows do not jump between refreshes.
        match self.arguments.sort {
            Order::Name => {}
            Order::Activity => agents
                .sort_by(|left, right| (left.activity, &left.since).cmp(&(right.activity, &right.since))),
            Order::Since => agents.sort_by(|left, right| left.since.cmp(&right.since)),
            Order::Contacts => agents.sort_by_key(|agent| Reverse(agent.contacts.len())),
            Order::Queue => agents.sort_by(|left, right| queues(left).cmp(&queues(right))),
        }
        Ok((agents, all))
    }

    fn is_wanted(&self, agent: &Agent) -> bool {
        let AgentsArguments { name, activity, queue, all, .. } = self.arguments;
        let has = |wanted: &str, text: &str| text.to_lowercase().contains(&wanted.to_lowercase());
        let names = [Some(&agent.name), agent.username.as_ref(), Some(&agent.agent_id)];
        let is_named =
            name.as_ref().is_none_or(|name| names.into_iter().flatten().any(|text| has(name, text)));
        let is_of_queue = |queue: &String| {
            let is_it = |one: &Option<String>| one.as_ref() == Some(queue);
            agent.contacts.iter().any(|contact| is_it(&contact.queue) || is_it(&contact.queue_id))
        };
        is_named
            && (*all || agent.session != Some("out"))
            && (activity.is_empty() || activity.iter().any(|wanted| wanted == agent.activity))
            && queue.as_ref().is_none_or(is_of_queue)
    }
}

/// The queues of an agent's contacts.
fn queues(agent: &Agent) -> Vec<&str> {
    let names =
        agent.contacts.iter().filter_map(|contact| contact.queue.as_ref().or(contact.queue_id.as_ref()));
    let mut queues: Vec<_> = names.map(String::as_str).collect();
    queues.sort_unstable();
    queues.dedup();
    queues
}

fn cells(agent: &Agent, now: Timestamp) -> Vec<Cell> {
    let style = match agent.activity {
        "available" => Style::new().green(),
        "on_contact" => Style::new().cyan(),
        "incoming" => Style::new().yellow(),
        "missed" | "rejected" | "error" => Style::new().red(),
        _ => Style::new(),
    };
    let (style, mark) = match agent.silence {
        Some(Silence::Ghost) => (Style::new().dim(), " (ghost)"),
        Some(Silence::Stale) => (style, " (stale)"),
        None => (style, ""),
    };
    let doubt = if agent.contacts_doubtful { "?" } else { "" };
    let is_of_status = matches!(agent.activity, "available" | "custom" | "offline" | "unknown");
    let status = agent.status.clone().unwrap_or_default();
    let next = agent.next_status.as_ref().map(|next| format!(", then {next}")).unwrap_or_default();
    vec![
        agent.name.clone().into(),
        agent.username.clone().unwrap_or_default().into(),
        Cell::styled(format!("{}{mark}", agent.activity), style),
        if is_of_status { String::new() } else { lasted(agent.since.as_deref(), now) }.into(),
        format!("{status}{next}").into(),
        lasted(agent.status_since.as_deref(), now).into(),
        format!("{}{doubt}", agent.contacts.len()).into(),
        queues(agent).join(", ").into(),
    ]
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
        let longest_life = connection.deployed.longest_life;
        let (given, ghost_after) = (arguments.instance.as_deref(), arguments.ghost_after);
        let mut reader =
            BoardReader::of(&connection, Tables::Agents, given, ghost_after, longest_life).await?;
        reader.settings.lists_everyone = arguments.all;
        let view = View { arguments, reader };
        let agents = view.agents(now()).await?;
        anyhow::Ok((view, agents))
    };
    let Some(found) = interruption.unless(found).await else { return Ok(Outcome::Interrupted) };
    let (view, (agents, all)) = found?;
    let term = Term::stdout();
    if !term.is_term() || arguments.once || arguments.json {
        print(&if arguments.json { json_lines(&agents)? } else { page(&agents, all, now()) })?;
        return Ok(Outcome::Done);
    }
    let first = page(&agents, all, now());
    watch(&term, arguments.refresh, interruption, first, async || {
        let (agents, all) = view.agents(now()).await?;
        Ok(page(&agents, all, now()))
    })
    .await
}

fn page(agents: &[Agent], all: usize, now: Timestamp) -> String {
    let ghosts = agents.iter().filter(|agent| agent.silence == Some(Silence::Ghost)).count();
    let contacts: usize = agents.iter().map(|agent| agent.contacts.len()).sum();
    let columns = [
        text("NAME", 2),
        text("USERNAME", 2),
        text("ACTIVITY", 0),
        number("FOR"),
        text("STATUS", 1),
        number("IN STATUS"),
        number("CONTACTS"),
        text("QUEUE", 3),
    ];
    let cells: Vec<_> = agents.iter().map(|agent| cells(agent, now)).collect();
    let heading = format!(
        "{}, {}, {}, at {now}\n\n",
        counted(agents.len() as u64, "agent", "agents"),
        counted(contacts as u64, "contact", "contacts"),
        counted(ghosts as u64, "ghost", "ghosts"),
    );
    if agents.is_empty() {
        return format!(
            "{heading}None of {} in the tables matches. --all also shows agents who are logged out, or silent for more than a day.\n",
            counted(all as u64, "agent", "agents")
        );
    }
    heading + &table(&columns, &cells, width())
}
