//! Interruption by Ctrl-C, SIGTERM or SIGHUP.

use tokio::signal::ctrl_c;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::process::outcome::Outcome;

/// The signal for a write beyond the process's file size limit.
const SIGXFSZ: i32 = 25;

/// Waits for a signal; forever if there is no listener.
async fn of(signal: &mut Option<Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}

/// Whether the process was started with this signal ignored; `false` where `/proc` does not say.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    ignored >> (kind.as_raw_value() - 1) & 1 == 1
}

/// The number of times the user has asked the command to stop.
#[derive(Debug, Clone)]
pub struct Interruption(watch::Receiver<u32>);

impl Interruption {
    /// Listens from now on, while the runtime runs. The `last` request exits the process at once, because it may be blocked
    /// in a read that never returns.
    ///
    /// # Panics
    /// When the process may not handle its own signals, or outside of a runtime.
    #[must_use]
    pub fn listen(last: Option<u32>) -> Self {
        let (sender, receiver) = watch::channel(0);
        let mut terminate = signal(SignalKind::terminate()).expect("the process may handle its own signals");
        // Under `nohup`, the process keeps running when the terminal closes.
        let mut hangup =
            (!is_ignored(SignalKind::hangup())).then(|| signal(SignalKind::hangup()).ok()).flatten();
        // Reaching the file size limit must fail the write, like a full disk, instead of killing the process.
        let file_size_limit = signal(SignalKind::from_raw(SIGXFSZ));
        tokio::spawn(async move {
            let _handled = file_size_limit;
            for times in 1.. {
                tokio::select! {
                    _ = ctrl_c() => {}
                    _ = terminate.recv() => {}
                    _ = of(&mut hangup) => {}
                }
                if Some(times) == last {
                    std::process::exit(Outcome::Interrupted.code().into());
                }
                sender.send_replace(times);
            }
        });
        Self(receiver)
    }

    /// Whether the user has asked the command to stop.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// The result of the work; `None` if the user interrupts it first.
    pub async fn unless<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            result = work => Some(result),
            () = self.requested() => None,
        }
    }

    /// Waits until the user asks the command to stop.
    pub async fn requested(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|asked| *asked > 0).await.is_err() {
            // The listener is gone: the runtime is shutting down.
            std::future::pending::<()>().await;
        }
    }
}
