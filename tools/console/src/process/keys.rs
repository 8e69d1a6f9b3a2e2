//! Keys that are pressed while a table refreshes itself.

use std::io::Read;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc;

/// The keyboard, a key at a time and without echo; as it was before when dropped.
#[derive(Debug)]
pub struct Keys {
    pressed: Option<mpsc::Receiver<u8>>,
    before: Option<Termios>,
}

impl Keys {
    /// Of the terminal that is the standard input; none if it is no terminal.
    #[must_use]
    pub fn of_terminal() -> Self {
        let Ok(before) = tcgetattr(std::io::stdin()) else { return Self { pressed: None, before: None } };
        let mut by_key = before.clone();
        // Ctrl-C stays a signal.
        by_key.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        if tcsetattr(std::io::stdin(), OptionalActions::Now, &by_key).is_err() {
            return Self { pressed: None, before: None };
        }
        let (sender, pressed) = mpsc::channel(1);
        // A thread of its own, which ends with the process: nothing ends a read of a terminal.
        std::thread::spawn(move || {
            let keys = std::io::stdin().lock().bytes().map_while(Result::ok);
            keys.take_while(|key| sender.blocking_send(*key).is_ok()).for_each(drop);
        });
        Self { pressed: Some(pressed), before: Some(before) }
    }

    /// Until the user presses q.
    pub async fn quit(&mut self) {
        if let Some(pressed) = &mut self.pressed {
            while let Some(key) = pressed.recv().await {
                if matches!(key, b'q' | b'Q') {
                    return;
                }
            }
        }
        std::future::pending::<()>().await;
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            // A terminal that is gone needs nothing.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}
