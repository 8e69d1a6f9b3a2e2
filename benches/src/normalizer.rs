//! The normalizer: event bytes in, response bytes out.

use std::path::Path;

use contact_lake::Policy;
use contact_record_normalizer::transform;
use lambda_io::firehose::{Answers, TransformEvent};
use record_paths::{firehose_event, records_of_every_kind};
use serde::de::IgnoredAny;

use crate::figures::{Figures, Target};
use crate::input::{float, generated, median_seconds};
use crate::peers;

const PART: &str = "normalizer";

fn handle(event: &[u8]) -> Vec<u8> {
    let event: TransformEvent = serde_json::from_slice(event).unwrap();
    serde_json::to_vec(&transform(event, &Policy::default()).0).unwrap()
}

/// The minimum work of any handler: the envelope, base64 both ways, and one scan over every byte of the record.
fn floor(event: &[u8]) -> Vec<u8> {
    let event: TransformEvent = serde_json::from_slice(event).unwrap();
    let mut answers = Answers::with_capacity(event.expected_response_bytes());
    for record in event.records {
        let data = record.data.bytes().unwrap();
        let _: IgnoredAny = serde_json::from_slice(data).unwrap();
        answers.ok(&record.record_id, data, &[("contact_date", "2026-03-02")]);
    }
    serde_json::to_vec(&answers.into_response()).unwrap()
}

/// The records that a contact center would send. Those of every kind have each field as often as the others.
const GENERATED: &str = "generated records";

pub(crate) fn measure(folder: &Path, figures: &mut Figures) {
    for (name, records) in [
        (GENERATED, generated("contact-records", 500)),
        ("records of every kind", records_of_every_kind(500)),
    ] {
        let event = firehose_event(&records);
        let megabytes = float(event.len()) / 1e6;
        let ours = median_seconds(|| handle(&event));
        let least = median_seconds(|| floor(&event));
        figures.add(PART, format!("{name}: event handled"), megabytes / ours, "MB/s");
        figures.add(PART, format!("{name}: the floor"), megabytes / least, "MB/s");
        figures.compare(
            PART,
            format!("{name}: time relative to the floor"),
            ours / least,
            "×",
            Target::AtMost(2.0),
        );
        let response = handle(&event);
        for (peer, command) in peers::normalizers() {
            let (seconds, their_response) = peers::run(command, folder, &event);
            peers::assert_equivalent(peer, &response, &their_response);
            let target = match peer {
                "Python, json" if name == GENERATED => Some(30.0),
                "Node.js" if name == GENERATED => Some(13.0),
                "Go" => Some(4.0),
                _ => None,
            };
            let figure = format!("{name}: faster than {peer}");
            match target {
                Some(bound) => figures.compare(PART, figure, seconds / ours, "×", Target::AtLeast(bound)),
                None => figures.add(PART, figure, seconds / ours, "×"),
            }
        }
    }
    growth(figures);
}

/// Time per byte must not depend on the number or size of records.
fn growth(figures: &mut Figures) {
    let record = generated("contact-records", 100);
    let with_attributes = |bytes: usize| -> Vec<Vec<u8>> {
        let attributes = |record: &Vec<u8>| {
            let mut value: serde_json::Value = serde_json::from_slice(record).unwrap();
            for number in 0..bytes / 100 {
                value["Attributes"][format!("attribute-{number}")] = "x".repeat(80).into();
            }
            value.to_string().into_bytes()
        };
        record.iter().map(attributes).collect()
    };
    let nanoseconds = |records: &[Vec<u8>]| {
        let event = firehose_event(records);
        let bytes = float(event.len());
        median_seconds(|| handle(&event)) / bytes * 1e9
    };
    let repeated = |count: usize| -> Vec<Vec<u8>> { record.iter().cycle().take(count).cloned().collect() };
    let (few, many) = (nanoseconds(&repeated(10)), nanoseconds(&repeated(2000)));
    figures.compare(PART, "time per byte, 2,000 records vs. 10", many / few, "×", Target::AtMost(1.3));
    let (small, large) = (nanoseconds(&with_attributes(0)), nanoseconds(&with_attributes(32 * 1024)));
    figures.compare(
        PART,
        "time per byte, 32 KB of attributes vs. none",
        large / small,
        "×",
        Target::AtMost(1.3),
    );
}
