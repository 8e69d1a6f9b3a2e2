//! Inputs of the measurements, and how durations are measured.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long each measurement runs.
pub(crate) const MEASURED: Duration = Duration::from_secs(3);

/// The first records of a generated center's stream, which `make bench` generates.
pub(crate) fn generated(stream: &str, records: usize) -> Vec<Vec<u8>> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../target/bench/input/{stream}.jsonl"));
    let lines = std::fs::read(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; `make bench` generates it", path.display()));
    let lines: Vec<_> = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    assert!(lines.len() >= records, "{} has {} records", path.display(), lines.len());
    lines[..records].iter().map(|line| line.to_vec()).collect()
}

/// A count as a float.
#[expect(clippy::cast_precision_loss, reason = "counts in the benchmarks are small")]
pub(crate) fn float(count: usize) -> f64 {
    count as f64
}

/// The median time of one call, in seconds.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
pub(crate) fn median_seconds<T>(mut call: impl FnMut() -> T) -> f64 {
    black_box(call());
    let mut times = Vec::new();
    let end = Instant::now() + MEASURED;
    while times.len() < 5 || Instant::now() < end {
        let begin = Instant::now();
        black_box(call());
        times.push(begin.elapsed().as_secs_f64());
    }
    median(times)
}

/// The median.
pub(crate) fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
