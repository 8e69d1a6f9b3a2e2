//! The SQL files, compiled into the program. A new file needs an entry here.

use crate::source::Source;

macro_rules! files {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$(Source { name: $name, sql: include_str!(concat!("../../../queries/", $folder, $name, ".sql")) }),*]
    };
}

pub(crate) const NAMED: &[Source] = files![
    "":
    "abandonment",
    "after_contact_work",
    "agent_activity",
    "agent_answer_rate",
    "agent_contacts",
    "agent_non_response",
    "beyond_look_back",
    "callbacks",
    "contact_chains",
    "contact_times",
    "contact_volume",
    "disconnect_reasons",
    "forecasting_csv",
    "handle_time",
    "handle_time_percentiles",
    "hold_and_transfer",
    "occupancy",
    "record_versions",
    "repeat_contacts",
    "service_level",
    "speed_of_answer",
    "time_in_status",
];
pub(crate) const VIEWS: &[Source] = files![
    "views/":
    "agent_contact_intervals",
    "agent_contact_metrics_intervals",
    "agent_events",
    "agent_intervals",
    "agent_segments",
    "agent_state_intervals",
    "agent_status_intervals",
    "contact_events",
    "contact_metrics",
    "contact_records_latest",
    "contact_records_received",
    "queue_intervals",
];
pub(crate) const PARTS: &[Source] = files![
    "parts/":
    "agents",
    "archive_days",
    "by_contact",
    "by_offer",
    "by_queue",
    "by_routing_profile",
    "by_routing_profile_of_contacts",
    "contacts",
    "days",
    "given",
    "local",
    "names",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::{NAMED, PARTS, VIEWS};

    #[test]
    fn every_file_has_an_entry() {
        let queries = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../queries");
        for (folder, sources) in [("", NAMED), ("views", VIEWS), ("parts", PARTS)] {
            let files = std::fs::read_dir(queries.join(folder)).unwrap().map(|file| file.unwrap().path());
            let files: BTreeSet<_> = files
                .filter(|file| file.extension().is_some_and(|of| of == "sql"))
                .map(|file| file.file_name().unwrap().to_owned())
                .collect();
            let named = sources.iter().map(|source| format!("{}.sql", source.name).into());
            assert_eq!(files, named.collect(), "{folder}");
        }
    }
}
