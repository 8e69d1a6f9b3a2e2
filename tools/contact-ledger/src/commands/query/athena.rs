//! A query on Athena, in the workgroup of the stack.
//!
//! Source: Amazon Athena API Reference: `StartQueryExecution`, `GetQueryExecution`, `GetQueryResults`, `StopQueryExecution`,
//! `GetWorkGroup`.

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

/// Athena allows few requests a second to an account; who asks in a busy one waits.
const ATTEMPTS: u32 = 5;
const FIRST_LOOK: Duration = Duration::from_millis(150);
const LAST_LOOK: Duration = Duration::from_secs(2);
/// For what is only nice to know.
const LIMIT_TIMEOUT: Duration = Duration::from_secs(5);
/// For a query to end that was asked to.
const PATIENCE: Duration = Duration::from_secs(30);
const ROWS_IN_A_PAGE: i32 = 1000;
const RIGHTS: &str = "athena:StartQueryExecution, athena:GetQueryExecution, athena:GetQueryResults and athena:StopQueryExecution on the workgroup";

/// Asks; answers with what it took. `None` if the user interrupted it.
pub(super) async fn ask(
    connection: &Connection,
    request: &Request,
    max_bytes: Option<u64>,
    interruption: &Interruption,
    sheet: &mut Sheet,
) -> anyhow::Result<Option<String>> {
    let athena = Athena::of(connection, request)?;
    let Some(id) = athena.started(request, interruption).await? else { return Ok(None) };
    let query = Query { id, athena: &athena };
    // The limit is only shown: nobody waits for it.
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
    let said = [done.statistics().map(told), limit].into_iter().flatten().collect::<Vec<_>>().join("; ");
    Ok(Some(said))
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
                format!("stack {stack} has no tables for Athena; deploy it with LakeTables=true to ask it")
            })
        };
        let (workgroup, database) = (part("WorkGroup")?, part("Database")?);
        if reads_the_archive(request.query.name) && !resources.contains_key("AgentIntervalsView") {
            bail!(
                "{} needs agent events as they came, and stack {stack} keeps none; deploy it with AgentEventArchive=true to have them from then on",
                request.query.name
            );
        }
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let client = Client::from_conf(Builder::from(connection.config()).retry_config(retries).build());
        Ok(Self { client, region: connection.region(), workgroup, database })
    }

    /// Bytes at which the workgroup stops a query. Who may not see it, or does not see it at once, does without.
    async fn limit(&self) -> Option<u64> {
        let once = Builder::new()
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::builder().operation_timeout(LIMIT_TIMEOUT).build());
        let asked = self.client.get_work_group().work_group(&self.workgroup);
        let group = asked.customize().config_override(once).send().await.ok()?;
        let limit = group.work_group()?.configuration()?.bytes_scanned_cutoff_per_query()?;
        u64::try_from(limit).ok()
    }

    /// Starts the query. Who interrupts it meanwhile waits for the id, by which it is stopped.
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
                say("Stopping the query as soon as Athena has returned its id; press Ctrl-C again to leave it running");
                tokio::time::timeout(PATIENCE, start).await
            }
        };
        match id {
            Ok(Ok(id)) => Query { id, athena: self }.stop_for_the_user().await,
            // It may have been taken; a refusal says that it was not.
            Ok(Err(error)) => say(&error.to_string()),
            Err(_) => say(&self.may_run()),
        }
        Ok(None)
    }

    fn may_run(&self) -> String {
        format!(
            "the query may be running: Athena did not say whether it accepted it; check the history of workgroup {}",
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
                Some(_) => anyhow!("Athena rejected the query: {}", why(&error, RIGHTS)),
                None => anyhow!("{}: {}", self.may_run(), why(&error, RIGHTS)),
            })?;
        started.query_execution_id.with_context(|| self.may_run())
    }
}

/// A query at Athena.
struct Query<'a> {
    id: String,
    athena: &'a Athena,
}

impl Query<'_> {
    async fn look(&self) -> anyhow::Result<QueryExecution> {
        let looked = self.athena.client.get_query_execution().query_execution_id(&self.id).send().await;
        let looked = looked
            .map_err(|error| anyhow!("cannot get the query's status from Athena: {}", why(&error, RIGHTS)))?;
        looked.query_execution.context("Athena knows no such query")
    }

    /// The query at its end; `None` if the user asks before.
    async fn watched(
        &self,
        max_bytes: Option<u64>,
        interruption: &Interruption,
    ) -> anyhow::Result<Option<QueryExecution>> {
        let bar = ProgressBar::new_spinner();
        bar.set_style(ProgressStyle::with_template("{spinner} {msg}, {elapsed}")?);
        let mut wait = FIRST_LOOK;
        let ended = loop {
            let Some(query) = interruption.unless(self.look()).await else { break None };
            let query = query.with_context(|| self.may_go_on())?;
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
            if let Some(most) = max_bytes.filter(|most| read > *most) {
                bar.finish_and_clear();
                let stopped =
                    self.stop().await.unwrap_or_else(|error| format!("{error:#}. {}", self.may_go_on()));
                bail!(
                    "the query has read {}, more than --max-bytes {}; ask for fewer days, or allow more. {stopped}",
                    size(read),
                    size(most)
                );
            }
            if interruption.unless(tokio::time::sleep(wait)).await.is_none() {
                break None;
            }
            wait = (wait * 3 / 2).min(LAST_LOOK);
        };
        bar.finish_and_clear();
        Ok(ended)
    }

    fn may_go_on(&self) -> String {
        format!(
            "It may still be running; stop it with `aws athena stop-query-execution --region {} --query-execution-id {}`",
            self.athena.region, self.id
        )
    }

    /// Stops it, and says what became of it.
    async fn stop_for_the_user(&self) {
        say(&format!("Stopping the query {} at Athena; press Ctrl-C again to leave it running", self.id));
        match self.stop().await {
            Ok(said) => say(&said),
            Err(error) => say(&format!("{error:#}. {}", self.may_go_on())),
        }
    }

    /// Stops it, and waits for a while until it has.
    async fn stop(&self) -> anyhow::Result<String> {
        let stopped = self.athena.client.stop_query_execution().query_execution_id(&self.id).send().await;
        // One that has ended meanwhile cannot be stopped, and need not be.
        let refused =
            stopped.err().map(|error| anyhow!("Athena did not stop the query: {}", why(&error, RIGHTS)));
        let ended = async {
            loop {
                match self.look().await {
                    Ok(query) if has_ended(&query) || refused.is_some() => return Some(query),
                    Ok(_) => tokio::time::sleep(FIRST_LOOK * 4).await,
                    Err(_) => return None,
                }
            }
        };
        let looked = tokio::time::timeout(PATIENCE, ended).await.ok().flatten();
        match (looked, refused) {
            (Some(query), _) if has_ended(&query) => {
                let told = query.statistics().map(told).unwrap_or_default();
                Ok(format!("The query {} is {} at Athena; {told}", self.id, state(&query).as_str()))
            }
            (_, Some(refused)) => Err(refused),
            (_, None) => {
                Ok(format!("Athena was asked to stop the query {}, and has not confirmed it yet", self.id))
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
            bail!("the query {id} was canceled in Athena, not by this command: {reason}");
        }
        bail!("Athena could not answer {} (query {id}): {}", request.query.name, failure(reason, limit))
    }

    /// Page by page, until there is no more, or no more is needed.
    async fn read(&self, request: &Request, sheet: &mut Sheet) -> anyhow::Result<()> {
        let mut token = None;
        let mut types: Vec<String> = Vec::new();
        // The first row of all is the names of the columns.
        let mut names = 1;
        loop {
            let page = self
                .athena
                .client
                .get_query_results()
                .query_execution_id(&self.id)
                .max_results(ROWS_IN_A_PAGE)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| anyhow!("the answer cannot be read from Athena: {}", why(&error, RIGHTS)))?;
            let set = page.result_set().context("Athena answers without a result")?;
            if types.is_empty() {
                let columns =
                    set.result_set_metadata().map(ResultSetMetadata::column_info).unwrap_or_default();
                ensure!(!columns.is_empty(), "Athena answers without saying which columns there are");
                types = columns.iter().map(|column| column.r#type().to_owned()).collect();
                let names = columns.iter().map(|column| column.name().to_owned()).collect();
                sheet.begin(&request.told(), names)?;
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

/// Athena leaves out the value of what is null.
fn data(row: &Row, types: &[String]) -> Vec<Datum> {
    let datum = |(place, engine_type): (usize, &String)| {
        let value = row.data().get(place).and_then(|datum| datum.var_char_value());
        value.map_or(Datum::Nothing, |value| Datum::of(value.to_owned(), engine_type))
    };
    types.iter().enumerate().map(datum).collect()
}

fn state(query: &QueryExecution) -> QueryExecutionState {
    let state = query.status().and_then(|status| status.state());
    state.cloned().unwrap_or(QueryExecutionState::Queued)
}

/// A state that is not known is one on the way.
fn has_ended(query: &QueryExecution) -> bool {
    use QueryExecutionState::{Cancelled, Failed, Succeeded};
    matches!(state(query), Succeeded | Failed | Cancelled)
}

fn read(statistics: &QueryExecutionStatistics) -> u64 {
    u64::try_from(statistics.data_scanned_in_bytes().unwrap_or_default()).unwrap_or_default()
}

fn told(statistics: &QueryExecutionStatistics) -> String {
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
            "; that is the workgroup's limit{limit} (parameter QueryScanLimit): ask for fewer days, or raise it"
        )
    } else if has(&["TABLE_NOT_FOUND", "COLUMN_NOT_FOUND", "INVALID_VIEW", "cannot be resolved"]) {
        "; the stack's tables and views are of another version than this program: update the stack".to_owned()
    } else if has(&["Access Denied", "AccessDenied", "nsufficient permissions", "not authorized"]) {
        "; docs/queries.md lists the permissions that a query needs".to_owned()
    } else if has(&["exhausted", "Timeout", "timed out", "LIMIT_EXCEEDED"]) {
        "; ask for fewer days, or a coarser grain".to_owned()
    } else if has(&["SlowDown", "TooManyRequests", "Throttl", "INTERNAL_ERROR_QUERY_ENGINE"]) {
        "; temporary, retry".to_owned()
    } else {
        String::new()
    };
    format!("{}{advice}", reason.trim_end_matches('.'))
}

/// By thousands, as AWS bills.
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
            let said = failure(reason, Some(20_000_000_000));
            assert!(said.starts_with(reason) && said.contains(advice), "{said}");
        }
        assert_eq!(failure("INVALID_CAST_ARGUMENT: x", None), "INVALID_CAST_ARGUMENT: x");
    }

    #[test]
    fn sizes_are_those_of_the_bill() {
        let told = [0, 999, 1500, 12_345_678, 20_000_000_000, 3_000_000_000_000].map(size);
        assert_eq!(told, ["0 B", "999 B", "1.5 kB", "12.3 MB", "20.0 GB", "3.0 TB"]);
    }
}
