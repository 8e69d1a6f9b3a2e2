//! Whether the history still has an old event: a table that was created again is active and empty, and looks healthy.

use std::io::Cursor;

use agent_ledger::{EventEntries, Retention};
use aws_sdk_dynamodb::types::AttributeValue;
use connect_streams::Timestamp;
use lake_files::layout::AGENT_EVENT_COPIES_PARTITION;
use ledger_console::records::input::{KINESIS, records_of};
use redrive::Lake as _;

use super::facts::{Fact, OldEvent};
use super::unavailable::unavailable;
use crate::stack::DAY_MILLISECONDS;
use crate::stack::connection::Connection;
use crate::stack::destination::{Destination, earlier_entry, entry_time};

/// An entry of the history, from the oldest object of the archive with events whose entries have not expired.
/// `None` if there is none.
pub(super) async fn old_event(connection: &Connection, now: Timestamp) -> Option<Fact<OldEvent>> {
    let lake = connection.lake();
    let kept_since = connection.deployed.history_retention_days.and_then(|days| {
        Timestamp::from_epoch_milliseconds(now.epoch_milliseconds() - i64::from(days) * DAY_MILLISECONDS)
    });
    let mut list = lake.client.list_objects_v2().bucket(&lake.bucket).prefix(AGENT_EVENT_COPIES_PARTITION);
    if let Some(since) = kept_since {
        list = list.start_after(format!("{AGENT_EVENT_COPIES_PARTITION}{}", since.date()));
    }
    let listed = match list.max_keys(1).send().await {
        Ok(listed) => listed,
        Err(error) => return Some(Err(unavailable("the archive of agent events")(error))),
    };
    let key = listed.contents().first().and_then(|object| object.key())?.to_owned();
    let body = match lake.get(&key).await {
        Ok(body) => body?,
        Err(error) => return Some(Err(error.to_string().into())),
    };
    let (agent_id, entry) = tokio::task::block_in_place(|| first_entry(connection, now, &key, body))?;
    // Versions before 0.1.0 wrote the agent's ID alone, and no Region.
    let earlier =
        (agent_id.rsplit('#').next().unwrap_or(&agent_id).to_owned(), earlier_entry(&entry).to_owned());
    let mut is_in_history = false;
    for (agent_id, entry) in [(agent_id, entry.clone()), earlier] {
        let table = &connection.names.agent_history_table;
        let get = connection.tables().get_item().table_name(table).projection_expression("entry");
        let get = get.key("agent_id", AttributeValue::S(agent_id)).key("entry", AttributeValue::S(entry));
        match get.send().await {
            Ok(got) => is_in_history |= got.item.is_some(),
            Err(error) => return Some(Err(unavailable(table)(error))),
        }
    }
    Some(Ok(OldEvent { entry, object: key, is_in_history }))
}

/// The key of a history entry that has not expired: that of the first interval of a status, or else of the first event with
/// an entry of its own. Events may have been sent again long after they happened. Earlier versions wrote a contact's interval
/// under another key.
fn first_entry(
    connection: &Connection,
    now: Timestamp,
    key: &str,
    body: Vec<u8>,
) -> Option<(String, String)> {
    let is_kept = |entry: &str| {
        let time = entry_time(entry).and_then(Timestamp::parse);
        time.is_some_and(|time| !connection.deployed.history_has_expired(time, now))
    };
    let intervals = Retention { events: EventEntries::None, heartbeats: false, ..Retention::default() };
    let events = Retention { heartbeats: false, ..connection.deployed.kept_events };
    let mut first_event = None;
    let records = records_of(key, Box::new(Cursor::new(body)), KINESIS, None).ok()?;
    for record in records.map_while(Result::ok) {
        if let Destination::Interval { agent_id, entry, .. } =
            Destination::of_agent_event(&record.bytes, intervals)
            && entry.starts_with("status#")
            && is_kept(&entry)
        {
            return Some((agent_id, entry));
        }
        if first_event.is_none()
            && let Destination::Entry { agent_id, entry } = Destination::of_agent_event(&record.bytes, events)
            && is_kept(&entry)
        {
            first_event = Some((agent_id, entry));
        }
    }
    first_event
}
