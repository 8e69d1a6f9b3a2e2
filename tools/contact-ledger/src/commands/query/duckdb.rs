//! A query in a `DuckDB` of this machine: its command line, or its Python package. Nothing is linked for it.
//!
//! Both get the same statements. Values enter as values: the command line reads them from its environment, Python binds them.

use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use connect_streams::Timestamp;
use jiff::civil::Date;
use lake_queries::{Parameter, counted_by, place, reads_the_archive};
use ledger_console::process::interruption::Interruption;
use ledger_console::records::hidden::shortened;
use serde::Deserialize;
use serde_json::value::RawValue;
use served_stack::LAKE_BUCKET;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::commands::query::request::{Request, Value};
use crate::commands::query::sheet::{Datum, Sheet};

const LAKE_SQL: &str = "lake.sql";
const PYTHON: &str = include_str!("duckdb.py");
/// An import alone would succeed on any folder that is called `duckdb`.
const PYTHON_HAS_IT: &str = "import sys; sys.path[:] = filter(None, sys.path); import duckdb; duckdb.connect";
/// Bytes of what a process says that are kept, and how many of them are shown.
const KEPT: u64 = 64 * 1024;
const SHOWN: usize = 500;
const LAST_WORDS: Duration = Duration::from_secs(1);
const ROWS_AT_ONCE: usize = 1000;
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
    let folder = &of_demo(folder);
    let lake = lake(folder)?;
    // Agents' names may be in the answer.
    let private = Permissions::from_mode(0o700);
    let answer = tempfile::Builder::new().permissions(private).tempdir();
    let answer = answer.context("no temporary folder can be made; check TMPDIR")?;
    let session = Session { lake, request, answer: answer.path() };
    let begun = now();
    let Some(engine) = interruption.unless(Engine::found()).await else { return Ok(None) };
    let Some(run) = interruption.unless(engine?.run(&session)).await else { return Ok(None) };
    run.map_err(|said| failure(folder, request, &said))?;
    let head = session.head().context(
        "DuckDB left no answer that can be read; `duckdb --version` shows whether what is on the path is DuckDB",
    )?;
    let day = head.last_day.as_deref().and_then(|day| day.parse::<Date>().ok());
    let request = match day {
        Some(day) if !request.has_days() => request.of_day(day, "the last day that has data"),
        None => bail!("{}", nothing_there(folder, request)),
        Some(_) => request.clone(),
    };
    sheet.begin(&request.told(), head.columns.iter().map(|column| column.name.clone()).collect())?;
    for (number, line) in BufReader::new(File::open(session.file("rows"))?).lines().enumerate() {
        sheet.row(row(&line?, &head.columns)?)?;
        if number % ROWS_AT_ONCE == ROWS_AT_ONCE - 1 {
            sheet.flush()?;
            // Lets signals be heard.
            tokio::task::yield_now().await;
        }
        if interruption.is_requested() {
            return Ok(None);
        }
        if sheet.is_full() {
            break;
        }
    }
    let took = now().epoch_milliseconds() - begun.epoch_milliseconds();
    #[expect(clippy::cast_precision_loss, reason = "it is shown with one decimal")]
    let seconds = took as f64 / 1000.0;
    Ok(Some(format!("DuckDB {}, {seconds:.1} s", head.version.trim_start_matches('v'))))
}

fn nothing_there(folder: &Path, request: &Request) -> String {
    let kind = if reads_the_archive(request.query.name) { "agent event" } else { "contact that has ended" };
    format!(
        "there is no {kind} in {}, so there is no last day; pass --from to run it anyway",
        folder.display()
    )
}

/// The folder of the result, also of who names the lake or the file in it.
fn of_demo(named: &Path) -> PathBuf {
    let is_part = named.ends_with(LAKE_SQL) || named.ends_with(LAKE_BUCKET);
    match named.parent() {
        Some(folder) if is_part && folder.join(LAKE_SQL).is_file() => Path::new(".").join(folder),
        _ => named.to_owned(),
    }
}

/// The lake's tables, views and queries, as the demo left them, on the lake beside them.
fn lake(folder: &Path) -> anyhow::Result<String> {
    let file = folder.join(LAKE_SQL);
    let sql = fs::read_to_string(&file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => anyhow!(
            "there is no {}; run `contact-ledger demo` first, or pass its output folder: --local <FOLDER>",
            file.display()
        ),
        _ => anyhow!("{} cannot be read: {error}", file.display()),
    })?;
    let lake = std::path::absolute(folder)?.join(LAKE_BUCKET);
    let is_readable = |lake: &&str| !lake.contains(['\\', '\n', '\r']);
    let lake = lake.to_str().filter(is_readable).with_context(|| {
        format!("DuckDB cannot read a folder with such a name; rename {}", folder.display())
    })?;
    // It may have been moved or copied since it was written.
    let here = place(lake);
    let (said, _) = here.split_once('=').unwrap_or((&here, ""));
    let line = |line| if str::starts_with(line, said) { here.as_str() } else { line };
    Ok(sql.lines().map(line).collect::<Vec<_>>().join("\n"))
}

fn failure(folder: &Path, request: &Request, said: &str) -> anyhow::Error {
    let name = request.query.name;
    let file = folder.join(LAKE_SQL);
    // Further lines point at places in SQL that the user has not written.
    let said = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given");
    let said = shortened(said, SHOWN);
    let is_missing = |name: &str| said.contains(&format!("name {name} does not exist"));
    if is_missing(name) || is_missing("contact_metrics") || is_missing("agent_events") {
        return anyhow!(
            "{} was written by another version, without {name}; run the demo again",
            file.display()
        );
    }
    if said.contains("Parser Error") || said.contains("Catalog Error") {
        return anyhow!(
            "DuckDB cannot read {}: DuckDB must be version 1.3 or newer, and the file as the demo wrote it: {said}",
            file.display()
        );
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

    fn head(&self) -> anyhow::Result<Head> {
        Ok(serde_json::from_slice(&fs::read(self.file("head"))?)?)
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
        let (instant, view) = counted_by(name);
        let takes_simulated = self.values().any(|(parameter, _)| parameter == Parameter::IncludeSimulated);
        let counted = if takes_simulated && view == "contact_metrics" {
            "WHERE CAST(getvariable('include_simulated') AS BOOLEAN) OR NOT simulated"
        } else {
            ""
        };
        if !self.request.has_days() {
            let _ = writeln!(
                sql,
                "SET VARIABLE last_day = (SELECT CAST(max(CAST(timezone({zone}, timezone('UTC', {instant})) AS DATE)) AS VARCHAR) FROM {view} {counted});\nSET VARIABLE first_day = getvariable('last_day');"
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
            Some(b'[') => Datum::List(elements(value)?),
            _ => Datum::of(value.to_owned(), &column.r#type),
        })
    };
    columns.iter().map(datum).collect()
}

fn elements(list: &str) -> serde_json::Result<Vec<Option<String>>> {
    let elements: Vec<serde_json::Value> = serde_json::from_str(list)?;
    let text = |element| match element {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text),
        other => Some(other.to_string()),
    };
    Ok(elements.into_iter().map(text).collect())
}

/// What runs `DuckDB`.
enum Engine {
    CommandLine,
    Python(&'static str),
}

impl Engine {
    async fn found() -> anyhow::Result<Self> {
        let command_line = started("duckdb", &["--version"]).await;
        if command_line == Some(true) {
            return Ok(Self::CommandLine);
        }
        for python in ["python3", "python"] {
            if started(python, &["-c", PYTHON_HAS_IT]).await == Some(true) {
                return Ok(Self::Python(python));
            }
        }
        ensure!(
            command_line.is_none(),
            "the `duckdb` on the path does not start; `duckdb --version` says why"
        );
        bail!(
            "DuckDB was not found on this machine; install its command line (https://duckdb.org/docs/installation) or its Python package (pip install duckdb), version 1.3 or newer, so that `duckdb` or `python3` is on the path"
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
        let said = tokio::spawn(beginning(child.stderr.take()));
        let ((), ended) = tokio::join!(written, child.wait());
        let ended = ended.map_err(|error| error.to_string())?;
        // What it started may hold its standard error for longer.
        let said = tokio::time::timeout(LAST_WORDS, said).await.ok().and_then(Result::ok).unwrap_or_default();
        if ended.success() && session.file("rows").exists() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&said);
        let said = console::strip_ansi_codes(&said);
        Err(if said.trim().is_empty() {
            format!("it exited without an error message ({ended})")
        } else {
            said.into_owned()
        })
    }
}

/// The beginning of what a process says; all of it is read, so that it is never in its way.
async fn beginning(stream: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut said = Vec::new();
    if let Some(mut stream) = stream {
        // A pipe that breaks has ended.
        let _ = (&mut stream).take(KEPT).read_to_end(&mut said).await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }
    said
}

/// Whether it starts and ends well; `None` if there is none.
async fn started(program: &str, arguments: &[&str]) -> Option<bool> {
    let mut command = Command::new(program);
    let silent = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match silent.kill_on_drop(true).status().await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        status => Some(status.is_ok_and(|status| status.success())),
    }
}
