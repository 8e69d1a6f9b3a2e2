//! Intervals of a contact's states as they followed one another.
//!
//! If Connect keeps `StateStartTimestamp` while a contact is put on hold and taken back, the events give one start to
//! several intervals of a contact: that of its connection. They follow one another, so each begins where the one before
//! it ended. If Connect gives each state its own start, no two intervals of a contact share one, and nothing changes.

use std::collections::BTreeMap;

use connect_streams::Timestamp;

use crate::item::Attribute;
use crate::memory::Item;

/// Gives the intervals that share a start their own ones. Other entries stay as they are; the order may change.
#[must_use]
pub fn in_sequence(entries: Vec<Item>) -> Vec<Item> {
    let mut others = Vec::new();
    let mut by_start: BTreeMap<(String, String, String), Vec<(Timestamp, Item)>> = BTreeMap::new();
    for entry in entries {
        match (origin(&entry), instant(&entry, "end")) {
            (Some(origin), Some(end)) => by_start.entry(origin).or_default().push((end, entry)),
            _ => others.push(entry),
        }
    }
    for mut intervals in by_start.into_values() {
        // Where two end in one millisecond, the one that no other follows is the last.
        intervals.sort_by_key(|(end, entry)| (*end, is_last(entry)));
        let mut before: Option<Timestamp> = None;
        for (end, mut interval) in intervals {
            if let Some(start) = before {
                if end <= start {
                    continue;
                }
                let milliseconds = end.epoch_milliseconds() - start.epoch_milliseconds();
                interval.insert("start".to_owned(), Attribute::timestamp(start));
                interval.insert("seconds".to_owned(), Attribute::seconds(milliseconds));
            }
            before = Some(end);
            others.push(interval);
        }
    }
    others
}

/// Region, contact and start of an interval of a contact; `None` for any other entry.
fn origin(entry: &Item) -> Option<(String, String, String)> {
    let text = |name: &str| entry.get(name).and_then(Attribute::as_text);
    let key = text("entry").filter(|key| key.starts_with("contact#"))?;
    let region = key.rsplit_once('#')?.1;
    Some((region.to_owned(), text("contact_id")?.to_owned(), text("start")?.to_owned()))
}

/// Whether the interval's contact went on to another start, or away: then the key does not have its end in it.
fn is_last(entry: &Item) -> bool {
    const PARTS_WITHOUT_END: usize = 5;
    let key = entry.get("entry").and_then(Attribute::as_text).unwrap_or_default();
    key.split('#').count() == PARTS_WITHOUT_END
}

fn instant(entry: &Item, name: &str) -> Option<Timestamp> {
    Timestamp::parse(entry.get(name)?.as_text()?)
}

#[cfg(test)]
mod tests {
    use super::in_sequence;
    use crate::item::Attribute;
    use crate::memory::Item;

    fn entry(contact: &str, state: &str, [start, end]: [&str; 2]) -> Item {
        let time = |minutes: &str| format!("2026-03-02T08:{minutes}:00.000Z");
        [
            ("entry", format!("contact#{}#{contact}#{state}#eu-west-2", time(start))),
            ("contact_id", contact.to_owned()),
            ("state", state.to_owned()),
            ("start", time(start)),
            ("end", time(end)),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Attribute::text(&value)))
        .collect()
    }

    fn spans(entries: Vec<Item>) -> Vec<String> {
        let text = |item: &Item, name: &str| item[name].as_text().unwrap_or_default().to_owned();
        let minutes = |item: &Item, name: &str| text(item, name)[14..16].to_owned();
        let mut spans: Vec<_> = in_sequence(entries)
            .iter()
            .map(|item| {
                let span = [text(item, "contact_id"), minutes(item, "start"), minutes(item, "end")];
                [span.join(" "), text(item, "state")].join(" ")
            })
            .collect();
        spans.sort_unstable();
        spans
    }

    #[test]
    fn intervals_with_one_start_follow_one_another() {
        let intervals = vec![
            entry("c", "CONNECTED", ["00", "20"]),
            entry("c", "CONNECTED_ONHOLD", ["00", "10"]),
            entry("c", "CONNECTED", ["00", "05"]),
            entry("c", "ENDED", ["20", "25"]),
            entry("d", "CONNECTED", ["00", "07"]),
        ];
        assert_eq!(
            spans(intervals),
            [
                "c 00 05 CONNECTED",
                "c 05 10 CONNECTED_ONHOLD",
                "c 10 20 CONNECTED",
                "c 20 25 ENDED",
                "d 00 07 CONNECTED"
            ]
        );
    }

    #[test]
    fn of_two_that_end_in_one_millisecond_the_last_has_no_time() {
        let mut paused = entry("c", "PAUSED", ["00", "10"]);
        let key =
            paused["entry"].as_text().unwrap().replace("#eu-west-2", "#2026-03-02T08:10:00.000Z#eu-west-2");
        paused.insert("entry".to_owned(), Attribute::text(&key));
        let connected = entry("c", "CONNECTED", ["00", "10"]);
        for intervals in [vec![paused.clone(), connected.clone()], vec![connected, paused]] {
            assert_eq!(spans(intervals), ["c 00 10 PAUSED"]);
        }
    }

    #[test]
    fn how_long_they_lasted_follows() {
        let entries =
            in_sequence(vec![entry("c", "CONNECTED", ["00", "05"]), entry("c", "PAUSED", ["00", "06"])]);
        assert_eq!(entries[1]["seconds"], Attribute::Number("60".into()));
    }

    #[test]
    fn intervals_with_their_own_starts_stay() {
        let intervals = vec![
            entry("c", "CONNECTED", ["00", "05"]),
            entry("c", "CONNECTED_ONHOLD", ["05", "10"]),
            entry("c", "CONNECTED", ["10", "20"]),
        ];
        let mut after = in_sequence(intervals.clone());
        after.sort_by(|left, right| left["start"].as_text().cmp(&right["start"].as_text()));
        assert_eq!(after, intervals);
    }
}
