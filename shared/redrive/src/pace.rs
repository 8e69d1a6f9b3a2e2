//! Limits how fast records are sent.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// A limit on the number of records per second.
#[derive(Debug)]
pub(crate) struct Pace {
    per_second: u32,
    next: Option<Instant>,
}

impl Pace {
    pub(crate) const fn new(per_second: u32) -> Self {
        Self { per_second, next: None }
    }

    /// The number of records that may be sent at once: `most`, but at most one second's worth.
    pub(crate) fn at_once(&self, most: usize) -> usize {
        most.min(usize::try_from(self.per_second).unwrap_or(usize::MAX)).max(1)
    }

    /// Waits until this number of records may be sent.
    pub(crate) async fn wait_for(&mut self, records: usize) {
        let now = Instant::now();
        let start = self.next.map_or(now, |next| next.max(now));
        sleep_until(start).await;
        let share = f64::from(u32::try_from(records).unwrap_or(u32::MAX)) / f64::from(self.per_second.max(1));
        self.next = Some(start + Duration::from_secs_f64(share));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_not_exceeded() {
        let mut pace = Pace::new(100);
        assert_eq!((pace.at_once(500), pace.at_once(50)), (100, 50));
        let start = Instant::now();
        for _ in 0..11 {
            pace.wait_for(100).await;
        }
        assert_eq!(start.elapsed().as_secs(), 10);
    }
}
