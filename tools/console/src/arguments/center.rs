//! The size and the delivery faults of a generated center.

use clap::Args;
use synthetic_center::{
    Center, CenterSize, DEMO_CENTER, DEMO_DELIVERY_FAULTS, DeliveryFaults, Sent, with_delivery_faults,
};

/// How large the center is, and how untidy its streams are.
#[derive(Debug, Clone, Args)]
pub struct CenterArguments {
    /// Number of agents in the generated contact center
    #[arg(long, value_name = "N", default_value_t = DEMO_CENTER.agents, value_parser = agents)]
    pub agents: usize,
    /// Number of hours the generated contact center is open
    #[arg(long, value_name = "N", default_value_t = DEMO_CENTER.hours, value_parser = clap::value_parser!(u32).range(1..=24))]
    pub hours: u32,
    /// Number of contacts per hour [default: 20 for every 3 agents, which keeps them busy]
    #[arg(long, value_name = "N")]
    pub contacts_per_hour: Option<u32>,
    /// Random seed; the same seed generates the same contact center
    #[arg(long, value_name = "N", default_value_t = DEMO_CENTER.seed)]
    pub seed: u64,
    /// Number of duplicates added per 1,000 records
    #[arg(long, value_name = "N", default_value_t = DEMO_DELIVERY_FAULTS.duplicated, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub duplicated: u32,
    /// Number of records that arrive late, per 1,000 records [default: 15, or 0 with --live]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub late: Option<u32>,
    /// Number of malformed records added per 1,000 records
    #[arg(long, value_name = "N", default_value_t = DEMO_DELIVERY_FAULTS.malformed, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub malformed: u32,
    /// Number of contact events that never arrive, per 1,000 contact events
    #[arg(long, value_name = "N", default_value_t = DEMO_DELIVERY_FAULTS.lost, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub lost: u32,
}

/// A larger center would need more memory than a machine has, and no Amazon Connect instance is that large.
const MOST_AGENTS: usize = 100_000;

/// Parses the number of agents of a generated center.
///
/// # Errors
/// When it is not a number, or out of range.
pub fn agents(text: &str) -> Result<usize, String> {
    let agents = text.parse().ok().filter(|agents| (1..=MOST_AGENTS).contains(agents));
    agents.ok_or_else(|| format!("not a number from 1 to {MOST_AGENTS}"))
}

impl CenterArguments {
    /// The records, in the order they arrive.
    pub fn records(&self) -> impl Iterator<Item = Sent> + Send + use<> {
        self.records_of(DEMO_CENTER.opening, DEMO_CENTER.first_id)
    }

    /// The records of a center that opens at `opening` and numbers its IDs from `first_id`.
    pub fn records_of(&self, opening: i64, first_id: u64) -> impl Iterator<Item = Sent> + Send + use<> {
        self.with_faults(self.size(opening, first_id), self.late.unwrap_or(DEMO_DELIVERY_FAULTS.late))
    }

    /// The records of a center around `now`, in milliseconds since 1970, with `pace` times as many contacts. A quarter of
    /// its hours is over, and when it closes, the next one opens, so the records never end.
    pub fn live_records(&self, now: i64, pace: u32) -> impl Iterator<Item = Sent> + Send + use<> {
        const HOUR: i64 = 3_600_000;
        let (center, hours) = (self.clone(), i64::from(self.hours) * HOUR);
        let opening = now - hours / 4;
        let mut shifts = (0..).map(move |shift: u32| {
            let size = center.size(opening + i64::from(shift) * hours, u64::from(shift) << 32);
            let size = CenterSize {
                contacts_per_hour: size.contacts_per_hour.saturating_mul(pace),
                routing_profiles: 3,
                seed: size.seed.wrapping_add(u64::from(shift)),
                ..size
            };
            // On a board, a late event looks like a wrong one.
            center.with_faults(size, center.late.unwrap_or(0)).peekable()
        });
        // The last records of a shift come after the next one has opened.
        let mut open: Vec<_> = shifts.by_ref().take(2).collect();
        std::iter::from_fn(move || {
            while open.len() < 3 {
                open.extend(shifts.next());
            }
            let next =
                open.iter_mut().enumerate().filter_map(|(index, shift)| Some((shift.peek()?.at, index)));
            let (_, index) = next.min()?;
            let record = open[index].next();
            open.retain_mut(|shift| shift.peek().is_some());
            record
        })
    }

    fn size(&self, opening: i64, first_id: u64) -> CenterSize {
        let busy = u32::try_from(self.agents).unwrap_or(u32::MAX).saturating_mul(20) / 3;
        CenterSize {
            agents: self.agents,
            hours: self.hours,
            contacts_per_hour: self.contacts_per_hour.unwrap_or(busy),
            routing_profiles: DEMO_CENTER.routing_profiles,
            seed: self.seed,
            opening,
            first_id,
        }
    }

    fn with_faults(&self, size: CenterSize, late: u32) -> impl Iterator<Item = Sent> + Send + use<> {
        let Self { duplicated, malformed, lost, seed, .. } = *self;
        with_delivery_faults(Center::new(size), DeliveryFaults { duplicated, late, malformed, lost, seed })
    }
}
