//! `generate`: a contact center's streams as files.

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

use crate::center::{
    Center, CenterSize, DEMO_CENTER, DEMO_DISTURBANCES, Disturbances, Sent, StreamKind, disturb,
};
use crate::interruption::Interruption;
use crate::outcome::{Answer, Outcome};
use crate::output::say;
use crate::terminal::{grouped, safe_lines};

/// How large the center is, and how untidy its streams are.
#[derive(Debug, Clone, Args)]
pub struct CenterArguments {
    /// Agents of the generated center
    #[arg(long, value_name = "N", default_value_t = DEMO_CENTER.agents, value_parser = agents)]
    pub agents: usize,
    /// Hours from opening to closing
    #[arg(long, value_name = "N", default_value_t = DEMO_CENTER.hours, value_parser = clap::value_parser!(u32).range(1..=24))]
    pub hours: u32,
    /// Contacts that arrive in an hour [default: as many as keep the agents busy]
    #[arg(long, value_name = "N")]
    pub contacts_per_hour: Option<u32>,
    /// The same seed gives the same center
    #[arg(long, value_name = "N", default_value_t = DEMO_CENTER.seed)]
    pub seed: u64,
    /// Duplicates: how many of a thousand records come twice
    #[arg(long, value_name = "N", default_value_t = DEMO_DISTURBANCES.duplicated, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub duplicated: u32,
    /// How many of a thousand records come late
    #[arg(long, value_name = "N", default_value_t = DEMO_DISTURBANCES.late, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub late: u32,
    /// Broken records, for each thousand records
    #[arg(long, value_name = "N", default_value_t = DEMO_DISTURBANCES.malformed, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub malformed: u32,
}

/// A center of more agents would take all memory, and Amazon Connect has none.
const MOST_AGENTS: usize = 100_000;

/// How many agents a generated center has.
pub(crate) fn agents(text: &str) -> Result<usize, String> {
    let agents = text.parse().ok().filter(|agents| (1..=MOST_AGENTS).contains(agents));
    agents.ok_or_else(|| format!("it is not a number from 1 to {MOST_AGENTS}"))
}

impl CenterArguments {
    /// The records, in the order in which they arrive.
    pub fn records(&self) -> impl Iterator<Item = Sent> + Send + use<> {
        self.records_of(DEMO_CENTER.opening, DEMO_CENTER.first_id)
    }

    /// The same of a center that opens then, and numbers ids from there on.
    pub(crate) fn records_of(
        &self,
        opening: i64,
        first_id: u64,
    ) -> impl Iterator<Item = Sent> + Send + use<> {
        let busy = u32::try_from(self.agents).unwrap_or(u32::MAX).saturating_mul(20) / 3;
        let size = CenterSize {
            agents: self.agents,
            hours: self.hours,
            contacts_per_hour: self.contacts_per_hour.unwrap_or(busy),
            seed: self.seed,
            opening,
            first_id,
        };
        let Self { duplicated, late, malformed, seed, .. } = *self;
        disturb(Center::new(size), Disturbances { duplicated, late, malformed, seed })
    }
}

/// Arguments of `generate`.
#[derive(Debug, Clone, Args)]
pub struct GenerateArguments {
    #[command(flatten)]
    center: CenterArguments,
    /// Write contact-records.jsonl and agent-events.jsonl to this folder
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    output: PathBuf,
    /// Replace these files if they are there
    #[arg(long)]
    force: bool,
}

const FILES: [&str; 2] = ["contact-records.jsonl", "agent-events.jsonl"];

/// Writes both files, one record a line; says how many there are. A file is there whole or not at all.
///
/// # Errors
/// When a file is there already, or cannot be written.
pub fn generate(arguments: &GenerateArguments, interruption: &Interruption) -> Answer {
    let output = &arguments.output;
    let shown = output.display();
    fs::create_dir_all(output)
        .with_context(|| format!("folder {shown} cannot be made; choose another with --output"))?;
    if let Some(file) = FILES.iter().find(|file| !arguments.force && output.join(file).exists()) {
        bail!(
            "{} is there already; --force replaces it, --output writes elsewhere",
            output.join(file).display()
        );
    }
    let create = |name: &'static str| -> anyhow::Result<_> {
        let file = NamedTempFile::new_in(output)
            .with_context(|| format!("folder {shown} cannot be written; choose another with --output"))?;
        Ok((BufWriter::new(file), name, 0_u64))
    };
    let mut files = [create(FILES[0])?, create(FILES[1])?];
    let mut progress = Progress::new(arguments.center.hours);
    for Sent { at, stream, record } in arguments.center.records() {
        if interruption.is_requested() {
            return Ok(("Interrupted: nothing was written.\n".to_owned(), Outcome::Interrupted));
        }
        let (file, name, records) = &mut files[usize::from(stream == StreamKind::AgentEvents)];
        // A broken record may be no text, but these are files of lines of text.
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

/// How much of the day is generated: a bar on a terminal, a line now and then elsewhere.
struct Progress {
    bar: ProgressBar,
    first: Option<i64>,
    records: u64,
    last_line: Duration,
}

impl Progress {
    const LINE_EVERY: Duration = Duration::from_secs(10);

    fn new(hours: u32) -> Self {
        // Heartbeats and records come for a while after the center closes.
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
