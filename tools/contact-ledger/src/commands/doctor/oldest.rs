//! Whether the history still has an old event: a table that was created again is active and empty, and looks healthy.

use std::io::Cursor;

use aws_sdk_dynamodb::types::AttributeValue;
use connect_streams::Timestamp;
use lake_files::layout::AGENT_EVENT_COPIES_PARTITION;
use ledger_console::records::input::{KINESIS, records_of};
use redrive::Lake as _;

use super::facts::{Fact, OldEvent};
use super::gather::unavailable;
use crate::stack::connection::Connection;
use crate::stack::destination::Destination;

const DAY_MILLISECONDS: i64 = 86_400_000;

/// The first event with a history entry in the oldest object of the archive whose entries have not expired. `None` if there
/// is none.
pub(super) async fn old_event(connection: &Connection, now: Timestamp) -> Option<Fact<OldEvent>> {
    let lake = connection.lake();
    let first_day = connection.deployed.history_retention_days.and_then(|days| {
        // An event may have happened a day before it arrived.
        let days = i64::from(days) - 2;
        Timestamp::from_epoch_milliseconds(now.epoch_milliseconds() - days * DAY_MILLISECONDS)
    });
    let mut list = lake.client.list_objects_v2().bucket(&lake.bucket).prefix(AGENT_EVENT_COPIES_PARTITION);
    if let Some(day) = first_day {
        list = list.start_after(format!("{AGENT_EVENT_COPIES_PARTITION}{}", day.date()));
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
    let (agent_id, entry) = tokio::task::block_in_place(|| first_entry(&key, body))?;
    let table = &connection.names.agent_history_table;
    let got = connection
        .tables()
        .get_item()
        .table_name(table)
        .key("agent_id", AttributeValue::S(agent_id))
        .key("entry", AttributeValue::S(entry.clone()))
        .projection_expression("entry")
        .send()
        .await;
    Some(match got {
        Ok(got) => Ok(OldEvent { entry, object: key, is_in_history: got.item.is_some() }),
        Err(error) => Err(unavailable(table)(error)),
    })
}

/// The key of the history entry of the first event that has one.
fn first_entry(key: &str, body: Vec<u8>) -> Option<(String, String)> {
    let records = records_of(key, Box::new(Cursor::new(body)), KINESIS, None).ok()?;
    records.map_while(Result::ok).find_map(|record| match Destination::of_agent_event(&record.bytes) {
        Destination::Entry { agent_id, entry } => Some((agent_id, entry)),
        _ => None,
    })
}
