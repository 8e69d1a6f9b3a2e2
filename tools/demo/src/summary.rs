//! The counts of a demo, read from the stack, the tables and the functions' logs.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use local_aws::faults::{Faults, Injected};
use local_aws::stack::Stack;
use serde_json::json;

use ledger_console::render::terminal::grouped;

/// The counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Contact records sent.
    pub contact_records: u64,
    /// Rows in the lake.
    pub rows: u64,
    /// Contact records under `errors/`.
    pub failed: u64,
    /// Known record types that are not contact records, dropped on purpose.
    pub dropped: u64,
    /// Agent events sent.
    pub agent_events: u64,
    /// Agents in the agent table.
    pub agents: usize,
    /// Entries of the history: events, and status and contact intervals.
    pub history_entries: usize,
    /// Agent events by outcome.
    pub outcomes: Outcomes,
    /// Contact events that contact-event-upserter processed.
    pub contact_events: u64,
    /// Contact events by outcome.
    pub contact_event_outcomes: Outcomes,
    /// Contacts in the table of contacts in flight, and those of them that have not ended.
    pub contacts: usize,
    /// Contacts that have not ended.
    pub contacts_in_flight: usize,
    /// Agent events that Lambda discarded.
    pub discarded: u64,
    /// The injected faults, if fault injection was on.
    pub injected_faults: Option<Injected>,
    /// The duration.
    pub elapsed: Duration,
}

/// The outcomes of events, as a function counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// New; the state was updated.
    pub applied: u64,
    /// Already processed.
    pub duplicate: u64,
    /// Older than the state, but new to the history.
    pub stale: u64,
    /// So old that the contact may have been deleted; only contact events.
    pub too_old: u64,
    /// A known record type that changes no table.
    pub skipped: u64,
    /// Stored with the reason.
    pub rejected: u64,
    /// Retried later; also counted under another outcome.
    pub retried: u64,
}

impl Summary {
    /// Reads the counts from a stack that has processed all records. The caller gives the counts of table items.
    ///
    /// # Errors
    /// When the function's log cannot be read.
    pub fn of(
        stack: &Stack,
        agents: usize,
        history_entries: usize,
        elapsed: Duration,
    ) -> anyhow::Result<Self> {
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        Ok(Self {
            contact_records: stack.contact_records.over(),
            rows: count(&stack.contact_records.ok),
            failed: count(&stack.contact_records.failed),
            dropped: count(&stack.contact_records.dropped),
            agent_events: stack.agent_events.counters.over(),
            agents,
            history_entries,
            outcomes: Outcomes::of_log(stack.upserter.log())?,
            contact_events: count(&stack.contact_events.done),
            contact_event_outcomes: Outcomes::of_log(stack.contact_event_upserter.log())?,
            contacts: 0,
            contacts_in_flight: 0,
            discarded: count(&stack.agent_events.counters.discarded),
            injected_faults: stack.faults.as_ref().map(Faults::injected),
            elapsed,
        })
    }

    /// The counts as JSON.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let outcomes: BTreeMap<_, _> = self.outcomes.named().into_iter().collect();
        let contact_event_outcomes: BTreeMap<_, _> = self
            .contact_event_outcomes
            .named()
            .into_iter()
            .chain([("too_old", self.contact_event_outcomes.too_old)])
            .collect();
        let mut json = json!({
            "contact_records": {
                "in": self.contact_records, "rows": self.rows, "failed": self.failed, "dropped": self.dropped,
            },
            "agent_events": {
                "in": self.agent_events, "agents": self.agents, "history_entries": self.history_entries,
                "outcomes": outcomes, "given_up": self.discarded,
            },
            "contact_events": {
                "in": self.contact_events, "contacts": self.contacts, "in_flight": self.contacts_in_flight,
                "outcomes": contact_event_outcomes,
            },
            "seconds": self.elapsed.as_secs_f64(),
        });
        if let Some(injected) = &self.injected_faults {
            json["injected_faults"] = json!(injected);
        }
        json
    }
}

impl Outcomes {
    /// Adds up the summary lines that the function logs, one per invocation.
    fn of_log(log: &Path) -> anyhow::Result<Self> {
        if !log.exists() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(log).with_context(|| format!("{} cannot be read", log.display()))?;
        let mut outcomes = Self::default();
        for line in text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()) {
            if line["message"] == "invocation" {
                let count = |name: &str| line[name].as_u64().unwrap_or(0);
                outcomes.applied += count("RecordsApplied");
                outcomes.duplicate += count("RecordsDuplicate");
                outcomes.stale += count("RecordsStale");
                outcomes.too_old += count("RecordsTooOld");
                outcomes.skipped += count("RecordsSkipped");
                outcomes.rejected += count("RecordsRejected");
                outcomes.retried += count("RecordsRetried");
            }
        }
        Ok(outcomes)
    }

    fn named(&self) -> [(&'static str, u64); 6] {
        [
            ("applied", self.applied),
            ("duplicate", self.duplicate),
            ("stale", self.stale),
            ("skipped", self.skipped),
            ("rejected", self.rejected),
            ("retried", self.retried),
        ]
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outcomes { applied, duplicate, stale, skipped, rejected, retried, too_old: _ } = self.outcomes;
        let mut line = |name: &str, number: u64, meaning: &str| {
            let line = format!("{name:<18} {:>9}   {meaning}", grouped(number));
            writeln!(f, "{}", line.trim_end())
        };
        line("Contact records", self.contact_records, "received")?;
        line("  rows", self.rows, "in the lake")?;
        line("  failed", self.failed, "original bytes stored")?;
        line("  dropped", self.dropped, "known record type that is not a contact record")?;
        line("Agent events", self.agent_events, "received")?;
        line("  applied", applied, "new; the agent's state was updated")?;
        line("  duplicate", duplicate, "already processed; no change")?;
        line("  stale", stale, "older than the stored state; state unchanged")?;
        line("  skipped", skipped, "known record type that changes no table")?;
        line("  rejected", rejected, "stored with the reason")?;
        if retried > 0 {
            line("  retried", retried, "retried; also counted above")?;
        }
        if self.discarded > 0 {
            line("  discarded", self.discarded, "under aws/lambda/; the function's log has the cause")?;
        }
        line("Agents", self.agents as u64, "")?;
        line("History entries", self.history_entries as u64, "events, and status and contact intervals")?;
        let Outcomes { applied, duplicate, stale, skipped, rejected, retried, too_old } =
            self.contact_event_outcomes;
        line("Contact events", self.contact_events, "received")?;
        line("  applied", applied, "new; the contact's state was updated")?;
        line("  duplicate", duplicate, "already processed; no change")?;
        line("  stale", stale, "newer events contain all of it; no change")?;
        if too_old > 0 {
            line("  too old", too_old, "older than ended contacts are kept; no change")?;
        }
        line("  skipped", skipped, "of another instance, or another kind of event")?;
        line("  rejected", rejected, "stored with the reason")?;
        if retried > 0 {
            line("  retried", retried, "retried; also counted above")?;
        }
        line("Contacts", self.contacts as u64, "")?;
        line(
            "  in flight",
            self.contacts_in_flight as u64,
            "without an end: not ended yet, or the end was lost",
        )?;
        writeln!(f, "{:<18} {:>9.1} s", "Time", self.elapsed.as_secs_f64())?;
        self.injected_faults.as_ref().map_or(Ok(()), |injected| write_injected(f, injected))
    }
}

/// Writes two counts per line, which fits 80 columns.
fn write_injected(f: &mut fmt::Formatter<'_>, injected: &Injected) -> fmt::Result {
    writeln!(f, "\nInjected faults")?;
    for (part, kinds) in injected {
        let counts: Vec<_> = kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        for (place, counts) in counts.chunks(2).enumerate() {
            let name = if place == 0 { part.to_string() } else { String::new() };
            writeln!(f, "  {name:<27}{}", counts.join(", "))?;
        }
    }
    Ok(())
}
