//! The failed and rejected records of a run, with their reasons and locations.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use connect_streams::StreamKind;
use lake_files::decompressed;
use lake_files::failures::{Payload, read};
use lambda_io::kinesis::StreamRecord;
use ledger_console::records::judge::{Fate, Judge};
use ledger_console::records::reasons::sentence;
use serde_json::{Value, json};

use crate::expected::Expected;

/// Records that are listed individually.
const NAMED: usize = 1000;

/// The failed and rejected records.
pub(super) struct Kept {
    judge: Judge,
    /// By stream, reason and path.
    reasons: BTreeMap<(&'static str, String, String), u64>,
    named: Vec<Value>,
    bytes: u64,
}

impl Kept {
    /// The judge gives the reason if the record itself is invalid.
    pub(super) fn new(judge: Judge) -> Self {
        Self { judge, reasons: BTreeMap::new(), named: Vec::new(), bytes: 0 }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads an object of failures and compares it with the expected failures.
    pub(super) fn note(&mut self, lake: &Path, file: &Path, expected: &mut Expected) -> anyhow::Result<()> {
        let shown = file.display();
        let object = fs::read(file).with_context(|| format!("{shown} cannot be read"))?;
        self.bytes += object.len() as u64;
        let object = decompressed(object).with_context(|| format!("{shown} cannot be read"))?;
        let key = file.strip_prefix(lake).unwrap_or(file).display().to_string();
        for (place, failure) in read(&object).into_iter().enumerate() {
            let place = format!("{key}, record {}", place + 1);
            let Ok(failure) = failure else {
                expected.unreadable_failure();
                continue;
            };
            match &failure.payload {
                Payload::ContactRecord(record) => {
                    expected.compare_failure(StreamKind::ContactRecords, record);
                    self.note_record(StreamKind::ContactRecords, &failure.reason, record, &place);
                }
                Payload::ContactEvent(event) => {
                    expected.compare_failure(StreamKind::ContactEvents, event);
                    self.note_record(StreamKind::ContactEvents, &failure.reason, event, &place);
                }
                Payload::AgentEvent(record) => {
                    let record = serde_json::from_str::<StreamRecord>(record.get()).ok();
                    match record.as_ref().and_then(|record| record.data.bytes().ok()) {
                        Some(data) => {
                            expected.compare_failure(StreamKind::AgentEvents, data);
                            self.note_record(StreamKind::AgentEvents, &failure.reason, data, &place);
                        }
                        None => expected.unreadable_failure(),
                    }
                }
            }
        }
        Ok(())
    }

    fn note_record(&mut self, stream: StreamKind, stored_reason: &str, record: &[u8], place: &str) {
        let (reason, path, message) = match self.judge.judge(record, Some(stream)).fate {
            Fate::Fails(reject) => {
                let message = sentence(&reject, stream, record);
                (reject.code.as_str().to_owned(), reject.path.to_string(), message)
            }
            // The record is valid: an injected fault made it fail.
            _ => (stored_reason.to_owned(), String::new(), "the record is valid; redrive it".to_owned()),
        };
        if self.named.len() < NAMED {
            self.named.push(json!([stream.as_str(), reason, path, message, place]));
        }
        *self.reasons.entry((stream.as_str(), reason, path)).or_default() += 1;
    }

    pub(super) fn json(&self) -> Value {
        let reasons =
            self.reasons.iter().map(|((stream, reason, path), count)| json!([stream, reason, path, count]));
        json!({"reasons": reasons.collect::<Vec<_>>(), "named": self.named})
    }
}
