//! The computed columns. Their rules stand in `schema/derived.rs`, column by column.

use std::borrow::Cow;

use connect_streams::{Timestamp, arn};

use crate::normalize::Cell;
use crate::schema::{Column, place};

/// What is computed from a record. `None` where the record does not say enough.
#[derive(Debug, Clone, PartialEq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are columns")]
pub struct Derived<'a> {
    /// `instance_id`
    pub instance_id: Option<Cow<'a, str>>,
    /// `agent_id`
    pub agent_id: Option<Cow<'a, str>>,
    /// `queue_id`
    pub queue_id: Option<Cow<'a, str>>,
    /// `contact_duration_seconds`
    pub contact_duration_seconds: Option<i64>,
    /// `queue_wait_seconds`
    pub queue_wait_seconds: Option<i64>,
    /// `answer_seconds`
    pub answer_seconds: Option<i64>,
    /// `talk_seconds`
    pub talk_seconds: Option<i64>,
    /// `hold_seconds`
    pub hold_seconds: Option<i64>,
    /// `after_contact_work_seconds`
    pub after_contact_work_seconds: Option<i64>,
    /// `handle_seconds`
    pub handle_seconds: Option<i64>,
    /// `answered`
    pub answered: bool,
    /// `abandoned`
    pub abandoned: bool,
    /// `abandoned_in`
    pub abandoned_in: Option<&'static str>,
    /// `transferred`
    pub transferred: bool,
    /// `recorded`
    pub recorded: bool,
    /// Names of the columns whose interval would be negative.
    pub impossible_intervals: Vec<&'static str>,
}

/// The places of the columns that the rules use.
#[derive(Debug)]
pub(crate) struct Places {
    instance_arn: usize,
    agent_arn: usize,
    queue_arn: usize,
    initiation_method: usize,
    disconnect_reason: usize,
    next_contact_id: usize,
    disconnect: usize,
    enqueue: usize,
    dequeue: usize,
    queue_duration: usize,
    connected_to_agent: usize,
    interaction: usize,
    hold: usize,
    pause: usize,
    after_contact_work: usize,
    after_contact_work_start: usize,
    after_contact_work_end: usize,
    attempts: usize,
    transferred_to: usize,
    transfer_completed: usize,
    recording_location: usize,
    recordings: usize,
}

impl Places {
    pub(crate) fn of(columns: &[Column]) -> Self {
        let place = |name| place(columns, name);
        Self {
            instance_arn: place("instance_arn"),
            agent_arn: place("agent_arn"),
            queue_arn: place("queue_arn"),
            initiation_method: place("initiation_method"),
            disconnect_reason: place("disconnect_reason"),
            next_contact_id: place("next_contact_id"),
            disconnect: place("disconnect_timestamp"),
            enqueue: place("queue_enqueue_timestamp"),
            dequeue: place("queue_dequeue_timestamp"),
            queue_duration: place("queue_duration_seconds"),
            connected_to_agent: place("agent_connected_to_agent_timestamp"),
            interaction: place("agent_interaction_duration_seconds"),
            hold: place("agent_customer_hold_duration_seconds"),
            pause: place("agent_pause_duration_seconds"),
            after_contact_work: place("agent_after_contact_work_duration_seconds"),
            after_contact_work_start: place("agent_after_contact_work_start_timestamp"),
            after_contact_work_end: place("agent_after_contact_work_end_timestamp"),
            attempts: place("agent_connection_attempts"),
            transferred_to: place("transferred_to_endpoint_address"),
            transfer_completed: place("transfer_completed_timestamp"),
            recording_location: place("recording_location"),
            recordings: place("recordings"),
        }
    }
}

pub(crate) fn derive<'a>(places: &Places, cells: &[Option<Cell<'a>>], initiation: Timestamp) -> Derived<'a> {
    let record = Record(cells);
    let mut derived = Derived {
        instance_id: record.id(places.instance_arn, arn::instance_id),
        agent_id: record.id(places.agent_arn, |arn| arn::resource_id(arn, "agent")),
        queue_id: record.id(places.queue_arn, |arn| arn::resource_id(arn, "queue")),
        answered: record.has(places.connected_to_agent),
        transferred: [places.transferred_to, places.transfer_completed, places.next_contact_id]
            .iter()
            .any(|place| record.has(*place)),
        recorded: record.has(places.recording_location)
            || record.any_recording_has_a_location(places.recordings),
        ..Derived::default()
    };
    derived.intervals(places, &record, initiation);
    derived.abandonment(places, &record);
    derived
}

impl Derived<'_> {
    fn intervals(&mut self, places: &Places, record: &Record<'_, '_>, initiation: Timestamp) {
        let at = |place| record.timestamp(place);
        let between = |start: Option<Timestamp>, end: Option<Timestamp>| {
            Some((end?.epoch_milliseconds() - start?.epoch_milliseconds()).div_euclid(1000))
        };

        let duration = between(Some(initiation), at(places.disconnect));
        self.contact_duration_seconds = self.possible("contact_duration_seconds", duration);
        let wait =
            record.integer(places.queue_duration).or_else(|| between(at(places.enqueue), at(places.dequeue)));
        self.queue_wait_seconds = self.possible("queue_wait_seconds", wait);
        let answer = between(at(places.enqueue), at(places.connected_to_agent));
        self.answer_seconds = self.possible("answer_seconds", answer);
        self.talk_seconds = self.possible("talk_seconds", record.integer(places.interaction));
        self.hold_seconds = self.possible("hold_seconds", record.integer(places.hold));
        let work = record.integer(places.after_contact_work);
        let work =
            work.or_else(|| between(at(places.after_contact_work_start), at(places.after_contact_work_end)));
        self.after_contact_work_seconds = self.possible("after_contact_work_seconds", work);
        let pause = self.possible("handle_seconds", record.integer(places.pause));
        let others = [self.hold_seconds, self.after_contact_work_seconds, pause];
        self.handle_seconds =
            self.talk_seconds.and_then(|talk| others.into_iter().flatten().try_fold(talk, i64::checked_add));
    }

    fn possible(&mut self, column: &'static str, seconds: Option<i64>) -> Option<i64> {
        if seconds.is_some_and(|seconds| seconds < 0) {
            self.impossible_intervals.push(column);
            return None;
        }
        seconds
    }

    fn abandonment(&mut self, places: &Places, record: &Record<'_, '_>) {
        let went_on = self.answered || self.transferred || !record.has(places.disconnect);
        let reason = record.text(places.disconnect_reason);
        let by_customer = reason == Some("CUSTOMER_DISCONNECT");
        let method = record.text(places.initiation_method);
        if went_on {
            return;
        }
        if record.has(places.enqueue) {
            self.abandoned = (by_customer || reason.is_none()) && method != Some("CALLBACK");
            let was_offered = record.integer(places.attempts).is_some_and(|attempts| attempts > 0);
            self.abandoned_in = self.abandoned.then_some(if was_offered { "ringing" } else { "queue" });
        } else if by_customer && method == Some("INBOUND") {
            self.abandoned_in = Some("ivr");
        }
    }
}

/// The cells by place and type.
struct Record<'c, 'a>(&'c [Option<Cell<'a>>]);

impl<'c, 'a> Record<'c, 'a> {
    fn has(&self, place: usize) -> bool {
        self.0[place].is_some()
    }

    fn text(&self, place: usize) -> Option<&'c str> {
        match &self.0[place] {
            Some(Cell::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// An id inside the ARN at `place`.
    fn id(&self, place: usize, id_in: impl Fn(&str) -> Option<&str>) -> Option<Cow<'a, str>> {
        match &self.0[place] {
            Some(Cell::Text(Cow::Borrowed(arn))) => id_in(arn).map(Cow::Borrowed),
            Some(Cell::Text(Cow::Owned(arn))) => id_in(arn).map(|id| Cow::Owned(id.to_owned())),
            _ => None,
        }
    }

    fn integer(&self, place: usize) -> Option<i64> {
        match &self.0[place] {
            Some(Cell::Number(digits)) => digits.parse().ok(),
            _ => None,
        }
    }

    fn timestamp(&self, place: usize) -> Option<Timestamp> {
        match self.0[place] {
            Some(Cell::Timestamp(instant)) => Some(instant),
            _ => None,
        }
    }

    /// `location` is the second field of a recording.
    fn any_recording_has_a_location(&self, recordings: usize) -> bool {
        const LOCATION: usize = 1;
        match &self.0[recordings] {
            Some(Cell::Structs(recordings)) => recordings.iter().any(|fields| fields[LOCATION].is_some()),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::normalize;
    use connect_streams::contact_record::ContactRecord;
    use connect_streams::parse;

    /// Seconds of after-contact work of a record with this agent.
    fn after_contact_work(agent: &str) -> (Option<i64>, Vec<&'static str>) {
        let record = format!(
            r#"{{"ContactId":"c","InstanceARN":"arn:aws:connect:eu-west-2:111122223333:instance/i",
            "InitiationTimestamp":"2026-03-02T08:00:00Z","LastUpdateTimestamp":"2026-03-02T09:00:00Z","Agent":{agent}}}"#
        );
        let document = parse(record.as_bytes()).unwrap();
        let record = ContactRecord::from_object(document.as_object().unwrap()).unwrap();
        let derived = normalize(&record).derived;
        (derived.after_contact_work_seconds, derived.impossible_intervals)
    }

    #[test]
    fn after_contact_work_is_the_duration_or_else_between_its_two_timestamps() {
        const START: &str = r#""AfterContactWorkStartTimestamp":"2026-03-02T08:10:00Z""#;
        const END: &str = r#""AfterContactWorkEndTimestamp":"2026-03-02T08:10:45Z""#;
        assert_eq!(after_contact_work(&format!("{{{START},{END}}}")), (Some(45), vec![]));
        // The duration wins, also if it is 0.
        for duration in [0, 40] {
            let agent = format!(r#"{{{START},{END},"AfterContactWorkDuration":{duration}}}"#);
            assert_eq!(after_contact_work(&agent).0, Some(duration));
        }
        for one in [START, END] {
            assert_eq!(after_contact_work(&format!("{{{one}}}")), (None, vec![]));
        }
        let backwards = format!("{{{},{}}}", START.replace("08:10", "08:11"), END);
        assert_eq!(after_contact_work(&backwards), (None, vec!["after_contact_work_seconds"]));
    }
}
