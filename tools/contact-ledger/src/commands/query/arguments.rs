//! The arguments of `query`: a subcommand per query, whose parameters and help come from the head of the query's SQL file.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, StyledStr};
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, ValueEnum};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use lake_queries::{GRAINS, Head, Parameter, Source, named};
use ledger_console::arguments::demo::OUTPUT;

use crate::commands::query::request::{Request, Value};
use crate::stack::aws::AwsArguments;
use crate::stack::connection::DeployedStackArguments;

const LIST: &str = "list";
/// Longer than any name in Amazon Connect.
const MAX_TEXT_BYTES: usize = 256;

/// Arguments of `query`.
#[derive(Debug, Clone)]
pub struct QueryArguments {
    /// The query to run; none to list the queries.
    pub(super) run: Option<Box<Run>>,
}

/// A query to run, and where.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) request: Request,
    pub(super) source: DataSource,
    pub(super) format: Format,
    pub(super) max_bytes: Option<u64>,
}

/// Where the lake is.
#[derive(Debug, Clone)]
pub(super) enum DataSource {
    Stack(DeployedStackArguments),
    Folder(PathBuf),
}

/// The options that all queries share.
#[derive(Debug, Clone, Args)]
struct Shared {
    #[command(flatten)]
    lake: Lake,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Cancel the query when Athena reports more scanned bytes than this, such as 500MB. It may scan more before it is canceled
    #[arg(long, value_name = "BYTES", value_parser = bytes, conflicts_with = "local")]
    max_bytes: Option<u64>,
    #[command(flatten)]
    aws: AwsArguments,
}

#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
struct Lake {
    /// CloudFormation stack name; the query runs in Athena
    #[arg(long, value_name = "NAME", help_heading = "Data source", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    stack: Option<String>,
    #[arg(long, value_name = "FOLDER", help = "Output folder of `contact-ledger demo`; the query runs in DuckDB [default: demo-output]", help_heading = "Data source", num_args = 0..=1, default_missing_value = OUTPUT, conflicts_with_all = crate::stack::aws::ARGUMENTS)]
    local: Option<PathBuf>,
}

/// The output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Aligned text
    Table,
    /// Comma-separated values
    Csv,
    /// JSON Lines
    Json,
}

impl Args for QueryArguments {
    fn augment_args(command: Command) -> Command {
        let list = Arg::new(LIST).long(LIST).action(ArgAction::SetTrue).help("List the queries");
        command
            .arg(list)
            .subcommand_value_name("QUERY")
            .subcommand_help_heading("Queries")
            .args_conflicts_with_subcommands(true)
            .subcommands(named().iter().map(of_query))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for QueryArguments {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let Some((name, matches)) = matches.subcommand() else { return Ok(Self { run: None }) };
        let query = named().iter().find(|query| query.name == name);
        let query = query.ok_or_else(|| clap::Error::new(ErrorKind::InvalidSubcommand))?;
        let shared = Shared::from_arg_matches(matches)?;
        let source = match (shared.lake.stack, shared.lake.local) {
            (Some(stack), None) => DataSource::Stack(DeployedStackArguments { stack, aws: shared.aws }),
            (_, folder) => DataSource::Folder(folder.unwrap_or_else(|| OUTPUT.into())),
        };
        let format = if shared.json { Format::Json } else { shared.format };
        let request = request(query, matches);
        Ok(Self { run: Some(Box::new(Run { request, source, format, max_bytes: shared.max_bytes })) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The subcommand of a query.
fn of_query(query: &'static Source) -> Command {
    let head = query.head();
    let example = format!(
        "Example:\n  contact-ledger query {} --stack ledger --from 2026-03-02 --to 2026-03-08 --format csv",
        query.name
    );
    let parameters = head.parameters.iter().map(|(parameter, note)| argument(*parameter, note.as_deref()));
    let command =
        Command::new(query.name).args(parameters.map(|argument| argument.help_heading("Query options")));
    // Hyphens are accepted, too.
    let hyphens = Some(query.name.replace('_', "-")).filter(|hyphens| hyphens != query.name);
    Shared::augment_args(command.aliases(hyphens))
        .about(head.answer.trim_end_matches('.').to_owned())
        .long_about(about(&head))
        .after_help(example)
}

/// The long help of a query.
fn about(head: &Head) -> StyledStr {
    let mut text = vec![head.answer.clone()];
    let equivalent = |text: &str| text.replacen("Amazon Connect: ", "Equivalent in Amazon Connect: ", 1);
    text.extend(head.amazon.as_deref().map(equivalent));
    text.extend(head.notes.iter().cloned());
    let column = |(name, note): &(String, Option<String>)| match note {
        Some(note) => format!("  {name}: {note}"),
        None => format!("  {name}"),
    };
    let columns: Vec<_> = head.columns.iter().map(column).collect();
    text.push(format!("Columns:\n{}", columns.join("\n")));
    text.join("\n\n").into()
}

/// The option of a parameter. Days are `--from` and `--to`, as in `history`.
fn option(parameter: Parameter) -> String {
    match parameter {
        Parameter::FirstDay => "from".to_owned(),
        Parameter::LastDay => "to".to_owned(),
        _ => parameter.name().replace('_', "-"),
    }
}

/// A parameter as an argument.
fn argument(parameter: Parameter, note: Option<&str>) -> Arg {
    let name = option(parameter);
    let (value, help) = match parameter {
        Parameter::TimeZone => {
            ("ZONE", "IANA time zone to use for days and intervals [default: the system time zone]")
        }
        Parameter::Grain => {
            ("GRAIN", "Length of the intervals: a number of minutes, a day, or a week. Weeks start on Monday")
        }
        Parameter::FirstDay => (
            "DAY",
            "First day, such as 2026-03-02 [default: yesterday; with --local, the last day that has data]",
        ),
        Parameter::LastDay => ("DAY", "Last day, inclusive [default: the same day as --from]"),
        Parameter::Queue => ("NAME", "Include only the queue with this name or ID"),
        Parameter::RoutingProfile => ("NAME", "Include only the routing profile with this name or ID"),
        Parameter::IncludeSimulated => {
            return Arg::new(name.clone())
                .long(name)
                .action(ArgAction::SetTrue)
                .help("Include simulated contacts, as Amazon Connect does unless you filter them out");
        }
        Parameter::LookBack => (
            "DAYS",
            "Also read this many days before the --from day, to find contacts that started earlier. For tasks and email, use 91",
        ),
        Parameter::Threshold => {
            ("SECONDS", "Service level threshold X: seconds within which a contact must leave the queue")
        }
        Parameter::Comparison => (
            "LT|LTE",
            "Time in queue must be less than the threshold (LT), or less than or equal to it (LTE)",
        ),
        Parameter::Instance => ("ID", "Include only the Amazon Connect instance with this ID"),
        Parameter::Days => ("DAYS", "Number of days within which a further contact counts as a repeat"),
    };
    let argument = Arg::new(name.clone()).long(name).value_name(value).help(help);
    let argument = match parameter.default() {
        Some(default) if parameter != Parameter::TimeZone => argument.default_value(default),
        _ => argument,
    };
    match parameter {
        Parameter::TimeZone => argument.value_parser(zone),
        Parameter::Grain => argument.value_parser(PossibleValuesParser::new(grains(note))),
        Parameter::Comparison => {
            argument.value_parser(PossibleValuesParser::new(["LT", "LTE"])).ignore_case(true)
        }
        Parameter::FirstDay | Parameter::LastDay => argument.value_parser(day),
        Parameter::LookBack => argument.value_parser(|text: &str| whole(text, 0, 3650)),
        Parameter::Threshold => argument.value_parser(|text: &str| whole(text, 0, 604_800)),
        Parameter::Days => argument.value_parser(|text: &str| whole(text, 1, 365)),
        _ => argument.value_parser(text),
    }
}

/// The grains of a query, from its head.
fn grains(note: Option<&str>) -> Vec<&'static str> {
    let named: Vec<_> = note.unwrap_or_default().split(", ").collect();
    GRAINS.into_iter().filter(|grain| named.contains(grain)).collect()
}

fn request(query: &'static Source, matches: &ArgMatches) -> Request {
    let value = |(parameter, _): (Parameter, Option<String>)| {
        let name = &option(parameter);
        let text = || matches.get_one::<String>(name).cloned();
        let value = match parameter {
            Parameter::FirstDay | Parameter::LastDay => matches.get_one(name).copied().map(Value::Day),
            Parameter::IncludeSimulated => Some(Value::Flag(matches.get_flag(name))),
            Parameter::LookBack | Parameter::Threshold | Parameter::Days => {
                matches.get_one(name).copied().map(Value::Number)
            }
            Parameter::Comparison => text().map(|text| Value::Text(text.to_uppercase())),
            _ => text().map(Value::Text),
        };
        (parameter, value)
    };
    Request::new(query, query.head().parameters.into_iter().map(value).collect())
}

fn whole(text: &str, least: u32, most: u32) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("not a whole number from {least} to {most}"))
}

fn zone(text: &str) -> Result<String, String> {
    // Entries of the system's time zone database that are not IANA time zones.
    const NOT_IANA: [&str; 4] = ["localtime", "posixrules", "Factory", "Etc/Unknown"];
    match TimeZone::get(text) {
        Ok(_) if !NOT_IANA.iter().any(|name| name.eq_ignore_ascii_case(text)) => Ok(text.to_owned()),
        _ => Err("unknown time zone; use an IANA name such as Europe/London".to_owned()),
    }
}

fn day(text: &str) -> Result<Date, String> {
    let is_day = text.len() == 10;
    let day = text.parse::<Date>().ok().filter(|_| is_day);
    day.ok_or_else(|| "not a day; use a date such as 2026-03-02".to_owned())
}

fn text(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > MAX_TEXT_BYTES || text.chars().any(char::is_control) {
        return Err(format!("must be 1 to {MAX_TEXT_BYTES} bytes without control characters"));
    }
    Ok(text.to_owned())
}

/// Parses a size such as `500MB`, or a number of bytes. Units are powers of 1,000, as AWS bills.
fn bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, u64); 5] =
        [("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("", 1)];
    let upper = text.to_uppercase();
    let number = |(unit, size): (&str, u64)| {
        let number = upper.strip_suffix(unit)?.trim().parse::<u64>().ok()?;
        number.checked_mul(size).filter(|bytes| *bytes > 0)
    };
    UNITS.into_iter().find_map(number).ok_or_else(|| "not a size; use one such as 500MB or 20GB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{bytes, day, text, zone};

    #[test]
    fn only_iana_time_zones_are_accepted() {
        assert!(zone("America/New_York").is_ok() && zone("UTC").is_ok());
        for wrong in ["localtime", "factory", "Etc/Unknown", "EST5EDT,M3.2.0", "Mars/Olympus", ""] {
            assert!(zone(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn sizes_days_and_names_are_validated() {
        let sizes = ["10", "1KB", "500 MB", "20gb", "3TB"].map(|size| bytes(size).unwrap());
        assert_eq!(sizes, [10, 1000, 500_000_000, 20_000_000_000, 3_000_000_000_000]);
        for wrong in ["", "MB", "-1", "0", "1.5GB", "99999999999TB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
        assert!(day("2026-02-28").is_ok());
        for wrong in ["2026-02-29", "2026-3-2", "20260302", "yesterday", "2026-03-02T00:00"] {
            assert!(day(wrong).is_err(), "{wrong}");
        }
        assert!(text("Sales & more' OR '1'='1").is_ok());
        for wrong in ["", "a\nb", "a\0", &"x".repeat(257)] {
            assert!(text(wrong).is_err(), "{wrong}");
        }
    }
}
