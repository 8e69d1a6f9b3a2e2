//! The request for a run.

use std::fmt::Write as _;

use connect_streams::Timestamp;
use lake_files::layout;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use lake_files::failures::FailedRecord;

/// Which records to send, and how. As JSON, it is the event of the function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Request {
    /// Only count what would be sent.
    pub dry_run: bool,
    /// Only objects whose key starts with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Only records that arrived at this time or later: a UTC date or a timestamp.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Only records that arrived at this time or earlier: a UTC date or a timestamp, inclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Only records that failed for one of these reasons.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
    /// The maximum number of records per second.
    pub rate: u32,
    /// Also records that an earlier run has sent.
    pub again: bool,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            dry_run: true,
            prefix: None,
            since: None,
            until: None,
            reasons: Vec::new(),
            rate: 1000,
            again: false,
        }
    }
}

/// Why a request is not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A time that cannot be parsed.
    #[error("{name} is {value:?}; use a date such as 2026-03-02 or a timestamp such as 2026-03-02T08:00:00Z")]
    Time {
        /// `since` or `until`
        name: &'static str,
        /// The value given.
        value: String,
    },
    /// A rate of 0 sends nothing.
    #[error("rate is 0; set the maximum number of records per second")]
    Rate,
    /// The time range is empty.
    #[error("until is before since; use a later until")]
    Reversed,
    /// The prefix has no dead letters.
    #[error("prefix is {0:?}, which has no dead letters; use one below errors/, rejected/, or aws/lambda/")]
    Prefix(String),
}

/// The prefixes of dead letters, in key order.
const DEAD_LETTERS: [&str; 4] =
    [layout::ON_FAILURE, layout::FAILED, layout::REJECTED, layout::REJECTED_CONTACT_EVENTS];
/// Raw copies that could not be delivered. Their records were processed nevertheless.
const COPIES: [&str; 3] =
    [layout::FAILED_AGENT_EVENT_COPIES, layout::FAILED_COPIES, layout::FAILED_CONTACT_EVENT_COPIES];

/// A validated request.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    prefix: Option<String>,
    since: Option<Timestamp>,
    before: Option<Timestamp>,
    reasons: Vec<String>,
}

impl Selection {
    pub(crate) fn of(request: &Request) -> Result<Self, RequestError> {
        if request.rate == 0 {
            return Err(RequestError::Rate);
        }
        let time = |name, value: &Option<String>| match value {
            None => Ok(None),
            Some(value) => {
                let span =
                    day_or_instant(value).ok_or_else(|| RequestError::Time { name, value: value.clone() });
                span.map(Some)
            }
        };
        let selection = Self {
            prefix: request.prefix.clone(),
            since: time("since", &request.since)?.map(|(begin, _)| begin),
            before: time("until", &request.until)?.map(|(_, end)| end),
            reasons: request.reasons.clone(),
        };
        if let (Some(since), Some(before)) = (selection.since, selection.before)
            && since >= before
        {
            return Err(RequestError::Reversed);
        }
        if selection.prefixes().is_empty() {
            return Err(RequestError::Prefix(request.prefix.clone().unwrap_or_default()));
        }
        Ok(selection)
    }

    /// The prefixes to list.
    pub(crate) fn prefixes(&self) -> Vec<String> {
        let Some(wanted) = &self.prefix else { return DEAD_LETTERS.map(str::to_owned).to_vec() };
        let overlap = |prefix: &str| {
            if wanted.starts_with(prefix) {
                Some(wanted.clone())
            } else {
                prefix.starts_with(wanted).then(|| prefix.to_owned())
            }
        };
        DEAD_LETTERS.iter().filter_map(|prefix| overlap(prefix)).collect()
    }

    /// Whether dead-letter queues are read: only if the request is not for some of the objects.
    pub(crate) fn has_queues(&self) -> bool {
        self.prefix.is_none()
    }

    /// Whether an object with this key holds records that were not processed.
    pub(crate) fn is_wanted_object(key: &str) -> bool {
        !COPIES.iter().any(|copies| key.starts_with(copies))
    }

    pub(crate) fn is_wanted(&self, record: &FailedRecord) -> bool {
        let is_in_range = match (self.since, self.before, record.arrival) {
            (None, None, _) => true,
            (_, _, None) => false,
            (since, before, Some(arrival)) => {
                since.is_none_or(|since| arrival >= since) && before.is_none_or(|before| arrival < before)
            }
        };
        let is_named = |reason: &String| reason.eq_ignore_ascii_case(&record.reason);
        is_in_range && (self.reasons.is_empty() || self.reasons.iter().any(is_named))
    }
}

/// The first instant of a day, or the instant itself, and the first instant after it.
///
/// ```
/// use redrive::day_or_instant;
///
/// let (first, after) = day_or_instant("2026-03-02").expect("it is a day");
/// assert_eq!((first.to_string().as_str(), after.to_string().as_str()), ("2026-03-02T00:00:00.000Z", "2026-03-03T00:00:00.000Z"));
/// ```
#[must_use]
pub fn day_or_instant(text: &str) -> Option<(Timestamp, Timestamp)> {
    const DAY: i64 = 86_400_000;
    let (begin, milliseconds) = match Timestamp::parse(&format!("{text}T00:00:00Z")) {
        Some(day) => (day, DAY),
        None => (Timestamp::parse(text)?, 1),
    };
    Some((begin, Timestamp::from_epoch_milliseconds(begin.epoch_milliseconds() + milliseconds)?))
}

impl Request {
    /// A hash that is the same for requests for the same records.
    pub(crate) fn fingerprint(&self) -> String {
        let mut text = String::new();
        let Self { prefix, since, until, reasons, again, dry_run: _, rate: _ } = self;
        // Writing to a string cannot fail.
        let _ = write!(text, "{prefix:?} {since:?} {until:?} {reasons:?} {again}");
        format!("{:016x}", xxh3_64(text.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lake_files::failures::Payload;

    fn failed(reason: &str, arrival: Option<&str>) -> FailedRecord {
        FailedRecord {
            payload: Payload::ContactRecord(Vec::new()),
            reason: reason.to_owned(),
            arrival: arrival.map(|arrival| Timestamp::parse(arrival).unwrap()),
        }
    }

    #[test]
    fn a_day_includes_all_its_instants_and_an_instant_only_itself() {
        let is_wanted = |since: &str, until: &str, arrival: &str| {
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            let request = Request { since: some(since), until: some(until), ..Request::default() };
            Selection::of(&request).unwrap().is_wanted(&failed("r", Some(arrival)))
        };
        assert!(is_wanted("2026-03-02", "2026-03-02", "2026-03-02T00:00:00.000Z"));
        assert!(is_wanted("2026-03-02", "2026-03-02", "2026-03-02T23:59:59.999Z"));
        assert!(!is_wanted("2026-03-02", "", "2026-03-01T23:59:59.999Z"));
        assert!(!is_wanted("", "2026-03-02", "2026-03-03T00:00:00.000Z"));
        assert!(is_wanted("2026-03-02T08:00:00Z", "2026-03-02T08:00:00Z", "2026-03-02T08:00:00.000Z"));
        assert!(!is_wanted("", "2026-03-02T08:00:00Z", "2026-03-02T08:00:00.001Z"));
    }

    #[test]
    fn reasons_ignore_case_and_a_record_without_a_time_matches_no_range() {
        let of = |reasons: &[&str], since: Option<&str>| {
            let reasons = reasons.iter().map(|reason| (*reason).to_owned()).collect();
            Selection::of(&Request { reasons, since: since.map(str::to_owned), ..Request::default() })
                .unwrap()
        };
        assert!(of(&["lambda.functionerror"], None).is_wanted(&failed("Lambda.FunctionError", None)));
        assert!(!of(&["not_json"], None).is_wanted(&failed("Lambda.FunctionError", None)));
        assert!(!of(&[], Some("2026-03-02")).is_wanted(&failed("r", None)));
    }

    #[test]
    fn prefixes_stay_within_dead_letters() {
        let prefixes = |prefix: Option<&str>| {
            Selection::of(&Request { prefix: prefix.map(str::to_owned), ..Request::default() })
                .map(|selection| selection.prefixes())
        };
        assert_eq!(prefixes(None).unwrap(), DEAD_LETTERS);
        assert_eq!(
            prefixes(Some("errors/processing-failed/2026/")).unwrap(),
            ["errors/processing-failed/2026/"]
        );
        assert_eq!(
            prefixes(Some("rejected/")).unwrap(),
            ["rejected/agent-events/", "rejected/contact-events/"]
        );
        assert_eq!(prefixes(Some("raw/")).unwrap_err(), RequestError::Prefix("raw/".to_owned()));
        assert!(!Selection::is_wanted_object("errors/backup-processing-failed/x"));
        assert!(Selection::is_wanted_object("errors/processing-failed/x"));
    }

    #[test]
    fn an_invalid_request_is_refused_with_a_suggestion() {
        let error = |request: Request| Selection::of(&request).unwrap_err().to_string();
        let since = Some("yesterday".to_owned());
        assert_eq!(
            error(Request { since, ..Request::default() }),
            "since is \"yesterday\"; use a date such as 2026-03-02 or a timestamp such as 2026-03-02T08:00:00Z"
        );
        assert!(error(Request { rate: 0, ..Request::default() }).contains("rate"));
        assert!(serde_json::from_str::<Request>(r#"{"dryrun":false}"#).is_err(), "a typo must not send");
        assert!(serde_json::from_str::<Request>("{}").unwrap().dry_run);
    }

    #[test]
    fn only_the_requested_records_distinguish_runs() {
        let base = Request::default();
        let same = Request { dry_run: false, rate: 1, ..Request::default() };
        assert_eq!(base.fingerprint(), same.fingerprint());
        assert_ne!(base.fingerprint(), Request { again: true, ..Request::default() }.fingerprint());
    }
}
