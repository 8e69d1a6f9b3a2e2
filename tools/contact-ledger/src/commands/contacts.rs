//! `contacts`: the contacts in flight, by queue and one by one.

use anyhow::ensure;
use clap::Args;
use connect_streams::Timestamp;
use console::{Style, Term};
use contact_state::LongestLife;
use contact_state::contact::Stage;
use live_board::{Board, Contact, Queue};

use crate::commands::watch::watch;
use crate::stack::connection::{Connection, StackArguments};
use crate::stack::tables::{BoardReader, GHOST_MINUTES, Tables};
use ledger_console::process::interruption::Interruption;
use ledger_console::process::outcome::Outcome;
use ledger_console::render::output::print;
use ledger_console::render::terminal::{Cell, counted, json_lines, lasted, number, table, text, width};

/// Arguments of `contacts`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "they are switches of a command line")]
pub struct ContactsArguments {
    #[command(flatten)]
    stack: StackArguments,
    /// Instance ID; optional if the table has contacts in flight of only one instance
    #[arg(long, value_name = "ID", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    instance: Option<String>,
    /// Show only contacts of this queue (name or ID)
    #[arg(long, value_name = "QUEUE")]
    queue: Option<String>,
    /// Show only contacts in this state; can be specified more than once
    #[arg(long, value_name = "STATE", value_parser = states())]
    state: Vec<String>,
    /// Show only the counts by queue
    #[arg(long, conflicts_with = "state")]
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

/// The states of contacts in flight: those in their events, those that an agent has them in, and `unconfirmed`.
const STATES: [&str; 14] = [
    Stage::Initiated.as_str(),
    Stage::Scheduled.as_str(),
    Stage::InSystem.as_str(),
    Stage::Queued.as_str(),
    "incoming",
    "callback_incoming",
    "calling",
    "callback_dialing",
    Stage::WithAgent.as_str(),
    "connected",
    "on_hold",
    Stage::Paused.as_str(),
    Stage::Disconnected.as_str(),
    Stage::AfterContactWork.as_str(),
];
const UNCONFIRMED: &str = "unconfirmed";

fn states() -> Vec<&'static str> {
    STATES.into_iter().chain([UNCONFIRMED]).collect()
}

/// What is read, and from where.
struct View<'a> {
    arguments: &'a ContactsArguments,
    reader: BoardReader,
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
        let board = view.reader.board(now()).await?;
        view.reader.hint(&connection, &board).await;
        anyhow::Ok((view, board))
    };
    let Some(found) = interruption.unless(found).await else { return Ok(Outcome::Interrupted) };
    let (view, board) = found?;
    let term = Term::stdout();
    if arguments.json {
        print(&view.json(&board)?)?;
        return Ok(Outcome::Done);
    }
    let page = view.page(&board, now());
    if !term.is_term() || arguments.once {
        print(&page)?;
        return Ok(Outcome::Done);
    }
    watch(&term, arguments.refresh, interruption, page, async || {
        let board = view.reader.board(now()).await?;
        Ok(view.page(&board, now()))
    })
    .await
}

impl<'a> View<'a> {
    async fn of(arguments: &'a ContactsArguments, connection: &Connection) -> anyhow::Result<Self> {
        ensure!(
            connection.names.contact_events.is_some(),
            "the stack does not process contact events, so it does not know the contacts in flight; deploy it with ContactEvents=true"
        );
        let deployed = connection.deployed.longest_life;
        let longest = LongestLife {
            voice_task_hours: arguments.voice_task_hours.unwrap_or(deployed.voice_task_hours),
            chat_hours: arguments.chat_hours.unwrap_or(deployed.chat_hours),
            other_hours: arguments.other_hours.unwrap_or(deployed.other_hours),
        };
        let given = arguments.instance.as_deref();
        let reader = BoardReader::of(connection, Tables::All, given, GHOST_MINUTES, longest).await?;
        Ok(Self { arguments, reader })
    }

    fn contacts<'b>(&self, board: &'b Board) -> Vec<&'b Contact> {
        board.contacts.iter().flatten().filter(|contact| self.is_wanted(contact)).collect()
    }

    fn is_wanted(&self, contact: &Contact) -> bool {
        let ContactsArguments { queue, state, simulated, .. } = self.arguments;
        let is_in_state = |state: &String| match state.as_str() {
            UNCONFIRMED => contact.unconfirmed,
            state => contact.state == state && !contact.unconfirmed,
        };
        let is_of_queue =
            |queue: &String| [&contact.queue_id, &contact.queue].contains(&&Some(queue.clone()));
        (!contact.simulated || *simulated)
            && queue.as_ref().is_none_or(is_of_queue)
            && (state.is_empty() || state.iter().any(is_in_state))
    }

    fn queues<'b>(&self, board: &'b Board) -> Vec<&'b Queue> {
        let wanted = &self.arguments.queue;
        let is_wanted =
            |queue: &&Queue| wanted.is_none() || queue.queue_id == *wanted || queue.name == *wanted;
        board.queues.iter().filter(is_wanted).collect()
    }

    fn json(&self, board: &Board) -> anyhow::Result<String> {
        if self.arguments.by_queue {
            json_lines(&self.queues(board))
        } else {
            json_lines(&self.contacts(board))
        }
    }

    fn page(&self, board: &Board, now: Timestamp) -> String {
        let contacts = self.contacts(board);
        let waiting: Vec<_> = contacts.iter().filter(|contact| contact.is_waiting()).collect();
        let oldest = waiting.iter().filter_map(|contact| contact.since.clone()).min();
        let oldest =
            oldest.map(|since| format!(" (longest {})", lasted(Some(&since), now))).unwrap_or_default();
        let unconfirmed = contacts.iter().filter(|contact| contact.unconfirmed).count();
        let simulated = self.arguments.simulated;
        let all = board.contacts.iter().flatten().filter(|one| !one.simulated || simulated).count();
        let of = if contacts.len() < all { format!("{} of ", contacts.len()) } else { String::new() };
        let heading = format!(
            "{of}{}, {} waiting{oldest}, {unconfirmed} unconfirmed, at {now}\n",
            counted(all as u64, "contact in flight", "contacts in flight"),
            waiting.len(),
        );
        let mut queues = self.queues(board);
        if !self.arguments.by_queue {
            queues.retain(|queue| has_contacts(queue));
        }
        let queues =
            if queues.is_empty() { String::new() } else { format!("\n{}", queues_table(&queues, now)) };
        if contacts.is_empty() || self.arguments.by_queue {
            return heading + &queues;
        }
        format!("{heading}{queues}\n{}", contacts_table(&contacts, now))
    }
}

fn has_contacts(queue: &Queue) -> bool {
    let figures = &queue.figures;
    let known = [figures.contacts_in_queue, figures.contacts_scheduled, figures.contacts_unconfirmed];
    known.into_iter().flatten().any(|count| count > 0)
        || figures.contacts_in_conversation > 0
        || figures.agents_after_contact_work > 0
}

fn queues_table(queues: &[&Queue], now: Timestamp) -> String {
    let columns = [
        text("QUEUE", 0),
        number("IN QUEUE"),
        number("OLDEST"),
        number("IN CONV."),
        number("ACW"),
        number("STAFFED"),
        number("AVAILABLE"),
        number("UNCONFIRMED"),
    ];
    let row = |queue: &&Queue| -> Vec<Cell> {
        let figures = &queue.figures;
        let known = |count: Option<u32>| count.map(|count| count.to_string()).unwrap_or_default();
        let name = queue.name.as_ref().or(queue.queue_id.as_ref());
        vec![
            name.cloned().unwrap_or_else(|| "(none)".to_owned()).into(),
            known(figures.contacts_in_queue).into(),
            lasted(figures.oldest_contact_since.as_deref(), now).into(),
            figures.contacts_in_conversation.to_string().into(),
            figures.agents_after_contact_work.to_string().into(),
            figures.agents_staffed.to_string().into(),
            figures.agents_available.to_string().into(),
            known(figures.contacts_unconfirmed).into(),
        ]
    };
    table(&columns, &queues.iter().map(row).collect::<Vec<_>>(), width())
}

fn contacts_table(contacts: &[&Contact], now: Timestamp) -> String {
    let columns = [
        text("CONTACT", 3),
        text("CHANNEL", 0),
        text("STATE", 0),
        number("FOR"),
        text("QUEUE", 2),
        text("AGENT", 1),
        number("AGE"),
    ];
    let row = |contact: &&Contact| -> Vec<Cell> {
        let style = match contact.state.as_str() {
            _ if contact.unconfirmed => Style::new().dim(),
            "queued" => Style::new().yellow(),
            "with_agent" | "connected" | "on_hold" => Style::new().cyan(),
            _ => Style::new(),
        };
        let mark = match (contact.unconfirmed, contact.simulated) {
            (true, _) => " (unconfirmed)",
            (false, true) => " (simulated)",
            (false, false) => "",
        };
        vec![
            contact.contact_id.clone().into(),
            contact.channel.clone().unwrap_or_default().into(),
            Cell::styled(format!("{}{mark}", contact.state), style),
            lasted(contact.since.as_deref(), now).into(),
            contact.queue.clone().or_else(|| contact.queue_id.clone()).unwrap_or_default().into(),
            contact.agent.clone().or_else(|| contact.agent_id.clone()).unwrap_or_default().into(),
            lasted(contact.initiated.as_deref(), now).into(),
        ]
    };
    table(&columns, &contacts.iter().map(row).collect::<Vec<_>>(), width())
}
