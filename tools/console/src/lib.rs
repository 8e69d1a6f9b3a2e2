//! The parts that all commands share and that need no AWS: arguments, a user's own records, output.
//!
//! ```
//! use ledger_console::render::terminal::{counted, duration, safe};
//!
//! assert_eq!(counted(1_000, "record", "records"), "1,000 records");
//! assert_eq!(duration(185_000), "3:05");
//! // Text from records cannot control the terminal.
//! assert!(!safe("\x1b[2J").contains('\x1b'));
//! ```

pub mod arguments;
pub mod output_folder;
pub mod process;
pub mod records;
pub mod render;
