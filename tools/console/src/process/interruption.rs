//! Ctrl-C, or a polite request to end.

use tokio::signal::ctrl_c;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::process::outcome::Outcome;

/// What the kernel sends to a process that writes beyond its limit for a file's size.
const SIGXFSZ: i32 = 25;

/// A signal; never, if it is not listened to.
async fn of(signal: &mut Option<Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}

/// Whether the process was started with a signal ignored. Where the kernel does not say it, it was not.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    ignored >> (kind.as_raw_value() - 1) & 1 == 1
}

/// How often the user has asked the command to end.
#[derive(Debug, Clone)]
pub struct Interruption(watch::Receiver<u32>);

impl Interruption {
    /// Listens from now on, as long as the runtime runs. At the `last` time that the user asks, the process ends, whatever
    /// it is doing: it may be in a read that nobody answers.
    ///
    /// # Panics
    /// When the process may not handle its own signals, or outside of a runtime.
    #[must_use]
    pub fn listen(last: Option<u32>) -> Self {
        let (sender, receiver) = watch::channel(0);
        let mut terminate = signal(SignalKind::terminate()).expect("the process may handle its own signals");
        // Who started it with `nohup` wants it to go on when the terminal is gone.
        let mut hangup =
            (!is_ignored(SignalKind::hangup())).then(|| signal(SignalKind::hangup()).ok()).flatten();
        // A file that may not grow is an error of its write, as a full disk is, and not the end of the process.
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

    /// Whether the user has asked.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// The work's result; `None` if the user asks before it is there.
    pub async fn unless<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            result = work => Some(result),
            () = self.requested() => None,
        }
    }

    /// Until the user asks.
    pub async fn requested(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|asked| *asked > 0).await.is_err() {
            // Nobody listens any more: the runtime ends.
            std::future::pending::<()>().await;
        }
    }
}
