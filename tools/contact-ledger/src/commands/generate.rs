//! `generate`: writes the records of a generated center to files.

use std::fmt::Write as _;
use std::fs::{self, Permissions};
use std::io::{BufWriter, IntoInnerError, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tempfile::NamedTempFile;

use connect_streams::StreamKind;
use ledger_console::arguments::center::CenterArguments;
use ledger_console::process::interruption::Interruption;
use ledger_console::process::outcome::{Answer, Outcome};
use ledger_console::render::output::say;
use ledger_console::render::terminal::{grouped, safe_lines};
use synthetic_center::Sent;

/// Arguments of `generate`.
#[derive(Debug, Clone, Args)]
pub struct GenerateArguments {
    #[command(flatten)]
    center: CenterArguments,
    /// Folder for contact-records.jsonl, agent-events.jsonl, and contact-events.jsonl
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    output: PathBuf,
    /// Overwrite existing files
    #[arg(long)]
    force: bool,
}

const FILES: [&str; 3] = ["contact-records.jsonl", "agent-events.jsonl", "contact-events.jsonl"];

/// Writes the files as JSON Lines and returns the record counts. Files are written atomically.
///
/// # Errors
/// If a file exists already, or cannot be written.
pub fn generate(arguments: &GenerateArguments, interruption: &Interruption) -> Answer {
    let output = &arguments.output;
    let shown = output.display();
    fs::create_dir_all(output)
        .with_context(|| format!("folder {shown} cannot be created; choose another with --output"))?;
    if let Some(file) = FILES.iter().find(|file| !arguments.force && output.join(file).exists()) {
        bail!(
            "{} already exists; --force overwrites it, --output writes elsewhere",
            output.join(file).display()
        );
    }
    let create = |name: &'static str| -> anyhow::Result<_> {
        let file = NamedTempFile::new_in(output)
            .with_context(|| format!("folder {shown} cannot be written; choose another with --output"))?;
        Ok((BufWriter::new(file), name, 0_u64))
    };
    let mut files = [create(FILES[0])?, create(FILES[1])?, create(FILES[2])?];
    let mut progress = Progress::new(arguments.center.hours);
    for Sent { at, stream, record } in arguments.center.records() {
        if interruption.is_requested() {
            return Ok(("Interrupted: nothing was written.\n".to_owned(), Outcome::Interrupted));
        }
        let (file, name, records) = &mut files[match stream {
            StreamKind::ContactRecords => 0,
            StreamKind::AgentEvents => 1,
            StreamKind::ContactEvents => 2,
        }];
        // A malformed record may not be UTF-8, but these are text files.
        let line = String::from_utf8_lossy(&record);
        let written = file.write_all(line.as_bytes()).and_then(|()| file.write_all(b"\n"));
        written.with_context(|| format!("{} cannot be written", output.join(name).display()))?;
        *records += 1;
        progress.show(at);
    }
    progress.bar.finish_and_clear();
    let mut lines = String::new();
    for (file, name, records) in files {
        let path = output.join(name);
        let keep = || -> anyhow::Result<()> {
            let file = file.into_inner().map_err(IntoInnerError::into_error)?;
            file.as_file().set_permissions(Permissions::from_mode(0o644))?;
            if arguments.force {
                file.persist(&path)?
            } else {
                file.persist_noclobber(&path)?
            };
            Ok(())
        };
        keep().with_context(|| format!("{} cannot be written", path.display()))?;
        let _ = writeln!(lines, "{:>9} records in {}", grouped(records), path.display());
    }
    Ok((safe_lines(&lines).into_owned(), Outcome::Done))
}

/// Progress through the generated day: a bar on a terminal, a line every ten seconds elsewhere.
struct Progress {
    bar: ProgressBar,
    first: Option<i64>,
    records: u64,
    last_line: Duration,
}

impl Progress {
    const LINE_EVERY: Duration = Duration::from_secs(10);

    fn new(hours: u32) -> Self {
        // Heartbeats and records continue for a while after the center closes.
        let bar = ProgressBar::new(u64::from(hours) * 3_600_000 * 5 / 4);
        let style = ProgressStyle::with_template("{bar:12} {msg} records, {elapsed}");
        bar.set_style(style.expect("the template names known parts"));
        Self { bar, first: None, records: 0, last_line: Duration::ZERO }
    }

    fn show(&mut self, at: i64) {
        self.records += 1;
        let first = *self.first.get_or_insert(at);
        if !self.records.is_multiple_of(1000) {
            return;
        }
        self.bar.set_position(u64::try_from(at - first).unwrap_or_default());
        self.bar.set_message(grouped(self.records));
        let elapsed = self.bar.elapsed();
        if self.bar.is_hidden() && elapsed.saturating_sub(self.last_line) >= Self::LINE_EVERY {
            self.last_line = elapsed;
            say(&format!("{} records after {} s", grouped(self.records), elapsed.as_secs()));
        }
    }
}
