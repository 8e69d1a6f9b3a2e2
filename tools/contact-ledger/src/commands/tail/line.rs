//! A record on one line: the essentials in columns, or everything as JSON.

use agent_ledger::NamePolicy;
use connect_streams::{RecordKind, parse};
use console::{Term, measure_text_width, truncate_str};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::arguments::TailArguments;
use super::arrived::Arrived;
use contact_lake::Policy;

use connect_streams::StreamKind;
use ledger_console::records::hidden::{as_json, hidden, shown_record};
use ledger_console::records::judge::{Fate, Judge, Judgment};
use ledger_console::records::reasons::sentence;
use ledger_console::render::terminal::{escaped, safe, width};

/// Column widths; the last column has no limit.
const TIME: usize = 24;
const KIND: usize = 14;
const EVENT: usize = 16;
const ID: usize = 36;

/// Formats records as lines.
pub(super) struct Lines {
    stream: StreamKind,
    judge: Judge,
    is_json: bool,
    show_values: bool,
    /// The width of the terminal, if the output is one.
    width: Option<usize>,
    is_first: bool,
}

#[derive(Serialize)]
struct Json<'a> {
    arrived: Option<String>,
    from: &'a str,
    sequence_number: Option<&'a str>,
    part: Option<usize>,
    kind: Option<&'static str>,
    outcome: &'static str,
    reason: Option<&'static str>,
    path: Option<&'a str>,
    record: Box<RawValue>,
}

impl Lines {
    pub(super) fn of(arguments: &TailArguments) -> Self {
        let stream = arguments.stream.into();
        // The PII policy does not affect the outcome of a record.
        let judge = Judge::new(Some(stream), Policy::default(), NamePolicy::default());
        let width = Term::stdout().is_term().then(width);
        let (is_json, show_values) = (arguments.json, arguments.show_values);
        Self { stream, judge, is_json, show_values, width, is_first: true }
    }

    /// The line with its line break, after the column titles if it is the first.
    pub(super) fn line(&mut self, arrived: &Arrived) -> String {
        let judgment = self.judge.judge(&arrived.data, Some(self.stream));
        if self.is_json {
            return escaped(&json(arrived, &judgment, self.show_values)) + "\n";
        }
        let mut lines = String::new();
        if std::mem::take(&mut self.is_first) {
            lines.push_str(&self.truncated(&columns([
                "ARRIVED",
                "KIND",
                "EVENT",
                "AGENT OR CONTACT",
                "DETAIL",
            ])));
        }
        let at = arrived.at.map_or_else(|| "?".to_owned(), |at| at.to_string());
        let kind = judgment.kind.map_or("?", RecordKind::as_str);
        let [event, id, detail] = match &judgment.fate {
            Fate::Fails(reject) => {
                let why = sentence(reject, self.stream, &arrived.data);
                [reject.code.as_str().to_owned(), String::new(), format!("would fail: {why}")]
            }
            _ => essentials(&arrived.data, judgment.kind, self.show_values),
        };
        lines.push_str(&self.truncated(&columns([&at, kind, &safe(&event), &safe(&id), &safe(&detail)])));
        lines
    }

    fn truncated(&self, line: &str) -> String {
        match self.width {
            Some(width) => truncate_str(line, width, "…").into_owned() + "\n",
            None => line.to_owned() + "\n",
        }
    }
}

fn columns(cells: [&str; 5]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.into_iter().zip([TIME, KIND, EVENT, ID, usize::MAX]) {
        let cell = if width == usize::MAX { cell.into() } else { truncate_str(cell, width, "…") };
        line.push_str(&cell);
        if width != usize::MAX {
            line.push_str(&" ".repeat(width - measure_text_width(&cell) + 2));
        }
    }
    line.trim_end().to_owned()
}

fn json(arrived: &Arrived, judgment: &Judgment, show_values: bool) -> String {
    let reject = match &judgment.fate {
        Fate::Fails(reject) => Some(reject),
        Fate::Written | Fate::PassedOver => None,
    };
    let json = Json {
        arrived: arrived.at.map(|at| at.to_string()),
        from: &arrived.from,
        sequence_number: arrived.sequence_number.as_deref(),
        part: arrived.part,
        kind: judgment.kind.map(RecordKind::as_str),
        outcome: match judgment.fate {
            Fate::Written => "written",
            Fate::PassedOver => "passed_over",
            Fate::Fails(_) => "fails",
        },
        reason: reject.map(|reject| reject.code.as_str()),
        path: reject.map(|reject| &*reject.path),
        record: shown_record(&arrived.data, show_values),
    };
    serde_json::to_string(&json).expect("texts, numbers and JSON are JSON")
}

/// The event, the agent or contact, and details.
fn essentials(data: &[u8], kind: Option<RecordKind>, show_values: bool) -> [String; 3] {
    let Ok(document) = parse(data) else { return Default::default() };
    let record = if show_values { as_json(document.root()) } else { hidden(document.root()) };
    let text = |path: &str| record.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    match kind {
        Some(RecordKind::AgentEvent) => agent_event(&record, text, show_values),
        Some(RecordKind::ContactRecord) => contact_record(text),
        Some(RecordKind::ContactEvent) => {
            // With or without an envelope, in lower camel case or Pascal case.
            let any = |name: &str| {
                let pascal = name[..1].to_uppercase() + &name[1..];
                let names = [name, &pascal];
                let paths = names.iter().flat_map(|name| [format!("/{name}"), format!("/detail/{name}")]);
                paths.map(|path| text(&path)).find(|text| !text.is_empty()).unwrap_or_default()
            };
            [any("eventType"), any("contactId"), any("channel")]
        }
        Some(RecordKind::DemoRecord) => ["demo".to_owned(), text("/ticker_symbol"), String::new()],
        Some(RecordKind::Row) => ["row".to_owned(), text("/contact_id"), String::new()],
        None => Default::default(),
    }
}

fn agent_event(record: &Value, text: impl Fn(&str) -> String, show_values: bool) -> [String; 3] {
    let arn = text("/AgentARN");
    let agent = arn.rsplit('/').next().unwrap_or_default().to_owned();
    let mut parts = vec![text("/CurrentAgentSnapshot/AgentStatus/Name")];
    let next = text("/CurrentAgentSnapshot/NextAgentStatus/Name");
    if !next.is_empty() {
        parts.push(format!("then {next}"));
    }
    let contacts = record.pointer("/CurrentAgentSnapshot/Contacts").and_then(Value::as_array);
    for contact in contacts.into_iter().flatten() {
        let word = |path: &str| contact.pointer(path).and_then(Value::as_str);
        let words = [word("/State"), word("/Channel"), word("/Queue/Name"), word("/ContactId")];
        parts.push(words.into_iter().flatten().collect::<Vec<_>>().join(" "));
    }
    if show_values {
        parts.push(text("/CurrentAgentSnapshot/Configuration/Username"));
    }
    [text("/EventType"), agent, joined(parts, "; ")]
}

fn contact_record(text: impl Fn(&str) -> String) -> [String; 3] {
    let event = joined(vec![text("/InitiationMethod"), text("/Channel")], " ");
    let agent = text("/Agent/ARN");
    let agent = agent.rsplit('/').next().unwrap_or_default();
    let named =
        |what: &str, value: &str| if value.is_empty() { String::new() } else { format!("{what} {value}") };
    let parts = vec![
        named("began", &text("/InitiationTimestamp")),
        text("/Queue/Name"),
        text("/DisconnectReason"),
        named("agent", agent),
        named("updated", &text("/LastUpdateTimestamp")),
    ];
    [event, text("/ContactId"), joined(parts, "; ")]
}

fn joined(parts: Vec<String>, between: &str) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(between)
}
