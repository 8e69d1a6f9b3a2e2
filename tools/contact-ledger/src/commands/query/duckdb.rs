//! A query in a `DuckDB` of this machine: its command line, or its Python package. Nothing is linked for it.
//!
//! Both get the same statements. Values enter as values: the command line reads them from its environment, Python binds them.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, anyhow, bail};
use connect_streams::Timestamp;
use jiff::civil::Date;
use lake_queries::{Parameter, reads_the_archive};
use ledger_console::process::interruption::Interruption;
use ledger_console::render::terminal::duration;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::commands::query::request::{Request, Value};
use crate::commands::query::sheet::{Datum, Sheet};

const PYTHON: &str = include_str!("duckdb.py");
/// The command line shows them as its functions have them.
const VARIABLE: &str = "CONTACT_LEDGER_QUERY_";

/// Asks; answers with what it took. `None` if the user interrupted it.
pub(super) async fn ask(
    folder: &Path,
    request: &Request,
    now: fn() -> Timestamp,
    interruption: &Interruption,
    sheet: &mut Sheet,
) -> anyhow::Result<Option<String>> {
    let lake = lake(folder)?;
    let answer = tempfile::tempdir().context("no temporary folder can be made")?;
    let session = Session { lake, request, answer: answer.path() };
    let begun = now();
    let Some(engine) = interruption.unless(Engine::found()).await else { return Ok(None) };
    let Some(run) = interruption.unless(engine?.run(&session)).await else { return Ok(None) };
    run.map_err(|said| failure(folder, request, &said))?;
    let head: Head = serde_json::from_slice(&fs::read(session.file("head"))?)?;
    let day = head.last_day.as_deref().and_then(|day| day.parse::<Date>().ok());
    let request = match day {
        Some(day) if !request.has_days() => request.of_day(day, "the last day that has data"),
        None => bail!(
            "the lake in {} has nothing to answer {} from; send it something, or run a demo",
            folder.display(),
            request.query.name
        ),
        Some(_) => request.clone(),
    };
    sheet.begin(&request.told(), head.columns.iter().map(|column| column.name.clone()).collect())?;
    for line in BufReader::new(File::open(session.file("rows"))?).lines() {
        sheet.row(row(&line?, &head.columns)?)?;
    }
    let took = now().epoch_milliseconds() - begun.epoch_milliseconds();
    Ok(Some(format!("DuckDB {}, {}", head.version.trim_start_matches('v'), duration(took))))
}

/// The lake's tables, views and queries, as the demo left them.
fn lake(folder: &Path) -> anyhow::Result<String> {
    let file = folder.join("lake.sql");
    fs::read_to_string(&file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => anyhow!(
            "there is no {}; run `contact-ledger demo` first, or say the folder of its result: --local <FOLDER>",
            file.display()
        ),
        _ => anyhow!("{} cannot be read: {error}", file.display()),
    })
}

fn failure(folder: &Path, request: &Request, said: &str) -> anyhow::Error {
    let name = request.query.name;
    // Further lines point at places in SQL that the user has not written.
    let said = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it says no reason");
    if said.contains("Catalog Error") && said.contains("does not exist") {
        return anyhow!(
            "{} was written by another version, without {name}; run the demo again",
            folder.join("lake.sql").display()
        );
    }
    if said.contains("Parser Error") {
        return anyhow!("DuckDB cannot read the lake's queries; it must be version 1.3 or newer: {said}");
    }
    anyhow!("DuckDB could not answer {name}: {said}")
}

/// What is done in one session.
struct Session<'a> {
    lake: String,
    request: &'a Request,
    answer: &'a Path,
}

impl Session<'_> {
    fn file(&self, name: &str) -> PathBuf {
        self.answer.join(format!("{name}.json"))
    }

    fn values(&self) -> impl Iterator<Item = (Parameter, String)> {
        let text = |value: Option<&Value>| value.map(ToString::to_string).unwrap_or_default();
        self.request.values().map(move |(parameter, value)| (parameter, text(value)))
    }

    /// Puts the values into a table, each by the expression that is it.
    fn bind(&self, expression: impl Fn(Parameter) -> String) -> String {
        let columns = self.values().map(|(parameter, _)| {
            // A day that nobody said.
            format!("nullif({}, '') AS {}", expression(parameter), parameter.name())
        });
        format!("CREATE TEMP TABLE asked AS SELECT {};\n", columns.collect::<Vec<_>>().join(", "))
    }

    /// What is the same for both: the last day that has data, the answer's columns, and the answer.
    fn statements(&self) -> String {
        let name = self.request.query.name;
        let mut sql = String::new();
        let mut arguments = Vec::new();
        for (parameter, _) in self.values() {
            let parameter = parameter.name();
            arguments.push(format!("{parameter} := getvariable('{parameter}')"));
            // Writing to a string cannot fail.
            let _ = writeln!(sql, "SET VARIABLE {parameter} = (SELECT {parameter} FROM asked);");
        }
        let has_zone = self.values().any(|(parameter, _)| parameter == Parameter::TimeZone);
        let zone = if has_zone { "getvariable('time_zone')" } else { "'UTC'" };
        let (instant, table) = match name {
            _ if reads_the_archive(name) => ("event_timestamp", "agent_events"),
            // It counts by the partition.
            "record_versions" => ("CAST(contact_date AS TIMESTAMP)", "contact_metrics"),
            _ => ("disconnect_timestamp", "contact_metrics"),
        };
        if !self.request.has_days() {
            let _ = writeln!(
                sql,
                "SET VARIABLE last_day = (SELECT CAST(max(CAST(timezone({zone}, timezone('UTC', {instant})) AS DATE)) AS VARCHAR) FROM {table});\nSET VARIABLE first_day = getvariable('last_day');"
            );
        }
        let select = format!("SELECT * FROM {name}({})", arguments.join(", "));
        let path = |name: &str| self.file(name).display().to_string().replace('\'', "''");
        let _ = writeln!(
            sql,
            "COPY (SELECT list({{name: column_name, type: column_type}}) AS columns, getvariable('last_day') AS last_day, version() AS version FROM (DESCRIBE {select})) TO '{}' (FORMAT json);\nCOPY ({select}) TO '{}' (FORMAT json);",
            path("head"),
            path("rows"),
        );
        sql
    }
}

/// The answer but for its rows.
#[derive(Debug, Deserialize)]
struct Head {
    columns: Vec<Column>,
    last_day: Option<String>,
    version: String,
}

#[derive(Debug, Deserialize)]
struct Column {
    name: String,
    r#type: String,
}

fn row(line: &str, columns: &[Column]) -> anyhow::Result<Vec<Datum>> {
    let values: std::collections::HashMap<&str, &RawValue> =
        serde_json::from_str(line).context("DuckDB answered what is not JSON")?;
    let datum = |column: &Column| {
        let Some(value) = values.get(column.name.as_str()).map(|value| value.get()) else {
            return Ok(Datum::Nothing);
        };
        Ok(match value.as_bytes().first() {
            Some(b'n') => Datum::Nothing,
            Some(b'"') => Datum::of(serde_json::from_str(value)?, &column.r#type),
            Some(b'[') => Datum::List(serde_json::from_str(value)?),
            _ => Datum::of(value.to_owned(), &column.r#type),
        })
    };
    columns.iter().map(datum).collect()
}

/// What runs `DuckDB`.
enum Engine {
    CommandLine,
    Python(&'static str),
}

impl Engine {
    async fn found() -> anyhow::Result<Self> {
        if succeeds("duckdb", &["--version"]).await {
            return Ok(Self::CommandLine);
        }
        for python in ["python3", "python"] {
            if succeeds(python, &["-c", "import duckdb"]).await {
                return Ok(Self::Python(python));
            }
        }
        bail!(
            "no DuckDB was found on this machine; install its command line (https://duckdb.org/docs/installation) or its Python package (pip install duckdb), version 1.3 or newer, so that `duckdb` or `python3` is on the path"
        )
    }

    /// What it says of a failure is the error.
    async fn run(self, session: &Session<'_>) -> Result<(), String> {
        let (mut command, input) = match self {
            Self::CommandLine => {
                let variable =
                    |parameter: Parameter| format!("{VARIABLE}{}", parameter.name().to_uppercase());
                let bind = session.bind(|parameter| format!("getenv('{}')", variable(parameter)));
                let mut command = Command::new("duckdb");
                // Not the user's own settings.
                command.args(["-init", "/dev/null", "-bail"]);
                command.envs(session.values().map(|(parameter, value)| (variable(parameter), value)));
                (command, format!("{}\n{bind}{}", session.lake, session.statements()))
            }
            Self::Python(python) => {
                let values: Vec<_> = session.values().map(|(_, value)| value).collect();
                let input = serde_json::json!({
                    "lake": session.lake,
                    "bind": session.bind(|_| "CAST(? AS VARCHAR)".to_owned()),
                    "values": values,
                    "statements": session.statements(),
                });
                let mut command = Command::new(python);
                command.args(["-c", PYTHON]);
                (command, input.to_string())
            }
        };
        let child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = child.spawn().map_err(|error| error.to_string())?;
        let mut stdin = child.stdin.take();
        let written = async {
            if let Some(mut stdin) = stdin.take() {
                // One that ends early says why.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
        };
        let ((), ended) = tokio::join!(written, child.wait_with_output());
        let ended = ended.map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&ended.stderr);
        let is_done = ended.status.success() && session.file("rows").exists();
        if is_done { Ok(()) } else { Err(console::strip_ansi_codes(&said).into_owned()) }
    }
}

async fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    let silent = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    silent.kill_on_drop(true).status().await.is_ok_and(|status| status.success())
}
