//! What a demo did, in numbers: read off the stack, the tables and the functions' own logs.

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

/// The numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Contact records that were sent.
    pub contact_records: u64,
    /// Rows in the lake.
    pub rows: u64,
    /// Contact records under the error prefix.
    pub failed: u64,
    /// Records of another known kind, dropped on purpose.
    pub dropped: u64,
    /// Agent events that were sent.
    pub agent_events: u64,
    /// Agents in the agent table.
    pub agents: usize,
    /// Entries of the history: events and intervals.
    pub history_entries: usize,
    /// Agent events by what became of them.
    pub outcomes: Outcomes,
    /// Agent events that the function could not handle at all.
    pub discarded: u64,
    /// How many faults were injected, if any were to be.
    pub injected_faults: Option<Injected>,
    /// How long it took.
    pub elapsed: Duration,
}

/// What became of agent events, as the function counts it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// New, and the state moved.
    pub applied: u64,
    /// Seen before.
    pub duplicate: u64,
    /// New to the history, too old for the state.
    pub stale: u64,
    /// Another known kind.
    pub skipped: u64,
    /// Kept with a reason.
    pub rejected: u64,
    /// Sent again later; each of them is in another count, too.
    pub retried: u64,
}

impl Summary {
    /// Reads the numbers off a stack on which everything has landed, with the numbers of items in its tables.
    ///
    /// # Errors
    /// When the log cannot be read.
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
            discarded: count(&stack.agent_events.counters.discarded),
            injected_faults: stack.faults.as_ref().map(Faults::injected),
            elapsed,
        })
    }

    /// The numbers for programs.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let outcomes: BTreeMap<_, _> = self.outcomes.named().into_iter().collect();
        let mut json = json!({
            "contact_records": {
                "in": self.contact_records, "rows": self.rows, "failed": self.failed, "dropped": self.dropped,
            },
            "agent_events": {
                "in": self.agent_events, "agents": self.agents, "history_entries": self.history_entries,
                "outcomes": outcomes, "given_up": self.discarded,
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
        let Outcomes { applied, duplicate, stale, skipped, rejected, retried } = self.outcomes;
        let mut line = |name: &str, number: u64, meaning: &str| {
            let line = format!("{name:<18} {:>9}   {meaning}", grouped(number));
            writeln!(f, "{}", line.trim_end())
        };
        line("Contact records", self.contact_records, "in")?;
        line("  rows", self.rows, "in the lake")?;
        line("  failed", self.failed, "kept as they came")?;
        line("  dropped", self.dropped, "another known kind, not a contact record")?;
        line("Agent events", self.agent_events, "in")?;
        line("  applied", applied, "new, and the agent's state moved")?;
        line("  duplicate", duplicate, "seen before, nothing changed")?;
        line("  stale", stale, "late: the state, already newer, stayed")?;
        line("  skipped", skipped, "another known kind, not an agent event")?;
        line("  rejected", rejected, "kept with the reason")?;
        if retried > 0 {
            line("  retried", retried, "sent again, and counted above")?;
        }
        if self.discarded > 0 {
            line("  given up", self.discarded, "under aws/lambda/ in the lake; the function's log says why")?;
        }
        line("Agents", self.agents as u64, "")?;
        line("History entries", self.history_entries as u64, "events and intervals")?;
        writeln!(f, "{:<18} {:>9.1} s", "Time", self.elapsed.as_secs_f64())?;
        self.injected_faults.as_ref().map_or(Ok(()), |injected| write_injected(f, injected))
    }
}

/// A line of a terminal holds two counts.
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
