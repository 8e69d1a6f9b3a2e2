//! Failed writes: how they are logged and counted, the same for every function that writes tables.

use std::collections::BTreeMap;

use tables::{FaultClass, StoreError};

use crate::metrics::Metrics;

/// Logs one line per kind of fault: ERROR if somebody must act, WARN if a retry helps. `source` names what keeps the
/// records meanwhile.
pub fn log(faults: &[StoreError], source: &str) {
    let mut by_kind: BTreeMap<_, usize> = BTreeMap::new();
    for fault in faults {
        *by_kind.entry((fault.class, fault.code.as_str())).or_default() += 1;
    }
    for ((class, code), writes) in by_kind {
        match class {
            FaultClass::Transient => {
                tracing::warn!(code, writes, "writes failed; Lambda retries their records");
            }
            FaultClass::Environment => tracing::error!(
                code,
                writes,
                "writes are refused; correct the function's permissions, the bucket's policy, table and bucket names. The {source} keeps the records, and Lambda retries them until its limit; then they go to the dead letters"
            ),
        }
    }
}

/// Adds the counts of faults by class.
#[must_use]
pub fn count<'a>(metrics: Metrics<'a>, faults: &[StoreError]) -> Metrics<'a> {
    let of_class = |class| faults.iter().filter(|fault| fault.class == class).count();
    metrics
        .count("TransientFaults", of_class(FaultClass::Transient))
        .count("EnvironmentFaults", of_class(FaultClass::Environment))
}
