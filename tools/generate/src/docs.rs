//! The pages of `docs/` with generated parts.

use clap::Parser;
use contact_ledger::arguments::reference;
use contact_ledger::commands::cost::{
    CostArguments, PEAK, cost, events_per_second, shards, volume_of, write_units,
};
use contact_ledger::commands::schema::{SchemaFormat, schema};
use ledger_console::process::outcome;
use ledger_tests::hostile;
use tables::BOARDS;

use crate::generated::Generated;
use crate::pages::{read, with_part};
use crate::template::alarms::overview;

pub(crate) fn files() -> anyhow::Result<Vec<Generated>> {
    const COLUMNS: [&str; 2] = ["<!-- contact-ledger schema markdown -->\n", "<!-- end -->\n"];
    const EXIT_CODES: [&str; 2] = ["<!-- exit codes -->\n", "<!-- end of exit codes -->\n"];
    const COMMANDS: [&str; 2] = ["<!-- commands -->\n", "<!-- end of commands -->\n"];
    const ALARMS: [&str; 2] = ["<!-- alarms -->\n", "<!-- end of alarms -->\n"];
    const SCALE: [&str; 2] = ["<!-- table -->\n", "<!-- end of table -->"];
    const HOSTILE: [&str; 2] = ["<!-- hostile input: generated -->\n", "<!-- end of hostile input -->\n"];
    let part = |path: &'static str, marks, text: &str| -> anyhow::Result<_> {
        Ok(Generated { path, text: with_part(&read(path)?, marks, text)? })
    };
    let command_line = with_part(&read("docs/cli.md")?, EXIT_CODES, &outcome::table())?;
    Ok(vec![
        part("docs/contact-record.md", COLUMNS, &schema(SchemaFormat::Markdown))?,
        Generated { path: "docs/cli.md", text: with_part(&command_line, COMMANDS, &reference())? },
        part("docs/operations.md", ALARMS, &overview()?)?,
        part("docs/scaling.md", SCALE, &scale())?,
        part("docs/reliability.md", HOSTILE, &hostile::table())?,
        Generated { path: "docs/cost.md", text: costs(&read("docs/cost.md")?)? },
    ])
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: CostArguments,
}

fn arguments(line: &str) -> anyhow::Result<CostArguments> {
    Ok(Line::try_parse_from(format!("cost {line}").split_whitespace())?.arguments)
}

/// The page with the current output after each command in it.
fn costs(page: &str) -> anyhow::Result<String> {
    const BEGIN: &str = "```console\n$ contact-ledger cost ";
    let mut parts = page.split(BEGIN);
    let mut written = parts.next().unwrap_or_default().to_owned();
    let mut commands = 0;
    for part in parts {
        let command = part.split_once('\n').and_then(|(line, rest)| Some((line, rest.split_once("```")?.1)));
        let (line, rest) =
            command.ok_or_else(|| anyhow::anyhow!("docs/cost.md has a command without an end"))?;
        written += &[BEGIN, line, "\n", &cost(&arguments(line)?)?, "```", rest].concat();
        commands += 1;
    }
    anyhow::ensure!(commands >= 3, "docs/cost.md has only {commands} commands");
    Ok(written)
}

/// The table of docs/scaling.md: the peak load from the volumes of the cost model.
fn scale() -> String {
    let row = |agents: u32| {
        let line = format!("--agents {agents} --contacts-per-day {}", agents * 50);
        let arguments = arguments(&line).expect("the arguments are valid");
        let volume = volume_of(&arguments);
        let events = events_per_second(&arguments) * PEAK;
        let (state, history) = write_units(&arguments, &volume);
        let seconds = f64::from(arguments.days * arguments.hours * 3600);
        let (state, history) = (state / seconds * PEAK, history / seconds * PEAK);
        let lanes = shards(&arguments);
        let contacts = volume.contact_records / seconds * PEAK;
        format!(
            "| {agents} | {events:.1} | {:.2} | {lanes} | {lanes} | {state:.1} | {:.2} | {history:.1} | {contacts:.2} | {:.2} |\n",
            events * f64::from(arguments.agent_event_bytes) / 1e6,
            state / f64::from(BOARDS),
            contacts * f64::from(arguments.contact_record_bytes) / 1e6,
        )
    };
    "| agents | agent events/s | agent events, MB/s | shards | lanes | AgentState writes/s | AgentState writes/s per board | \
     AgentHistory writes/s | contact records/s | contact records, MB/s |\n\
     |---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
        .to_owned()
        + &[100, 10_000, 100_000, 1_000_000].map(row).concat()
}
