//! Runs a query in `DuckDB` on this machine, with its command line or its Python package. Nothing is linked.
//!
//! Both run the same statements. Values are never part of the SQL: the command line reads them from environment variables,
//! and Python binds them.

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
/// Checks for an attribute, because `import duckdb` alone also succeeds on any folder named `duckdb`.
const PYTHON_CHECK: &str = "import sys; sys.path[:] = filter(None, sys.path); import duckdb; duckdb.connect";
/// Bytes of standard error that are kept, and the characters of them that are shown.
const KEPT: u64 = 64 * 1024;
const SHOWN: usize = 500;
/// How long to wait for the rest of standard error after the process ends.
const STDERR_TIMEOUT: Duration = Duration::from_secs(1);
const FLUSH_ROWS: usize = 1000;
/// Prefix of the environment variables that pass values to the command line.
const VARIABLE: &str = "CONTACT_LEDGER_QUERY_";

/// Runs the query and returns its statistics; `None` if the user interrupted it.
pub(super) async fn run(
    folder: &Path,
    request: &Request,
    now: fn() -> Timestamp,
    interruption: &Interruption,
    sheet: &mut Sheet,
) -> anyhow::Result<Option<String>> {
    let folder = &demo_folder(folder);
    let lake = lake(folder)?;
    // The result may contain agents' names.
    let private = Permissions::from_mode(0o700);
    let results = tempfile::Builder::new().permissions(private).tempdir();
    let results = results.context("no temporary folder can be created; check TMPDIR")?;
    let session = Session { lake, request, results: results.path() };
    let start = now();
    let Some(engine) = interruption.unless(Engine::found()).await else { return Ok(None) };
    let Some(run) = interruption.unless(engine?.run(&session)).await else { return Ok(None) };
    run.map_err(|message| failure(folder, request, &message))?;
    let head = session.head().context(
        "DuckDB wrote no readable result; check with `duckdb --version` that the `duckdb` on the PATH is DuckDB",
    )?;
    let day = head.last_day.as_deref().and_then(|day| day.parse::<Date>().ok());
    let request = match day {
        Some(day) if !request.has_days() => request.of_day(day, "the last day that has data"),
        None => bail!("{}", no_data(folder, request)),
        Some(_) => request.clone(),
    };
    sheet.begin(&request.description(), head.columns.iter().map(|column| column.name.clone()).collect())?;
    for (number, line) in BufReader::new(File::open(session.file("rows"))?).lines().enumerate() {
        sheet.row(row(&line?, &head.columns)?)?;
        if number % FLUSH_ROWS == FLUSH_ROWS - 1 {
            sheet.flush()?;
            // Let signals be handled.
            tokio::task::yield_now().await;
        }
        if interruption.is_requested() {
            return Ok(None);
        }
        if sheet.is_full() {
            break;
        }
    }
    let took = now().epoch_milliseconds() - start.epoch_milliseconds();
    #[expect(clippy::cast_precision_loss, reason = "it is shown with one decimal")]
    let seconds = took as f64 / 1000.0;
    Ok(Some(format!("DuckDB {}, {seconds:.1} s", head.version.trim_start_matches('v'))))
}

fn no_data(folder: &Path, request: &Request) -> String {
    let kind = if reads_the_archive(request.query.name) { "agent event" } else { "contact that has ended" };
    format!(
        "there is no {kind} in {}, so there is no last day; pass --from to run the query anyway",
        folder.display()
    )
}

/// The demo's output folder, also if the path is that of the lake or of lake.sql in it.
fn demo_folder(path: &Path) -> PathBuf {
    let is_part = path.ends_with(LAKE_SQL) || path.ends_with(LAKE_BUCKET);
    match path.parent() {
        Some(folder) if is_part && folder.join(LAKE_SQL).is_file() => Path::new(".").join(folder),
        _ => path.to_owned(),
    }
}

/// The SQL of the lake's tables, views, and queries, from lake.sql, on the lake in the same folder.
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
        format!("DuckDB cannot read a folder with this name; rename {}", folder.display())
    })?;
    // The folder may have been moved or copied since.
    let here = place(lake);
    let (setting, _) = here.split_once('=').unwrap_or((&here, ""));
    let line = |line| if str::starts_with(line, setting) { here.as_str() } else { line };
    Ok(sql.lines().map(line).collect::<Vec<_>>().join("\n"))
}

fn failure(folder: &Path, request: &Request, stderr: &str) -> anyhow::Error {
    let name = request.query.name;
    let file = folder.join(LAKE_SQL);
    // Further lines refer to SQL that the user did not write.
    let error = stderr.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no reason given");
    let error = shortened(error, SHOWN);
    let is_missing = |name: &str| error.contains(&format!("name {name} does not exist"));
    if is_missing(name) || is_missing("contact_metrics") || is_missing("agent_events") {
        return anyhow!(
            "{} was written by another version, without {name}; run the demo again",
            file.display()
        );
    }
    if error.contains("Parser Error") || error.contains("Catalog Error") {
        return anyhow!(
            "DuckDB cannot read {}; it needs DuckDB 1.3 or newer, and the unchanged file from the demo: {error}",
            file.display()
        );
    }
    anyhow!("DuckDB could not run {name}: {error}")
}

/// One `DuckDB` session.
struct Session<'a> {
    lake: String,
    request: &'a Request,
    results: &'a Path,
}

impl Session<'_> {
    fn file(&self, name: &str) -> PathBuf {
        self.results.join(format!("{name}.json"))
    }

    fn head(&self) -> anyhow::Result<Head> {
        Ok(serde_json::from_slice(&fs::read(self.file("head"))?)?)
    }

    fn values(&self) -> impl Iterator<Item = (Parameter, String)> {
        let text = |value: Option<&Value>| value.map(ToString::to_string).unwrap_or_default();
        self.request.values().map(move |(parameter, value)| (parameter, text(value)))
    }

    /// SQL that puts the values into a table; `expression` gives the SQL expression of each.
    fn bind(&self, expression: impl Fn(Parameter) -> String) -> String {
        let columns = self.values().map(|(parameter, _)| {
            // An empty value means that no day was given.
            format!("nullif({}, '') AS {}", expression(parameter), parameter.name())
        });
        format!("CREATE TEMP TABLE asked AS SELECT {};\n", columns.collect::<Vec<_>>().join(", "))
    }

    /// The statements for both engines: the last day that has data, the result's columns, and the result.
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

/// The result without its rows.
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
        serde_json::from_str(line).context("DuckDB wrote a row that is not JSON")?;
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

/// How to run `DuckDB`.
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
            if started(python, &["-c", PYTHON_CHECK]).await == Some(true) {
                return Ok(Self::Python(python));
            }
        }
        ensure!(
            command_line.is_none(),
            "the `duckdb` on the PATH does not start; run `duckdb --version` to see why"
        );
        bail!(
            "DuckDB was not found on this machine; install its command line (https://duckdb.org/docs/installation) or its Python package (pip install duckdb), version 1.3 or newer, so that `duckdb` or `python3` is on the PATH"
        )
    }

    /// Runs the session. The error is the standard error of `DuckDB`.
    async fn run(self, session: &Session<'_>) -> Result<(), String> {
        let (mut command, input) = match self {
            Self::CommandLine => {
                let variable =
                    |parameter: Parameter| format!("{VARIABLE}{}", parameter.name().to_uppercase());
                let bind = session.bind(|parameter| format!("getenv('{}')", variable(parameter)));
                let mut command = Command::new("duckdb");
                // Ignore the user's ~/.duckdbrc.
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
                // If the process ends early, its standard error says why.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
        };
        let stderr = tokio::spawn(beginning(child.stderr.take()));
        let ((), ended) = tokio::join!(written, child.wait());
        let ended = ended.map_err(|error| error.to_string())?;
        // A child of the process may keep standard error open.
        let stderr =
            tokio::time::timeout(STDERR_TIMEOUT, stderr).await.ok().and_then(Result::ok).unwrap_or_default();
        if ended.success() && session.file("rows").exists() {
            return Ok(());
        }
        let stderr = String::from_utf8_lossy(&stderr);
        let stderr = console::strip_ansi_codes(&stderr);
        Err(if stderr.trim().is_empty() {
            format!("it exited without an error message ({ended})")
        } else {
            stderr.into_owned()
        })
    }
}

/// The beginning of a stream. The rest is read and dropped, so that the process never blocks.
async fn beginning(stream: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // A read error ends the stream.
        let _ = (&mut stream).take(KEPT).read_to_end(&mut bytes).await;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }
    bytes
}

/// Whether the program runs successfully; `None` if it is not installed.
async fn started(program: &str, arguments: &[&str]) -> Option<bool> {
    let mut command = Command::new(program);
    let silent = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match silent.kill_on_drop(true).status().await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        status => Some(status.is_ok_and(|status| status.success())),
    }
}
