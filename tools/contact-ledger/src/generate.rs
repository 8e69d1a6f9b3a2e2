//! `generate`: a contact center's streams as files.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use crate::center::{
    Center, CenterSize, DEMO_CENTER, DEMO_DISTURBANCES, Disturbances, Sent, StreamKind, disturb,
};

/// How large the center is, and how untidy its streams are.
#[derive(Debug, Clone, Args)]
pub struct CenterArguments {
    /// Agents of the generated center
    #[arg(long, value_name = "N", default_value_t = DEMO_CENTER.agents)]
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
    /// Of a thousand records, so many come twice
    #[arg(long, value_name = "N", default_value_t = DEMO_DISTURBANCES.duplicated, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub duplicated: u32,
    /// Of a thousand records, so many come late
    #[arg(long, value_name = "N", default_value_t = DEMO_DISTURBANCES.late, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub late: u32,
    /// For a thousand records, so many broken ones come besides
    #[arg(long, value_name = "N", default_value_t = DEMO_DISTURBANCES.malformed, value_parser = clap::value_parser!(u32).range(0..=1000))]
    pub malformed: u32,
}

impl CenterArguments {
    /// The records, in the order in which they arrive.
    pub fn records(&self) -> impl Iterator<Item = Sent> + Send + use<> {
        let busy = u32::try_from(self.agents).unwrap_or(u32::MAX).saturating_mul(20) / 3;
        let size = CenterSize {
            agents: self.agents,
            hours: self.hours,
            contacts_per_hour: self.contacts_per_hour.unwrap_or(busy),
            seed: self.seed,
        };
        let Self { duplicated, late, malformed, seed, .. } = *self;
        disturb(Center::new(size), Disturbances { duplicated, late, malformed, seed })
    }
}

/// What `generate` can be told.
#[derive(Debug, Clone, Args)]
pub struct GenerateArguments {
    #[command(flatten)]
    center: CenterArguments,
    /// Write contact-records.jsonl and agent-events.jsonl to this folder
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    output: PathBuf,
}

/// Writes both files, one record a line; says how many there are.
///
/// # Errors
/// When a file cannot be written.
pub fn generate(arguments: &GenerateArguments) -> anyhow::Result<String> {
    let output = &arguments.output;
    fs::create_dir_all(output).with_context(|| format!("folder {} cannot be made", output.display()))?;
    let create = |name: &str| -> anyhow::Result<_> {
        let path = output.join(name);
        let file = File::create(&path);
        let file =
            file.with_context(|| format!("{} cannot be written; choose another --output", path.display()))?;
        Ok((BufWriter::new(file), path, 0_u64))
    };
    let mut files = [create("contact-records.jsonl")?, create("agent-events.jsonl")?];
    for Sent { stream, record, .. } in arguments.center.records() {
        let (file, path, records) = &mut files[usize::from(stream == StreamKind::AgentEvents)];
        let written = file.write_all(&record).and_then(|()| file.write_all(b"\n"));
        written.with_context(|| format!("{} cannot be written", path.display()))?;
        *records += 1;
    }
    let mut lines = String::new();
    for (mut file, path, records) in files {
        file.flush().with_context(|| format!("{} cannot be written", path.display()))?;
        let _ = writeln!(lines, "{records:>9} records in {}", path.display());
    }
    Ok(lines)
}
