//! `contacts`: the contacts in flight, by queue and one by one.

use anyhow::{bail, ensure};
use clap::Args;
use connect_streams::Timestamp;
use console::{Style, Term};
use contact_state::LongestLife;
use contact_state::contact::{Contact, Queue, Stage, by_queue};
use serde::Serialize;
use tables_dynamodb::contacts::ContactReader;

use crate::commands::agents::cannot_read;
use crate::commands::watch::watch;
use crate::stack::connection::{Connection, StackArguments};
use ledger_console::process::interruption::Interruption;
use ledger_console::process::outcome::Outcome;
use ledger_console::render::output::{print, say};
use ledger_console::render::terminal::{Cell, counted, duration, json_lines, number, table, text, width};

/// Arguments of `contacts`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are switches of a command line")]
pub struct ContactsArguments {
    #[command(flatten)]
    stack: StackArguments,
    /// Instance ID; optional if the table has contacts in flight of only one instance
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
    /// Show only contacts of this queue
    #[arg(long, value_name = "ID")]
    queue: Option<String>,
    /// Show only contacts in this state; can be specified more than once
    #[arg(long, value_name = "STATE", value_parser = STATES)]
    state: Vec<String>,
    /// Show only the counts by queue
    #[arg(long)]
    by_queue: bool,
    /// Include contacts that a test of Amazon Connect made
    #[arg(long)]
    simulated: bool,
    /// Hours after which a call or a task without an end is unconfirmed [default: that of the stack, 168]
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..))]
    voice_task_hours: Option<u32>,
    /// Hours after which a chat without an end is unconfirmed [default: that of the stack, 25]
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..))]
    chat_hours: Option<u32>,
    /// Hours after which any other contact without an end is unconfirmed [default: that of the stack, 336]
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..))]
    other_hours: Option<u32>,
    /// Seconds between refreshes (only on a terminal)
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..))]
    refresh: u32,
    /// Print the contacts once and exit
    #[arg(long)]
    once: bool,
    /// Print JSON Lines (one object per contact, or per queue with --by-queue) once and exit
    #[arg(long)]
    json: bool,
}

/// The states of contacts in flight, and `unconfirmed`.
const STATES: [&str; 9] = [
    Stage::Initiated.as_str(),
    Stage::Scheduled.as_str(),
    Stage::InSystem.as_str(),
    Stage::Queued.as_str(),
    Stage::WithAgent.as_str(),
    Stage::Paused.as_str(),
    Stage::Disconnected.as_str(),
    Stage::AfterContactWork.as_str(),
    UNCONFIRMED,
];
const UNCONFIRMED: &str = "unconfirmed";

/// The counts of one queue, as JSON.
#[derive(Serialize)]
struct QueueRow<'a> {
    queue_id: Option<&'a str>,
    #[serde(flatten)]
    counts: Queue,
}

/// What is read, and from where.
struct View<'a> {
    arguments: &'a ContactsArguments,
    reader: ContactReader,
    instance: String,
    longest: LongestLife,
}

/// Shows the contacts in flight. On a terminal, it refreshes until the user quits.
///
/// # Errors
/// If the stack or its table cannot be read, or the stack does not process contact events.
pub async fn contacts(
    arguments: &ContactsArguments,
    now: impl Fn() -> Timestamp,
    interruption: &Interruption,
) -> anyhow::Result<Outcome> {
    let found = async {
        let connection = arguments.stack.connect().await?;
        let view = View::of(arguments, &connection).await?;
        let contacts = view.contacts(now()).await?;
        anyhow::Ok((view, contacts))
    };
    let Some(found) = interruption.unless(found).await else { return Ok(Outcome::Interrupted) };
    let (view, contacts) = found?;
    let term = Term::stdout();
    if arguments.json {
        print(&view.json(&contacts)?)?;
        return Ok(Outcome::Done);
    }
    let page = view.page(&contacts, now());
    if !term.is_term() || arguments.once {
        print(&page)?;
        return Ok(Outcome::Done);
    }
    watch(&term, arguments.refresh, interruption, page, async || {
        let contacts = view.contacts(now()).await?;
        Ok(view.page(&contacts, now()))
    })
    .await
}

impl<'a> View<'a> {
    async fn of(arguments: &'a ContactsArguments, connection: &Connection) -> anyhow::Result<Self> {
        let Some(names) = &connection.names.contact_events else {
            bail!(
                "the stack does not process contact events, so it does not know the contacts in flight; deploy it with ContactEvents=true"
            );
        };
        let reader = ContactReader::new(connection.tables(), names.table.clone());
        let deployed = connection.deployed.longest_life;
        let longest = LongestLife {
            voice_task_hours: arguments.voice_task_hours.unwrap_or(deployed.voice_task_hours),
            chat_hours: arguments.chat_hours.unwrap_or(deployed.chat_hours),
            other_hours: arguments.other_hours.unwrap_or(deployed.other_hours),
        };
        let instance = instance(&reader, connection, arguments.instance.as_deref()).await?;
        Ok(Self { arguments, reader, instance, longest })
    }

    async fn contacts(&self, now: Timestamp) -> anyhow::Result<Vec<Contact>> {
        let contacts = self.reader.in_flight(&self.instance, &self.longest, now).await;
        let mut contacts = contacts.map_err(|error| cannot_read("the contacts in flight", error))?;
        contacts.retain(|contact| self.is_wanted(contact));
        // Those that wait first, the longest first. Ties are sorted by ID, so that rows do not jump between refreshes.
        let rank = |contact: &Contact| (contact.is_unconfirmed, !contact.is_waiting(), contact.stage);
        contacts.sort_by(|left, right| {
            (rank(left), left.since, &left.contact_id).cmp(&(rank(right), right.since, &right.contact_id))
        });
        Ok(contacts)
    }

    fn is_wanted(&self, contact: &Contact) -> bool {
        let ContactsArguments { queue, state, simulated, .. } = self.arguments;
        let is_in_state = |state: &String| match state.as_str() {
            UNCONFIRMED => contact.is_unconfirmed,
            state => contact.stage.as_str() == state && !contact.is_unconfirmed,
        };
        (!contact.is_simulated || *simulated)
            && queue.as_ref().is_none_or(|queue| contact.queue_id.as_ref() == Some(queue))
            && (state.is_empty() || state.iter().any(is_in_state))
    }

    fn json(&self, contacts: &[Contact]) -> anyhow::Result<String> {
        if !self.arguments.by_queue {
            return json_lines(contacts);
        }
        let queues = by_queue(contacts);
        let rows: Vec<_> = queues
            .iter()
            .map(|(queue_id, counts)| QueueRow { queue_id: queue_id.as_deref(), counts: *counts })
            .collect();
        json_lines(&rows)
    }

    fn page(&self, contacts: &[Contact], now: Timestamp) -> String {
        let waiting: Vec<_> = contacts.iter().filter(|contact| contact.is_waiting()).collect();
        let oldest = waiting.iter().filter_map(|contact| contact.since).min();
        let oldest = oldest.map(|since| format!(" (longest {})", lasted(since, now))).unwrap_or_default();
        let unconfirmed = contacts.iter().filter(|contact| contact.is_unconfirmed).count();
        let heading = format!(
            "{}, {} waiting{oldest}, {unconfirmed} unconfirmed, at {now}\n",
            counted(contacts.len() as u64, "contact in flight", "contacts in flight"),
            waiting.len(),
        );
        if contacts.is_empty() {
            return heading;
        }
        let queues = queues_table(contacts, now);
        if self.arguments.by_queue {
            return format!("{heading}\n{queues}");
        }
        format!("{heading}\n{queues}\n{}", contacts_table(contacts, now))
    }
}

/// The given instance, that of the stack, or the only one in the table.
async fn instance(
    reader: &ContactReader,
    connection: &Connection,
    given: Option<&str>,
) -> anyhow::Result<String> {
    // An ARN is accepted, too.
    let id = |arn: &str| arn.rsplit('/').next().unwrap_or(arn).to_owned();
    if let (None, Some(deployed)) = (given, connection.deployed.instance_arn.as_deref()) {
        return Ok(id(deployed));
    }
    let instances = reader.instances().await;
    let instances = instances.map_err(|error| cannot_read("the contacts in flight", error))?;
    let instances: Vec<_> = instances.into_iter().collect();
    if let Some(given) = given.map(id) {
        // A wrong ID would look as if nobody waited.
        if !instances.is_empty() && !instances.contains(&given) {
            say(&format!(
                "no contacts in flight of instance {given}; the table has those of {}",
                instances.join(", ")
            ));
        }
        return Ok(given);
    }
    ensure!(
        instances.len() < 2,
        "there are contacts in flight of {} instances; pass --instance with one of {}",
        instances.len(),
        instances.join(", ")
    );
    // Without contacts in flight, there is nothing to show of any instance.
    Ok(instances.into_iter().next().unwrap_or_default())
}

fn lasted(since: Timestamp, now: Timestamp) -> String {
    duration(now.epoch_milliseconds() - since.epoch_milliseconds())
}

fn queues_table(contacts: &[Contact], now: Timestamp) -> String {
    let columns = [
        text("QUEUE", 0),
        number("WAITING"),
        number("LONGEST"),
        number("WITH AGENT"),
        number("AFTER WORK"),
        number("OTHER"),
        number("UNCONFIRMED"),
    ];
    let row = |(queue, counts): (&Option<String>, &Queue)| -> Vec<Cell> {
        let Queue { waiting, oldest, with_agent, after_contact_work, other, unconfirmed } = counts;
        vec![
            queue.clone().unwrap_or_else(|| "(none)".to_owned()).into(),
            waiting.to_string().into(),
            oldest.map(|since| lasted(since, now)).unwrap_or_default().into(),
            with_agent.to_string().into(),
            after_contact_work.to_string().into(),
            other.to_string().into(),
            unconfirmed.to_string().into(),
        ]
    };
    let queues = by_queue(contacts);
    table(&columns, &queues.iter().map(row).collect::<Vec<_>>(), width())
}

fn contacts_table(contacts: &[Contact], now: Timestamp) -> String {
    let columns = [
        text("CONTACT", 3),
        text("CHANNEL", 0),
        text("STATE", 0),
        number("FOR"),
        text("QUEUE", 2),
        text("AGENT", 1),
        number("AGE"),
    ];
    let row = |contact: &Contact| -> Vec<Cell> {
        let style = match contact.stage {
            _ if contact.is_unconfirmed => Style::new().dim(),
            Stage::Queued => Style::new().yellow(),
            Stage::WithAgent => Style::new().cyan(),
            _ => Style::new(),
        };
        let mark = match (contact.is_unconfirmed, contact.is_simulated) {
            (true, _) => " (unconfirmed)",
            (false, true) => " (simulated)",
            (false, false) => "",
        };
        let lasted = |since: Option<Timestamp>| since.map(|since| lasted(since, now)).unwrap_or_default();
        vec![
            contact.contact_id.clone().into(),
            contact.channel.clone().unwrap_or_default().into(),
            Cell::styled(format!("{}{mark}", contact.stage.as_str()), style),
            lasted(contact.since).into(),
            contact.queue_id.clone().unwrap_or_default().into(),
            contact.agent_id.clone().unwrap_or_default().into(),
            lasted(contact.initiated).into(),
        ]
    };
    table(&columns, &contacts.iter().map(row).collect::<Vec<_>>(), width())
}
