//! Lambda: real function binaries, one process per concurrent invocation.
//!
//! A process has only the environment that Lambda gives it, so that none of the user's credentials or settings
//! reach it. It is killed at its timeout and when the function is dropped.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::body::Bytes;
use tokio::process::{Child, Command};
use tokio::sync::{Notify, oneshot};

use crate::runtime_api::{FunctionError, Invocation, RuntimeApi};
use lambda_io::limits::lambda::PAYLOAD_BYTES;
use served_stack::Keys;
use served_stack::{ACCOUNT, REGION};

/// The settings of a function.
#[derive(Clone)]
pub struct FunctionSettings {
    /// Its name, which is also the name of its binary.
    pub name: &'static str,
    /// The path of the binary.
    pub binary: PathBuf,
    /// Its environment, in addition to the variables that Lambda sets.
    pub environment: BTreeMap<String, String>,
    /// Maximum duration of an invocation.
    pub timeout: Duration,
    /// The memory size in its environment. It is not enforced.
    pub memory_megabytes: u32,
    /// The keys that it signs its requests with.
    pub keys: Keys,
    /// The file for its output.
    pub log: PathBuf,
    /// Fault injection: the invocations whose processes are killed.
    pub crashes: Option<Crashes>,
}

/// Called at each invocation. Returns the delay after which the process is killed, if it is.
pub type Crashes = Arc<dyn Fn() -> Option<Duration> + Send + Sync>;

/// Why an invocation has no response.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The function reported an error.
    #[error("{error_type}: {error_message}")]
    Failed {
        /// The error's type.
        error_type: String,
        /// The error's message.
        error_message: String,
    },
    /// The process exited.
    #[error("the function's process exited ({0}) before it responded; its log says why")]
    Exited(ExitStatus),
    /// The function took too long.
    #[error("the function did not respond within {0:?}")]
    TimedOut(Duration),
    /// The event or the response is larger than Lambda accepts.
    #[error("the {what} has {bytes} bytes and exceeds Lambda's 6 MB")]
    TooLarge {
        /// `event` or `response`
        what: &'static str,
        /// Its size.
        bytes: usize,
    },
    /// The number of running invocations has reached the reserved concurrency.
    #[error("the function is throttled: its reserved concurrency is in use")]
    Throttled,
    /// A process exited before it asked for an invocation, but an earlier process of the function did ask for one.
    #[error("{0}")]
    FailedStart(FailedStart),
    /// No process of the function has ever started, so none will.
    #[error("{0:#}")]
    NotStarted(anyhow::Error),
}

/// A process that exited before it asked for an invocation: a wrong setting, a missing library.
#[derive(Debug, thiserror::Error)]
#[error("the function {name} exited at startup ({status}): {output}; its log is {}", log.display())]
pub struct FailedStart {
    name: &'static str,
    status: ExitStatus,
    /// The last lines of its output.
    output: String,
    log: PathBuf,
}

/// A function as an invoking service sees it.
#[async_trait::async_trait]
pub trait Invoke: Send + Sync {
    /// The function's ARN.
    fn arn(&self) -> String;

    /// Invokes it and waits for the response.
    ///
    /// # Errors
    /// [`InvokeError`]
    async fn invoke(&self, payload: Bytes) -> Result<Bytes, InvokeError>;
}

/// How much of the end of the log is shown if a process did not start.
const OUTPUT_LINES: usize = 3;
const OUTPUT_BYTES: u64 = 4096;

/// How often and after which pause a process is started again while its file is open for writing.
const BUSY_ATTEMPTS: u32 = 100;
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// A function and its processes.
pub struct Function {
    settings: FunctionSettings,
    idle: Mutex<Vec<Sandbox>>,
    running: AtomicUsize,
    reserved_concurrency: Mutex<Option<usize>>,
    kill: Notify,
    /// Whether any of its processes has asked for an invocation.
    has_started: AtomicBool,
}

/// Counts a running invocation until it is dropped.
struct Running<'f>(&'f AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Checks that the binary exists.
///
/// # Errors
/// When it does not.
pub(crate) fn check_binary(binary: &Path, name: &str) -> anyhow::Result<()> {
    ensure!(
        binary.is_file(),
        "function binary {} is missing; build it with `cargo build -p {name}`, or pass its folder with --functions",
        binary.display()
    );
    Ok(())
}

impl Function {
    /// Sets up the function. Its processes start on demand.
    ///
    /// # Errors
    /// When the binary does not exist.
    pub fn new(settings: FunctionSettings) -> anyhow::Result<Self> {
        check_binary(&settings.binary, settings.name)?;
        Ok(Self {
            settings,
            idle: Mutex::default(),
            running: AtomicUsize::new(0),
            reserved_concurrency: Mutex::default(),
            kill: Notify::new(),
            has_started: AtomicBool::new(false),
        })
    }

    /// Maximum number of concurrent invocations, if limited.
    #[must_use]
    pub fn reserved_concurrency(&self) -> Option<usize> {
        *self.reserved_concurrency.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Limits the number of concurrent invocations, or removes the limit.
    pub fn reserve_concurrency(&self, reserved: Option<usize>) {
        *self.reserved_concurrency.lock().unwrap_or_else(PoisonError::into_inner) = reserved;
    }

    fn begin(&self) -> Result<Running<'_>, InvokeError> {
        let limit = self.reserved_concurrency().unwrap_or(usize::MAX);
        let begin = |running| (running < limit).then_some(running + 1);
        match self.running.fetch_update(Ordering::AcqRel, Ordering::Acquire, begin) {
            Ok(_) => Ok(Running(&self.running)),
            Err(_) => Err(InvokeError::Throttled),
        }
    }

    /// The file for the function's output.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.settings.log
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.settings.name
    }

    /// Kills the processes of all running invocations, as a crash would.
    pub fn kill_running(&self) {
        self.kill.notify_waiters();
    }

    /// Turns an exit before the first invocation into a failed start, which is retried only if the function has started
    /// before.
    fn classified(
        &self,
        sandbox: &Sandbox,
        result: Result<Bytes, InvokeError>,
    ) -> Result<Bytes, InvokeError> {
        if sandbox.api.is_initialized() {
            self.has_started.store(true, Ordering::Relaxed);
            return result;
        }
        match result {
            Err(InvokeError::Exited(status)) if !sandbox.is_killed => {
                let failed = sandbox.failed_start(&self.settings, status);
                if self.has_started.load(Ordering::Relaxed) {
                    Err(InvokeError::FailedStart(failed))
                } else {
                    Err(InvokeError::NotStarted(failed.into()))
                }
            }
            result => result,
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Sandbox>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait::async_trait]
impl Invoke for Function {
    fn arn(&self) -> String {
        format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", self.settings.name)
    }

    /// Invokes the function in an idle process, or in a new one. After an error the process is discarded, unless the
    /// function itself reported the error.
    async fn invoke(&self, payload: Bytes) -> Result<Bytes, InvokeError> {
        if payload.len() > PAYLOAD_BYTES {
            return Err(InvokeError::TooLarge { what: "event", bytes: payload.len() });
        }
        let _running = self.begin()?;
        let idle = self.idle().pop();
        let mut sandbox = match idle {
            Some(sandbox) => sandbox,
            None => Sandbox::start(&self.settings, self.arn()).await.map_err(InvokeError::NotStarted)?,
        };
        let crash_after = self.settings.crashes.as_ref().and_then(|crashes| crashes());
        let result = sandbox.invoke(payload, self.settings.timeout, &self.kill, crash_after).await;
        let result = self.classified(&sandbox, result);
        if let Ok(_) | Err(InvokeError::Failed { .. }) = result {
            self.idle().push(sandbox);
        }
        match result? {
            response if response.len() > PAYLOAD_BYTES => {
                Err(InvokeError::TooLarge { what: "response", bytes: response.len() })
            }
            response => Ok(response),
        }
    }
}

/// One process. Dropping it kills it.
struct Sandbox {
    api: RuntimeApi,
    process: Child,
    /// The length of the log when the process started.
    log_start: u64,
    /// Whether we killed it.
    is_killed: bool,
}

impl Sandbox {
    async fn start(settings: &FunctionSettings, arn: String) -> anyhow::Result<Self> {
        let api = RuntimeApi::start(arn).await?;
        let output = || -> anyhow::Result<File> {
            let file = OpenOptions::new().create(true).append(true).open(&settings.log);
            file.with_context(|| format!("log file {} cannot be written", settings.log.display()))
        };
        let log_start = settings.log.metadata().map_or(0, |log| log.len());
        let mut attempts = 0;
        let process = loop {
            let process = Command::new(&settings.binary)
                .env_clear()
                .envs(lambda_environment(settings, &api.address))
                .envs(&settings.environment)
                .stdin(Stdio::null())
                .stdout(output()?)
                .stderr(output()?)
                .kill_on_drop(true)
                .spawn();
            match process {
                // A build may be writing the file. A process that another thread has just forked also holds, until it
                // calls exec, every file that was open for writing.
                Err(error)
                    if error.kind() == io::ErrorKind::ExecutableFileBusy && attempts < BUSY_ATTEMPTS =>
                {
                    attempts += 1;
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                process => break process,
            }
        };
        let process = process
            .with_context(|| format!("function binary {} cannot be started", settings.binary.display()))?;
        Ok(Self { api, process, log_start, is_killed: false })
    }

    fn failed_start(&self, settings: &FunctionSettings, status: ExitStatus) -> FailedStart {
        let logged = || last_lines(&settings.log, self.log_start).ok().filter(|lines| !lines.is_empty());
        let of_error = |error: FunctionError| format!("{}: {}", error.error_type, error.error_message);
        let output = self.api.init_error().map(of_error).or_else(logged);
        let output = output.unwrap_or_else(|| "it printed nothing".to_owned());
        FailedStart { name: settings.name, status, output, log: settings.log.clone() }
    }

    async fn kill(&mut self) -> io::Result<ExitStatus> {
        self.is_killed = true;
        // If the process has already exited, there is nothing to kill.
        let _ = self.process.start_kill();
        self.process.wait().await
    }

    async fn invoke(
        &mut self,
        payload: Bytes,
        timeout: Duration,
        kill: &Notify,
        crash_after: Option<Duration>,
    ) -> Result<Bytes, InvokeError> {
        let killed = async {
            match crash_after {
                None => kill.notified().await,
                Some(pause) => tokio::time::sleep(pause).await,
            }
        };
        let (answer, answered) = oneshot::channel();
        let request_id = uuid::Uuid::new_v4().to_string();
        // The channel holds one invocation, and this process has no other.
        let _ = self.api.invocations.try_send(Invocation { request_id, payload, timeout, answer });
        let exited = |status: io::Result<ExitStatus>| match status {
            Ok(status) => Err(InvokeError::Exited(status)),
            Err(error) => Err(InvokeError::NotStarted(error.into())),
        };
        tokio::select! {
            answer = answered => match answer {
                // The process must crash in this invocation even if it answers first; its answer is lost.
                _ if crash_after.is_some() => exited(self.kill().await),
                Ok(Ok(response)) => Ok(response),
                Ok(Err(error)) => Err(InvokeError::Failed { error_type: error.error_type, error_message: error.error_message }),
                Err(_) => Err(InvokeError::NotStarted(anyhow::anyhow!("the Runtime API ended"))),
            },
            status = self.process.wait() => exited(status),
            () = killed => exited(self.kill().await),
            () = tokio::time::sleep(timeout) => Err(InvokeError::TimedOut(timeout)),
        }
    }
}

/// The last lines of a log from offset `start` on. A JSON line is reduced to its message and error.
fn last_lines(log: &Path, start: u64) -> io::Result<String> {
    let mut file = File::open(log)?;
    let end = file.metadata()?.len();
    file.seek(SeekFrom::Start(start.max(end.saturating_sub(OUTPUT_BYTES))))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.drain(..lines.len().saturating_sub(OUTPUT_LINES));
    Ok(lines.into_iter().map(without_json).collect::<Vec<_>>().join(" | "))
}

fn without_json(line: &str) -> String {
    let json = serde_json::from_str::<serde_json::Value>(line).unwrap_or_default();
    let text = |name: &str| json[name].as_str().or_else(|| json["fields"][name].as_str());
    match (text("message"), text("error")) {
        (Some(message), Some(error)) => format!("{message}: {error}"),
        (Some(message), None) => message.to_owned(),
        _ => line.to_owned(),
    }
}

/// The environment variables that Lambda sets.
/// Source: [Defined runtime environment variables](https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime).
fn lambda_environment(settings: &FunctionSettings, runtime_api: &str) -> [(&'static str, String); 13] {
    [
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_owned()),
        ("AWS_LAMBDA_FUNCTION_NAME", settings.name.to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", settings.memory_megabytes.to_string()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", settings.name)),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local".to_owned()),
        ("AWS_LAMBDA_LOG_FORMAT", "JSON".to_owned()),
        ("AWS_LAMBDA_LOG_LEVEL", "info".to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", settings.keys.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", settings.keys.secret_access_key.clone()),
        ("TZ", ":UTC".to_owned()),
        ("_HANDLER", "bootstrap".to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    /// A function that is a shell script. Its output goes to `log` in the folder.
    fn script(folder: &Path, text: &str) -> Function {
        let binary = folder.join("function");
        fs::write(&binary, format!("#!/bin/bash\n{text}\n")).unwrap();
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).unwrap();
        Function::new(FunctionSettings {
            name: "function",
            binary,
            environment: BTreeMap::from([("OWN".to_owned(), "setting".to_owned())]),
            timeout: Duration::from_millis(300),
            memory_megabytes: 256,
            keys: Keys::random(),
            log: folder.join("log"),
            crashes: None,
        })
        .unwrap()
    }

    /// [Configure Lambda function timeout](https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html): Lambda stops
    /// the invocation.
    #[tokio::test]
    async fn a_function_that_takes_too_long_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let function = script(folder.path(), "echo $$; exec sleep 60");
        let answer = function.invoke(Bytes::from_static(b"{}")).await;
        assert!(matches!(answer, Err(InvokeError::TimedOut(_))), "{answer:?}");
        let process =
            PathBuf::from("/proc").join(fs::read_to_string(folder.path().join("log")).unwrap().trim());
        // The kill takes a moment. Without it, the script would run for a minute.
        let runs = || fs::read_to_string(process.join("stat")).is_ok_and(|state| !state.contains(" Z "));
        let gone = async {
            while runs() {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(10), gone).await.is_ok(), "the process still runs");
    }

    /// Asks for an invocation from a shell script.
    const NEXT: &str = r#"exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
        printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: localhost\r\n\r\n' >&3
        read -r line <&3"#;

    #[tokio::test]
    async fn a_process_that_exits_during_an_invocation_has_crashed() {
        let folder = tempfile::tempdir().unwrap();
        let answer =
            script(folder.path(), &format!("{NEXT}\nexit 3")).invoke(Bytes::from_static(b"{}")).await;
        assert!(matches!(answer, Err(InvokeError::Exited(status)) if status.code() == Some(3)), "{answer:?}");
    }

    #[tokio::test]
    async fn a_process_that_exits_at_startup_is_reported_with_its_last_output_and_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let text =
            "echo \"first\"; echo '{\"message\":\"no start\",\"error\":\"SETTING is wrong\"}' >&2; exit 1";
        let answer = script(folder.path(), text).invoke(Bytes::from_static(b"{}")).await;
        let Err(InvokeError::NotStarted(error)) = answer else { panic!("{answer:?}") };
        let message = error.to_string();
        let log = folder.path().join("log").display().to_string();
        for part in ["function exited at startup", "exit status: 1", "no start: SETTING is wrong", &log] {
            assert!(message.contains(part), "{message}");
        }
    }

    /// Custom runtimes report such errors to the Runtime API.
    #[tokio::test]
    async fn an_initialization_error_is_reported_as_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let error = r#"{"errorType":"Runtime.NoLibrary","errorMessage":"libx.so is missing"}"#;
        let post = NEXT
            .replace("GET /2018-06-01/runtime/invocation/next", "POST /2018-06-01/runtime/init/error")
            .replace(
                "Host: localhost\\r\\n\\r\\n",
                &format!("Host: localhost\\r\\nContent-Length: {}\\r\\n\\r\\n{error}", error.len()),
            );
        let answer =
            script(folder.path(), &format!("{post}\nexit 1")).invoke(Bytes::from_static(b"{}")).await;
        let Err(InvokeError::NotStarted(error)) = answer else { panic!("{answer:?}") };
        assert!(error.to_string().contains("Runtime.NoLibrary: libx.so is missing"), "{error}");
    }

    #[tokio::test]
    async fn a_failed_start_is_retried_if_the_function_has_started_before() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "if [ -e {0} ]; then echo gone >&2; exit 1; fi; touch {0}\n{NEXT}\nexit 3",
            folder.path().join("second").display()
        );
        let function = script(folder.path(), &text);
        let first = function.invoke(Bytes::from_static(b"{}")).await;
        assert!(matches!(first, Err(InvokeError::Exited(_))), "{first:?}");
        let second = function.invoke(Bytes::from_static(b"{}")).await;
        assert!(
            matches!(&second, Err(InvokeError::FailedStart(failed)) if failed.output == "gone"),
            "{second:?}"
        );
    }

    #[tokio::test]
    async fn a_process_that_is_killed_before_it_starts_has_crashed() {
        let folder = tempfile::tempdir().unwrap();
        let mut function = script(folder.path(), "exec sleep 60");
        function.settings.crashes = Some(Arc::new(|| Some(Duration::ZERO)));
        let answer = function.invoke(Bytes::from_static(b"{}")).await;
        assert!(matches!(answer, Err(InvokeError::Exited(_))), "{answer:?}");
    }

    /// [Defined runtime environment variables](https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime).
    /// Nothing is inherited from the user.
    #[tokio::test]
    async fn a_process_has_only_the_environment_that_lambda_and_its_settings_give_it() {
        let folder = tempfile::tempdir().unwrap();
        let function = script(folder.path(), "/usr/bin/env");
        assert!(function.invoke(Bytes::from_static(b"{}")).await.is_err());
        let log = fs::read_to_string(folder.path().join("log")).unwrap();
        let names: Vec<_> = log.lines().filter_map(|line| line.split('=').next()).collect();
        let is_known = |name: &&&str| {
            ["AWS_", "_HANDLER", "TZ", "OWN", "PWD", "SHLVL", "_"].iter().any(|known| name.starts_with(known))
        };
        assert_eq!(names.iter().find(|name| !is_known(name)), None);
        for line in ["OWN=setting", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_REGION=eu-west-2"] {
            assert!(log.lines().any(|logged| logged == line), "{line}");
        }
        assert!(log.contains("AWS_LAMBDA_RUNTIME_API=127.0.0.1:"));
    }

    /// [Lambda quotas](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html): 6 MB for the event of a
    /// synchronous invocation.
    #[tokio::test]
    async fn an_event_above_six_megabytes_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let answer = script(folder.path(), "exit 0").invoke(vec![b' '; PAYLOAD_BYTES + 1].into()).await;
        assert!(matches!(answer, Err(InvokeError::TooLarge { what: "event", .. })), "{answer:?}");
    }
}
