//! The stream and its consumers: shards that are split and merged, lanes by partition key, child shards after their
//! parents, and one more lane for the operator, who redrives discarded and rejected records.

use std::collections::{HashMap, VecDeque};

use fastrand::Rng;
use lambda_io::kinesis::StreamEvent;
use local_aws::event_source_mapping::lane_of;
use local_aws::event_source_mapping::retries::{Lane, Next, RetryRules};
use local_aws::kinesis::{Bytes, Record};
use serde_json::{Value, json};

use crate::{read_event, stream_record};

/// A lane of a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LaneId {
    /// `None` for the operator's lane.
    shard: Option<usize>,
    lane: usize,
}

impl LaneId {
    pub(super) const OPERATORS: Self = Self { shard: None, lane: 0 };

    pub(super) fn is_operators(self) -> bool {
        self == Self::OPERATORS
    }
}

#[derive(Default)]
struct ShardLane {
    queue: VecDeque<Record>,
    lane: Lane,
    is_busy: bool,
}

impl ShardLane {
    fn is_idle(&self) -> bool {
        !self.is_busy && self.queue.is_empty() && self.lane.next(&RetryRules::default(), 0) == Next::Idle
    }
}

struct Shard {
    parents: Vec<usize>,
    /// The range of hashes, inclusive.
    range: (u32, u32),
    is_open: bool,
    unread: VecDeque<Record>,
    lanes: Vec<ShardLane>,
}

impl Shard {
    fn is_finished(&self) -> bool {
        !self.is_open && self.unread.is_empty() && self.lanes.iter().all(ShardLane::is_idle)
    }
}

/// The stream.
pub(super) struct Stream {
    shards: Vec<Shard>,
    operators: ShardLane,
    factor: usize,
    /// The shard of each record, by sequence number.
    homes: HashMap<String, usize>,
    /// The records put so far, in order.
    pub(super) put: Vec<Bytes>,
}

impl Stream {
    pub(super) fn new(shards: usize, factor: usize) -> Self {
        let mut stream = Self {
            shards: Vec::new(),
            operators: ShardLane::default(),
            factor,
            homes: HashMap::new(),
            put: Vec::new(),
        };
        let width = u32::MAX / u32::try_from(shards).unwrap_or(1);
        for number in 0..shards {
            let first = u32::try_from(number).unwrap_or_default() * width;
            let last = if number + 1 == shards { u32::MAX } else { first + width - 1 };
            stream.add(Vec::new(), (first, last));
        }
        stream
    }

    fn add(&mut self, parents: Vec<usize>, range: (u32, u32)) {
        let lanes = (0..self.factor).map(|_| ShardLane::default()).collect();
        self.shards.push(Shard { parents, range, is_open: true, unread: VecDeque::new(), lanes });
    }

    /// Puts a record and returns its sequence number.
    pub(super) fn put(&mut self, partition_key: &str, data: Bytes, now: i64) -> String {
        let hash = partition_key
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        self.put.push(data.clone());
        let record = Record {
            // As long as a real one, and longer than any integer type.
            sequence_number: format!("4959033827149025660855969253836157109592157598{:010}", self.put.len()),
            partition_key: partition_key.to_owned(),
            data,
            arrival_milliseconds: now,
        };
        let name = record.sequence_number.clone();
        let takes = |shard: &Shard| shard.is_open && (shard.range.0..=shard.range.1).contains(&hash);
        if let Some(shard) = self.shards.iter().position(takes) {
            self.homes.insert(name.clone(), shard);
            self.shards[shard].unread.push_back(record);
        }
        name
    }

    /// Sends records to the function directly, with their original sequence numbers and shards.
    pub(super) fn redrive(&mut self, records: impl IntoIterator<Item = Record>) {
        self.operators.queue.extend(records);
    }

    /// Splits a shard, or merges two adjacent ones.
    pub(super) fn reshard(&mut self, rng: &mut Rng) -> String {
        let open: Vec<_> = (0..self.shards.len()).filter(|shard| self.shards[*shard].is_open).collect();
        let one = open[rng.usize(..open.len())];
        let (first, last) = self.shards[one].range;
        let next = last.checked_add(1);
        let adjacent = open.iter().copied().find(|other| Some(self.shards[*other].range.0) == next);
        if let Some(other) = adjacent.filter(|_| rng.bool()) {
            let end = self.shards[other].range.1;
            self.shards[one].is_open = false;
            self.shards[other].is_open = false;
            self.add(vec![one, other], (first, end));
            return format!("shards {one} and {other} are merged");
        }
        if first == last {
            return format!("shard {one} cannot be split");
        }
        let middle = first + (last - first) / 2;
        self.shards[one].is_open = false;
        self.add(vec![one], (first, middle));
        self.add(vec![one], (middle + 1, last));
        format!("shard {one} is split")
    }

    /// The lanes with waiting records and no running invocation.
    pub(super) fn ready(&mut self) -> Vec<LaneId> {
        let mut ready = Vec::new();
        for shard in 0..self.shards.len() {
            if !self.shards[shard].parents.iter().all(|parent| self.shards[*parent].is_finished()) {
                continue;
            }
            let factor = self.factor;
            let Shard { unread, lanes, .. } = &mut self.shards[shard];
            for record in unread.drain(..) {
                lanes[lane_of(&record, factor)].queue.push_back(record);
            }
            let waiting = lanes.iter().enumerate().filter(|(_, lane)| !lane.is_busy && !lane.is_idle());
            ready.extend(waiting.map(|(lane, _)| LaneId { shard: Some(shard), lane }));
        }
        if !self.operators.is_busy && !self.operators.is_idle() {
            ready.push(LaneId::OPERATORS);
        }
        ready
    }

    fn shard_lane(&mut self, id: LaneId) -> &mut ShardLane {
        match id.shard {
            Some(shard) => &mut self.shards[shard].lanes[id.lane],
            None => &mut self.operators,
        }
    }

    /// The retry state of a lane.
    pub(super) fn lane(&mut self, id: LaneId) -> &mut Lane {
        &mut self.shard_lane(id).lane
    }

    pub(super) fn set_busy(&mut self, id: LaneId, is_busy: bool) {
        self.shard_lane(id).is_busy = is_busy;
    }

    /// Forms the next batch of a lane that has no batch.
    pub(super) fn fill(&mut self, id: LaneId, most: usize) {
        let lane = self.shard_lane(id);
        if lane.lane.batch().is_empty() {
            let records = lane.queue.len().min(most);
            let batch = lane.queue.drain(..records).collect();
            lane.lane.push(batch);
        }
    }

    /// The lane's batch as the event that the function receives.
    ///
    /// # Panics
    /// Never: the JSON has the event's form.
    pub(super) fn event(&mut self, id: LaneId) -> StreamEvent {
        let records = self.lane(id).batch().to_vec();
        let record = |record: &Record| {
            let Record { sequence_number, partition_key, arrival_milliseconds, data } = record;
            let shard = self.homes.get(sequence_number).copied().unwrap_or_default();
            stream_record(shard, sequence_number, partition_key, arrival_milliseconds / 1000, data)
        };
        let records: Value = records.iter().map(record).collect();
        read_event(&json!({ "Records": records }))
    }
}
