//! Puts the intervals of a contact's states in sequence.
//!
//! A contact is in one state at a time, so each of its intervals begins when the previous one ended, or later. The
//! stored start may be earlier: Connect may keep `StateStartTimestamp` while a contact is put on hold and resumed, or
//! give a resumed contact the start of its connection. If Connect gives each state its own start, nothing changes.

use std::collections::BTreeMap;

use connect_streams::Timestamp;

use crate::history::CLOSED_BY;
use tables::Attribute;
use tables::Item;

/// Corrects the starts of a contact's intervals so that each begins no earlier than the previous one ended. Other
/// entries stay unchanged; the order of the entries may change.
#[must_use]
pub fn in_sequence(entries: Vec<Item>) -> Vec<Item> {
    let mut others = Vec::new();
    let mut by_contact: BTreeMap<(String, String), Vec<(Timestamp, Item)>> = BTreeMap::new();
    for entry in entries {
        match (origin(&entry), instant(&entry, "end")) {
            (Some(origin), Some(end)) => by_contact.entry(origin).or_default().push((end, entry)),
            _ => others.push(entry),
        }
    }
    for mut intervals in by_contact.into_values() {
        // If two end in the same millisecond, the one that the earlier event closed comes first.
        let closed_by = |entry: &Item| entry.get(CLOSED_BY).and_then(Attribute::as_text).map(str::to_owned);
        intervals.sort_by_cached_key(|(end, entry)| (*end, closed_by(entry)));
        let mut previous_end: Option<Timestamp> = None;
        for (end, mut interval) in intervals {
            if let Some(start) = previous_end.filter(|end| instant(&interval, "start") < Some(*end)) {
                if end <= start {
                    continue;
                }
                let milliseconds = end.epoch_milliseconds() - start.epoch_milliseconds();
                interval.insert("start".to_owned(), Attribute::timestamp(start));
                interval.insert("seconds".to_owned(), Attribute::seconds(milliseconds));
            }
            previous_end = Some(end);
            others.push(interval);
        }
    }
    others
}

/// Region and contact of a contact's interval; `None` for any other entry. Entries of older versions have no Region.
fn origin(entry: &Item) -> Option<(String, String)> {
    let text = |name: &str| entry.get(name).and_then(Attribute::as_text);
    let key = text("entry").filter(|key| key.starts_with("contact#"))?;
    let region = key.split('#').nth(5).unwrap_or_default();
    Some((region.to_owned(), text("contact_id")?.to_owned()))
}

fn instant(entry: &Item, name: &str) -> Option<Timestamp> {
    Timestamp::parse(entry.get(name)?.as_text()?)
}

#[cfg(test)]
mod tests {
    use super::in_sequence;
    use tables::Attribute;
    use tables::Item;

    fn entry(contact: &str, state: &str, [start, end]: [&str; 2]) -> Item {
        let time = |minutes: &str| format!("2026-03-02T08:{minutes}:00.000Z");
        [
            ("entry", format!("contact#{}#{contact}#{state}#{}#eu-west-2", time(start), time(end))),
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
    fn intervals_with_the_same_start_are_put_in_sequence() {
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

    /// On hold until 08:10; resumed and put on hold again in the last millisecond.
    #[test]
    fn the_second_of_two_intervals_that_end_in_one_millisecond_is_left_out() {
        let closed = |state: &str, event: &str| {
            let mut interval = entry("c", state, ["00", "10"]);
            interval.insert("closed_by".to_owned(), Attribute::text(event));
            interval
        };
        let (hold, talk) = (closed("CONNECTED_ONHOLD", "08:10#1"), closed("CONNECTED", "08:10#2"));
        for intervals in [vec![hold.clone(), talk.clone()], vec![talk, hold]] {
            assert_eq!(spans(intervals), ["c 00 10 CONNECTED_ONHOLD"]);
        }
    }

    /// Hold has its own start, and a resumed contact has the start of its connection again.
    #[test]
    fn an_interval_that_repeats_an_earlier_start_begins_after_the_interval_before_it() {
        let intervals = vec![
            entry("c", "CONNECTED", ["01", "10"]),
            entry("c", "CONNECTED_ONHOLD", ["10", "20"]),
            entry("c", "CONNECTED", ["01", "30"]),
            entry("c", "ENDED", ["30", "40"]),
        ];
        let expected =
            ["c 01 10 CONNECTED", "c 10 20 CONNECTED_ONHOLD", "c 20 30 CONNECTED", "c 30 40 ENDED"];
        assert_eq!(spans(intervals), expected);
    }

    #[test]
    fn the_duration_follows_from_the_corrected_start() {
        let entries =
            in_sequence(vec![entry("c", "CONNECTED", ["00", "05"]), entry("c", "PAUSED", ["00", "06"])]);
        assert_eq!(entries[1]["seconds"], Attribute::Number("60".into()));
    }

    #[test]
    fn intervals_with_their_own_starts_stay_unchanged() {
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
