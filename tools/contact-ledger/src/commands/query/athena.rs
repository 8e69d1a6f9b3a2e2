//! Runs a query in Athena, in the stack's workgroup.
//!
//! Source: [`StartQueryExecution`](https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html),
//! [`GetQueryExecution`](https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryExecution.html),
//! [`GetQueryResults`](https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryResults.html),
//! [`StopQueryExecution`](https://docs.aws.amazon.com/athena/latest/APIReference/API_StopQueryExecution.html),
//! [`GetWorkGroup`](https://docs.aws.amazon.com/athena/latest/APIReference/API_GetWorkGroup.html).

use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_errors::{refusal, why};
use aws_sdk_athena::Client;
use aws_sdk_athena::config::Builder;
use aws_sdk_athena::types::{
    QueryExecution, QueryExecutionContext, QueryExecutionState, QueryExecutionStatistics, ResultSetMetadata,
    Row,
};
use indicatif::{ProgressBar, ProgressStyle};
use lake_queries::{ArchiveDays, reads_the_archive, without_head, written_out};
use ledger_console::process::interruption::Interruption;
use ledger_console::render::output::say;

use crate::commands::query::request::{Request, Value};
use crate::commands::query::sheet::{Datum, Sheet};
use crate::stack::connection::Connection;

/// Athena allows few requests per second per account, so throttled requests are retried.
const ATTEMPTS: u32 = 5;
const FIRST_POLL: Duration = Duration::from_millis(150);
const MAX_POLL: Duration = Duration::from_secs(2);
/// Timeout for the workgroup's limit, which is only informational.
const LIMIT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait for a stopped query to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
const PAGE_ROWS: i32 = 1000;
const PERMISSIONS: &str = "athena:StartQueryExecution, athena:GetQueryExecution, athena:GetQueryResults and athena:StopQueryExecution on the workgroup";

/// Runs the query and returns its statistics; `None` if the user interrupted it.
pub(super) async fn run(
    connection: &Connection,
    request: &Request,
    max_bytes: Option<u64>,
    interruption: &Interruption,
    sheet: &mut Sheet,
) -> anyhow::Result<Option<String>> {
    let athena = Athena::of(connection, request)?;
    let Some(id) = athena.started(request, interruption).await? else { return Ok(None) };
    let query = Query { id, athena: &athena };
    // The limit is only shown, so it is fetched in parallel.
    let limit = interruption.unless(athena.limit());
    let (limit, done) = tokio::join!(limit, query.watched(max_bytes, interruption));
    let (limit, Some(done)) = (limit.flatten(), done?) else {
        query.stop_for_the_user().await;
        return Ok(None);
    };
    query.ensure_succeeded(&done, request, limit)?;
    if interruption.unless(query.read(request, sheet)).await.transpose()?.is_none() {
        return Ok(None);
    }
    let limit = limit.map(|limit| format!("the workgroup stops a query at {}", size(limit)));
    let parts = [done.statistics().map(summary), limit];
    Ok(Some(parts.into_iter().flatten().collect::<Vec<_>>().join("; ")))
}

struct Athena {
    client: Client,
    region: String,
    workgroup: String,
    database: String,
}

impl Athena {
    fn of(connection: &Connection, request: &Request) -> anyhow::Result<Self> {
        let (stack, resources) = (&connection.deployed.stack, &connection.deployed.resources);
        let part = |name: &str| {
            resources.get(name).cloned().with_context(|| {
                format!("stack {stack} has no tables for Athena; deploy it with LakeTables=true")
            })
        };
        let (workgroup, database) = (part("WorkGroup")?, part("Database")?);
        if reads_the_archive(request.query.name) && !resources.contains_key("AgentIntervalsView") {
            bail!(
                "{} needs the archive of agent events, which stack {stack} does not have; deploy it with AgentEventArchive=true to archive new events",
                request.query.name
            );
        }
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let client = Client::from_conf(Builder::from(connection.config()).retry_config(retries).build());
        Ok(Self { client, region: connection.region(), workgroup, database })
    }

    /// The workgroup's limit of bytes scanned per query; `None` if it cannot be read immediately.
    async fn limit(&self) -> Option<u64> {
        let once = Builder::new()
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_timeout(LIMIT_TIMEOUT).build());
        let request = self.client.get_work_group().work_group(&self.workgroup);
        let group = request.customize().config_override(once).send().await.ok()?;
        let limit = group.work_group()?.configuration()?.bytes_scanned_cutoff_per_query()?;
        u64::try_from(limit).ok()
    }

    /// Starts the query. If interrupted, it waits for the ID in order to stop the query.
    async fn started(
        &self,
        request: &Request,
        interruption: &Interruption,
    ) -> anyhow::Result<Option<String>> {
        let start = self.start(request);
        tokio::pin!(start);
        let id = tokio::select! {
            id = &mut start => return id.map(Some),
            () = interruption.requested() => {
                say("Stopping the query when Athena returns its ID; press Ctrl-C again to leave it running");
                tokio::time::timeout(STOP_TIMEOUT, start).await
            }
        };
        match id {
            Ok(Ok(id)) => Query { id, athena: self }.stop_for_the_user().await,
            // The error says whether Athena may have accepted it.
            Ok(Err(error)) => say(&error.to_string()),
            Err(_) => say(&self.may_run()),
        }
        Ok(None)
    }

    fn may_run(&self) -> String {
        format!(
            "the query may be running: Athena did not confirm it; check the query history of workgroup {}",
            self.workgroup
        )
    }

    async fn start(&self, request: &Request) -> anyhow::Result<String> {
        let name = request.query.name;
        let sql = without_head(&written_out(name, ArchiveDays::Asked));
        let values = request.values().map(|(parameter, value)| {
            value
                .map(Value::literal)
                .with_context(|| format!("{name} needs a value for {}", parameter.name()))
        });
        let context = QueryExecutionContext::builder().database(&self.database).build();
        let started = self
            .client
            .start_query_execution()
            .query_string(sql)
            .set_execution_parameters(Some(values.collect::<Result<_, _>>()?))
            .query_execution_context(context)
            .work_group(&self.workgroup)
            .send()
            .await
            .map_err(|error| match refusal(&error) {
                Some(_) => anyhow!("Athena rejected the query: {}", why(&error, PERMISSIONS)),
                None => anyhow!("{}: {}", self.may_run(), why(&error, PERMISSIONS)),
            })?;
        started.query_execution_id.with_context(|| self.may_run())
    }
}

/// A query that was started in Athena.
struct Query<'a> {
    id: String,
    athena: &'a Athena,
}

impl Query<'_> {
    async fn status(&self) -> anyhow::Result<QueryExecution> {
        let response = self.athena.client.get_query_execution().query_execution_id(&self.id).send().await;
        let response = response.map_err(|error| {
            anyhow!("cannot get the query's status from Athena: {}", why(&error, PERMISSIONS))
        })?;
        response.query_execution.context("Athena returned no such query")
    }

    /// Waits until the query ends; `None` if interrupted.
    async fn watched(
        &self,
        max_bytes: Option<u64>,
        interruption: &Interruption,
    ) -> anyhow::Result<Option<QueryExecution>> {
        let bar = ProgressBar::new_spinner();
        bar.set_style(ProgressStyle::with_template("{spinner} {msg}, {elapsed}")?);
        let mut wait = FIRST_POLL;
        let ended = loop {
            let Some(query) = interruption.unless(self.status()).await else { break None };
            let query = query.with_context(|| self.may_be_running())?;
            let read = query.statistics().map_or(0, read);
            bar.set_message(format!(
                "Athena: {}, {} read",
                state(&query).as_str().to_lowercase(),
                size(read)
            ));
            bar.tick();
            if has_ended(&query) {
                break Some(query);
            }
            if let Some(maximum) = max_bytes.filter(|maximum| read > *maximum) {
                bar.finish_and_clear();
                let stopped =
                    self.stop().await.unwrap_or_else(|error| format!("{error:#}. {}", self.may_be_running()));
                bail!(
                    "the query has read {}, more than --max-bytes {}; query fewer days, or raise the limit. {stopped}",
                    size(read),
                    size(maximum)
                );
            }
            if interruption.unless(tokio::time::sleep(wait)).await.is_none() {
                break None;
            }
            wait = (wait * 3 / 2).min(MAX_POLL);
        };
        bar.finish_and_clear();
        Ok(ended)
    }

    fn may_be_running(&self) -> String {
        format!(
            "It may still be running; stop it with `aws athena stop-query-execution --region {} --query-execution-id {}`",
            self.athena.region, self.id
        )
    }

    /// Stops the query and reports the result.
    async fn stop_for_the_user(&self) {
        say(&format!("Stopping the query {} in Athena; press Ctrl-C again to leave it running", self.id));
        match self.stop().await {
            Ok(message) => say(&message),
            Err(error) => say(&format!("{error:#}. {}", self.may_be_running())),
        }
    }

    /// Stops the query, and waits up to the timeout for it to end.
    async fn stop(&self) -> anyhow::Result<String> {
        let stopped = self.athena.client.stop_query_execution().query_execution_id(&self.id).send().await;
        // Athena refuses to stop a query that has already ended, which is fine.
        let refused =
            stopped.err().map(|error| anyhow!("Athena did not stop the query: {}", why(&error, PERMISSIONS)));
        let ended = async {
            loop {
                match self.status().await {
                    Ok(query) if has_ended(&query) || refused.is_some() => return Some(query),
                    Ok(_) => tokio::time::sleep(FIRST_POLL * 4).await,
                    Err(_) => return None,
                }
            }
        };
        let last = tokio::time::timeout(STOP_TIMEOUT, ended).await.ok().flatten();
        match (last, refused) {
            (Some(query), _) if has_ended(&query) => {
                let summary = query.statistics().map(summary).unwrap_or_default();
                Ok(format!("The query {} is {} in Athena; {summary}", self.id, state(&query).as_str()))
            }
            (_, Some(refused)) => Err(refused),
            (_, None) => {
                Ok(format!("Athena was asked to stop the query {} and has not confirmed it yet", self.id))
            }
        }
    }

    fn ensure_succeeded(
        &self,
        done: &QueryExecution,
        request: &Request,
        limit: Option<u64>,
    ) -> anyhow::Result<()> {
        let state = state(done);
        if state == QueryExecutionState::Succeeded {
            return Ok(());
        }
        let status = done.status();
        let error = status.and_then(|status| status.athena_error()).and_then(|error| error.error_message());
        let reason =
            status.and_then(|status| status.state_change_reason()).or(error).unwrap_or("no reason given");
        let id = &self.id;
        if state == QueryExecutionState::Cancelled && !reason.contains("scanned limit") {
            bail!("query {id} was canceled in Athena, but not by this command: {reason}");
        }
        bail!("Athena could not run {} (query {id}): {}", request.query.name, failure(reason, limit))
    }

    /// Reads the result page by page, until the end or until the table is full.
    async fn read(&self, request: &Request, sheet: &mut Sheet) -> anyhow::Result<()> {
        let mut token = None;
        let mut types: Vec<String> = Vec::new();
        // The first row has the column names.
        let mut names = 1;
        loop {
            let page = self
                .athena
                .client
                .get_query_results()
                .query_execution_id(&self.id)
                .max_results(PAGE_ROWS)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| {
                    anyhow!("the result cannot be read from Athena: {}", why(&error, PERMISSIONS))
                })?;
            let set = page.result_set().context("Athena returned no result set")?;
            if types.is_empty() {
                let columns =
                    set.result_set_metadata().map(ResultSetMetadata::column_info).unwrap_or_default();
                ensure!(!columns.is_empty(), "Athena returned a result without columns");
                types = columns.iter().map(|column| column.r#type().to_owned()).collect();
                let names = columns.iter().map(|column| column.name().to_owned()).collect();
                sheet.begin(&request.description(), names)?;
            }
            for row in set.rows().iter().skip(names) {
                sheet.row(data(row, &types))?;
            }
            if !set.rows().is_empty() {
                names = 0;
            }
            sheet.flush()?;
            token = page.next_token;
            if token.is_none() || sheet.is_full() {
                return Ok(());
            }
        }
    }
}

/// A row's values. Athena omits nulls.
fn data(row: &Row, types: &[String]) -> Vec<Datum> {
    let datum = |(index, engine_type): (usize, &String)| {
        let value = row.data().get(index).and_then(|datum| datum.var_char_value());
        value.map_or(Datum::Nothing, |value| Datum::of(value.to_owned(), engine_type))
    };
    types.iter().enumerate().map(datum).collect()
}

fn state(query: &QueryExecution) -> QueryExecutionState {
    let state = query.status().and_then(|status| status.state());
    state.cloned().unwrap_or(QueryExecutionState::Queued)
}

/// Whether the query has ended. Unknown states count as running.
fn has_ended(query: &QueryExecution) -> bool {
    use QueryExecutionState::{Cancelled, Failed, Succeeded};
    matches!(state(query), Succeeded | Failed | Cancelled)
}

fn read(statistics: &QueryExecutionStatistics) -> u64 {
    u64::try_from(statistics.data_scanned_in_bytes().unwrap_or_default()).unwrap_or_default()
}

fn summary(statistics: &QueryExecutionStatistics) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is shown with one decimal")]
    let seconds = statistics.total_execution_time_in_millis().unwrap_or_default() as f64 / 1000.0;
    format!("Athena read {} in {seconds:.1} s", size(read(statistics)))
}

/// Why a query failed, and what to do.
fn failure(reason: &str, limit: Option<u64>) -> String {
    let has = |parts: &[&str]| parts.iter().any(|part| reason.contains(part));
    let advice = if has(&["scanned limit"]) {
        let limit = limit.map(|limit| format!(", {}", size(limit))).unwrap_or_default();
        format!(
            "; that is the workgroup's limit{limit} (parameter QueryScanLimit): query fewer days, or raise it"
        )
    } else if has(&["TABLE_NOT_FOUND", "COLUMN_NOT_FOUND", "INVALID_VIEW", "cannot be resolved"]) {
        "; the stack's tables and views have a different version from this program: update the stack"
            .to_owned()
    } else if has(&["Access Denied", "AccessDenied", "nsufficient permissions", "not authorized"]) {
        "; docs/queries.md lists the permissions that a query needs".to_owned()
    } else if has(&["exhausted", "Timeout", "timed out", "LIMIT_EXCEEDED"]) {
        "; query fewer days, or use a coarser grain".to_owned()
    } else if has(&["SlowDown", "TooManyRequests", "Throttl", "INTERNAL_ERROR_QUERY_ENGINE"]) {
        "; temporary, retry".to_owned()
    } else {
        String::new()
    };
    format!("{}{advice}", reason.trim_end_matches('.'))
}

/// A size in powers of 1,000, as AWS bills.
fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "it is shown with one decimal")]
    let of = |unit: u64| bytes as f64 / unit as f64;
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{:.1} kB", of(1000)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", of(1_000_000)),
        1_000_000_000..1_000_000_000_000 => format!("{:.1} GB", of(1_000_000_000)),
        _ => format!("{:.1} TB", of(1_000_000_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::{failure, size};

    #[test]
    fn a_failure_says_what_to_do() {
        for (reason, advice) in [
            (
                "Query cancelled! : Bytes scanned limit was exceeded",
                "the workgroup's limit, 20.0 GB (parameter QueryScanLimit)",
            ),
            ("COLUMN_NOT_FOUND: line 3:9: Column 'queued' cannot be resolved", "update the stack"),
            ("Access Denied (Service: Amazon S3; Status Code: 403)", "docs/queries.md"),
            ("Query exhausted resources at this scale factor", "fewer days"),
        ] {
            let message = failure(reason, Some(20_000_000_000));
            assert!(message.starts_with(reason) && message.contains(advice), "{message}");
        }
        assert_eq!(failure("INVALID_CAST_ARGUMENT: x", None), "INVALID_CAST_ARGUMENT: x");
    }

    #[test]
    fn sizes_use_powers_of_1000() {
        let sizes = [0, 999, 1500, 12_345_678, 20_000_000_000, 3_000_000_000_000].map(size);
        assert_eq!(sizes, ["0 B", "999 B", "1.5 kB", "12.3 MB", "20.0 GB", "3.0 TB"]);
    }
}
