//! Lambda: real function binaries, one process per concurrent invocation.
//!
//! A process has only the environment that Lambda gives it, so that no credentials or settings of the user's
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

/// How a function is set up.
#[derive(Clone)]
pub struct FunctionSettings {
    /// Its name, which is also its binary's.
    pub name: &'static str,
    /// The binary.
    pub binary: PathBuf,
    /// Its environment, beside what Lambda sets.
    pub environment: BTreeMap<String, String>,
    /// When an invocation is given up.
    pub timeout: Duration,
    /// What it is told of its memory.
    pub memory_megabytes: u32,
    /// What it signs its requests with.
    pub keys: Keys,
    /// Where its output goes.
    pub log: PathBuf,
    /// Which invocations' processes are killed.
    pub crashes: Option<Crashes>,
}

/// Asked at each invocation: whether its process is killed, and how long after the invocation began.
pub type Crashes = Arc<dyn Fn() -> Option<Duration> + Send + Sync>;

/// Why an invocation has no answer.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The function said that it failed.
    #[error("{error_type}: {error_message}")]
    Failed {
        /// The error's type.
        error_type: String,
        /// The error's message.
        error_message: String,
    },
    /// The process ended.
    #[error("the function's process ended ({0}) before it answered; its log says why")]
    Exited(ExitStatus),
    /// The function took too long.
    #[error("the function did not answer within {0:?}")]
    TimedOut(Duration),
    /// The event or the response is larger than Lambda takes.
    #[error("the {what} of {bytes} bytes is above Lambda's 6 MB")]
    TooLarge {
        /// `event` or `response`
        what: &'static str,
        /// Its size.
        bytes: usize,
    },
    /// As many of it run as may.
    #[error("the function has no room: as many of it run as its reserved concurrency allows")]
    NoRoom,
    /// A process ended before it asked for an invocation; others of the function did.
    #[error("{0}")]
    FailedStart(FailedStart),
    /// No process of the function could be started so far, and none will.
    #[error("{0:#}")]
    NotStarted(anyhow::Error),
}

/// A process that ended before it asked for an invocation: a wrong setting, a missing library.
#[derive(Debug, thiserror::Error)]
#[error("the function {name} ended at its start ({status}): {words}; its log is {}", log.display())]
pub struct FailedStart {
    name: &'static str,
    status: ExitStatus,
    /// The last that it said.
    words: String,
    log: PathBuf,
}

/// What an invoking service needs of a function.
#[async_trait::async_trait]
pub trait Invoke: Send + Sync {
    /// The function's ARN.
    fn arn(&self) -> String;

    /// Invokes it and waits for the answer.
    ///
    /// # Errors
    /// [`InvokeError`]
    async fn invoke(&self, payload: Bytes) -> Result<Bytes, InvokeError>;
}

/// How much of the end of a log is shown of a process that did not start.
const WORDS_LINES: usize = 3;
const WORDS_BYTES: u64 = 4096;

/// A function and its processes.
pub struct Function {
    settings: FunctionSettings,
    idle: Mutex<Vec<Sandbox>>,
    running: AtomicUsize,
    reserved_concurrency: Mutex<Option<usize>>,
    kill: Notify,
    /// Whether any process of it has asked for an invocation.
    has_started: AtomicBool,
}

/// An invocation under way, as long as it is held.
struct Running<'f>(&'f AtomicUsize);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Whether there is such a binary.
///
/// # Errors
/// When there is none.
pub(crate) fn check_binary(binary: &Path, name: &str) -> anyhow::Result<()> {
    ensure!(
        binary.is_file(),
        "function binary {} is missing; build it with `cargo build -p {name}`, or say with --functions where it is",
        binary.display()
    );
    Ok(())
}

impl Function {
    /// Sets the function up; processes start as they are needed.
    ///
    /// # Errors
    /// When there is no such binary.
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

    /// How many of it may run at once, if that is limited.
    #[must_use]
    pub fn reserved_concurrency(&self) -> Option<usize> {
        *self.reserved_concurrency.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Limits how many of it may run at once, or lets all.
    pub fn reserve_concurrency(&self, reserved: Option<usize>) {
        *self.reserved_concurrency.lock().unwrap_or_else(PoisonError::into_inner) = reserved;
    }

    fn begin(&self) -> Result<Running<'_>, InvokeError> {
        let most = self.reserved_concurrency().unwrap_or(usize::MAX);
        let begin = |running| (running < most).then_some(running + 1);
        match self.running.fetch_update(Ordering::AcqRel, Ordering::Acquire, begin) {
            Ok(_) => Ok(Running(&self.running)),
            Err(_) => Err(InvokeError::NoRoom),
        }
    }

    /// Where the function's output goes.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.settings.log
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.settings.name
    }

    /// Kills the processes of all invocations under way, as a crash would.
    pub fn kill_running(&self) {
        self.kill.notify_waiters();
    }

    /// An end before the first invocation is a failed start: retried only if the function could start before.
    fn judged(&self, sandbox: &Sandbox, result: Result<Bytes, InvokeError>) -> Result<Bytes, InvokeError> {
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

    /// Invokes the function in an idle process, or in a new one. After an error the process is gone, unless the function
    /// itself said that it failed.
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
        let result = self.judged(&sandbox, result);
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

/// One process; it is killed when dropped.
struct Sandbox {
    api: RuntimeApi,
    process: Child,
    /// How long the log was when it began.
    log_start: u64,
    /// Whether it ends because it was killed.
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
        let process = Command::new(&settings.binary)
            .env_clear()
            .envs(lambda_environment(settings, &api.address))
            .envs(&settings.environment)
            .stdin(Stdio::null())
            .stdout(output()?)
            .stderr(output()?)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("function binary {} cannot be started", settings.binary.display()))?;
        Ok(Self { api, process, log_start, is_killed: false })
    }

    fn failed_start(&self, settings: &FunctionSettings, status: ExitStatus) -> FailedStart {
        let said = || last_words(&settings.log, self.log_start).ok().filter(|words| !words.is_empty());
        let of_error = |error: FunctionError| format!("{}: {}", error.error_type, error.error_message);
        let words = self.api.init_error().map(of_error).or_else(said);
        let words = words.unwrap_or_else(|| "it said nothing".to_owned());
        FailedStart { name: settings.name, status, words, log: settings.log.clone() }
    }

    async fn kill(&mut self) -> io::Result<ExitStatus> {
        self.is_killed = true;
        // A process that is gone already is what was asked for.
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
                // It is to crash in this invocation, however soon it answers: then the answer is lost.
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

/// The last lines of a log that begin at `start` or later: of a line of JSON, its error.
fn last_words(log: &Path, start: u64) -> io::Result<String> {
    let mut file = File::open(log)?;
    let end = file.metadata()?.len();
    file.seek(SeekFrom::Start(start.max(end.saturating_sub(WORDS_BYTES))))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.drain(..lines.len().saturating_sub(WORDS_LINES));
    Ok(lines.into_iter().map(in_plain_words).collect::<Vec<_>>().join(" | "))
}

fn in_plain_words(line: &str) -> String {
    let json = serde_json::from_str::<serde_json::Value>(line).unwrap_or_default();
    let text = |name: &str| json[name].as_str().or_else(|| json["fields"][name].as_str());
    match (text("message"), text("error")) {
        (Some(message), Some(error)) => format!("{message}: {error}"),
        (Some(message), None) => message.to_owned(),
        _ => line.to_owned(),
    }
}

/// What Lambda sets.
/// Source: Lambda Developer Guide, "Defined runtime environment variables".
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

    /// A function that is a shell script, and where its output goes.
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

    /// Developer Guide, "Configure Lambda function timeout": Lambda stops the invocation.
    #[tokio::test]
    async fn a_function_that_takes_too_long_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let function = script(folder.path(), "echo $$; exec sleep 60");
        let answer = function.invoke(Bytes::from_static(b"{}")).await;
        assert!(matches!(answer, Err(InvokeError::TimedOut(_))), "{answer:?}");
        let process =
            PathBuf::from("/proc").join(fs::read_to_string(folder.path().join("log")).unwrap().trim());
        // The kill is on its way; the script alone would run on for a minute.
        let runs = || fs::read_to_string(process.join("stat")).is_ok_and(|state| !state.contains(" Z "));
        let gone = async {
            while runs() {
                tokio::task::yield_now().await;
            }
        };
        assert!(tokio::time::timeout(Duration::from_secs(10), gone).await.is_ok(), "the process runs on");
    }

    /// A script asks for an invocation with the shell's own means.
    const NEXT: &str = r#"exec 3<>"/dev/tcp/${AWS_LAMBDA_RUNTIME_API%:*}/${AWS_LAMBDA_RUNTIME_API#*:}"
        printf 'GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: localhost\r\n\r\n' >&3
        read -r line <&3"#;

    #[tokio::test]
    async fn a_process_that_ends_in_its_invocation_has_crashed() {
        let folder = tempfile::tempdir().unwrap();
        let answer =
            script(folder.path(), &format!("{NEXT}\nexit 3")).invoke(Bytes::from_static(b"{}")).await;
        assert!(matches!(answer, Err(InvokeError::Exited(status)) if status.code() == Some(3)), "{answer:?}");
    }

    #[tokio::test]
    async fn a_process_that_ends_at_its_start_is_reported_with_its_last_words_and_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let text =
            "echo \"first\"; echo '{\"message\":\"no start\",\"error\":\"SETTING is wrong\"}' >&2; exit 1";
        let answer = script(folder.path(), text).invoke(Bytes::from_static(b"{}")).await;
        let Err(InvokeError::NotStarted(error)) = answer else { panic!("{answer:?}") };
        let sentence = error.to_string();
        let log = folder.path().join("log").display().to_string();
        for part in ["function ended at its start", "exit status: 1", "no start: SETTING is wrong", &log] {
            assert!(sentence.contains(part), "{sentence}");
        }
    }

    /// Custom runtimes say so themselves.
    #[tokio::test]
    async fn an_initialization_error_is_the_reason() {
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
    async fn a_function_that_could_start_before_is_tried_again() {
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
            matches!(&second, Err(InvokeError::FailedStart(failed)) if failed.words == "gone"),
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

    /// Developer Guide, "Defined runtime environment variables", and nothing of the user's.
    #[tokio::test]
    async fn a_process_has_the_environment_that_lambda_sets_and_no_other() {
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

    /// Developer Guide, "Lambda quotas": 6 MB for the event of a synchronous invocation.
    #[tokio::test]
    async fn an_event_above_six_megabytes_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let answer = script(folder.path(), "exit 0").invoke(vec![b' '; PAYLOAD_BYTES + 1].into()).await;
        assert!(matches!(answer, Err(InvokeError::TooLarge { what: "event", .. })), "{answer:?}");
    }
}
