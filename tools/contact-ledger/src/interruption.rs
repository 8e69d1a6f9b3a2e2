//! Ctrl-C, or a polite request to end.

use tokio::signal::ctrl_c;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// How often the user has asked the command to end.
#[derive(Debug, Clone)]
pub struct Interruption(watch::Receiver<u32>);

impl Interruption {
    /// Listens from now on, as long as the runtime runs.
    ///
    /// # Panics
    /// When the process may not handle its own signals, or outside of a runtime.
    #[must_use]
    pub fn listen() -> Self {
        let (sender, receiver) = watch::channel(0);
        let mut terminate = signal(SignalKind::terminate()).expect("the process may handle its own signals");
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    _ = ctrl_c() => {}
                    _ = terminate.recv() => {}
                }
                sender.send_modify(|times| *times += 1);
            }
        });
        Self(receiver)
    }

    /// Whether the user has asked.
    #[must_use]
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Until the user asks.
    pub async fn requested(&self) {
        self.reaches(1).await;
    }

    /// Until the user asks a second time.
    pub async fn insisted(&self) {
        self.reaches(2).await;
    }

    async fn reaches(&self, times: u32) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|asked| *asked >= times).await.is_err() {
            // Nobody listens any more: the runtime ends.
            std::future::pending::<()>().await;
        }
    }
}
