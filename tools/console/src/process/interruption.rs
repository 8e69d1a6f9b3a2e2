//! Ctrl-C, or a polite request to end.

use tokio::signal::ctrl_c;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::process::outcome::Outcome;

/// What the kernel sends to a process that writes beyond its limit for a file's size.
const SIGXFSZ: i32 = 25;

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
        // A file that may not grow is an error of its write, as a full disk is, and not the end of the process.
        let file_size_limit = signal(SignalKind::from_raw(SIGXFSZ));
        tokio::spawn(async move {
            let _handled = file_size_limit;
            for times in 1.. {
                tokio::select! {
                    _ = ctrl_c() => {}
                    _ = terminate.recv() => {}
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
