//! Keys pressed while a table refreshes.

use std::io::Read;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc;

/// The terminal in unbuffered mode without echo. Dropping it restores the previous mode.
#[derive(Debug)]
pub struct Keys {
    pressed: Option<mpsc::Receiver<u8>>,
    before: Option<Termios>,
}

impl Keys {
    /// Reads keys from standard input; no keys if that is not a terminal.
    #[must_use]
    pub fn of_terminal() -> Self {
        let Ok(before) = tcgetattr(std::io::stdin()) else { return Self { pressed: None, before: None } };
        let mut unbuffered = before.clone();
        // Ctrl-C stays a signal.
        unbuffered.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        if tcsetattr(std::io::stdin(), OptionalActions::Now, &unbuffered).is_err() {
            return Self { pressed: None, before: None };
        }
        let (sender, pressed) = mpsc::channel(1);
        // A read of a terminal cannot be canceled, so it has its own thread, which ends with the process.
        std::thread::spawn(move || {
            let keys = std::io::stdin().lock().bytes().map_while(Result::ok);
            keys.take_while(|key| sender.blocking_send(*key).is_ok()).for_each(drop);
        });
        Self { pressed: Some(pressed), before: Some(before) }
    }

    /// Waits until the user presses q.
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
            // Fails if the terminal is gone, which does not matter.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
        }
    }
}
