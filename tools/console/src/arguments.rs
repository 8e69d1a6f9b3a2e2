//! Arguments that several commands share.

pub mod center;
pub mod demo;
pub mod policies;

use agent_ledger::EventEntries;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// Parses which agent events get history entries of their own.
#[must_use]
pub fn event_entries() -> impl TypedValueParser<Value = EventEntries> {
    PossibleValuesParser::new(EventEntries::EACH.map(EventEntries::as_str))
        .try_map(|events| events.parse::<EventEntries>())
}
