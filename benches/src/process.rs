//! Runs a function as Lambda does: in its own process, which polls the Runtime API.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A function's binary and environment.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// The measurements of one run.
pub(crate) struct Run {
    /// From the start of the process to its first `/next`.
    pub(crate) to_first_next: Duration,
    /// From the start of the process to the first response.
    pub(crate) to_first_response: Duration,
    /// Resident memory at the first `/next`.
    pub(crate) idle_bytes: usize,
    /// Peak memory until the response.
    pub(crate) peak_bytes: usize,
}

impl Program {
    pub(crate) fn path(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release").join(self.name)
    }

    /// Starts the program, sends it one event, and stops it.
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    pub(crate) fn run(&self, event: &[u8], share: Option<&CpuShare>) -> Run {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let begin = Instant::now();
        let mut child = self.start(&listener, share);
        let (mut connection, _) = listener.accept().unwrap();
        let mut requests = BufReader::new(connection.try_clone().unwrap());
        let (head, _) = request(&mut requests);
        assert!(head.starts_with("GET") && head.contains("/invocation/next"), "{}: {head}", self.name);
        let to_first_next = begin.elapsed();
        let idle_bytes = memory(&child, "VmRSS");
        answer_with(&mut connection, event);
        let (head, body) = request(&mut requests);
        let to_first_response = begin.elapsed();
        assert!(head.contains("/response"), "{}: {head} {}", self.name, String::from_utf8_lossy(&body));
        let peak_bytes = memory(&child, "VmHWM");
        child.kill().unwrap();
        child.wait().unwrap();
        Run { to_first_next, to_first_response, idle_bytes, peak_bytes }
    }

    fn start(&self, listener: &TcpListener, share: Option<&CpuShare>) -> Child {
        let mut command = match share {
            None => Command::new(self.path()),
            // The shell joins the cgroup before it becomes the function, so that the limit covers the whole start.
            Some(share) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", "echo $$ > \"$0\" && exec \"$1\""]);
                shell.arg(share.folder.join("cgroup.procs")).arg(self.path());
                shell
            }
        };
        command
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", listener.local_addr().unwrap().to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", self.name)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "group")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
            .env("AWS_REGION", "eu-west-2")
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .envs(self.environment.iter().map(|(name, value)| (*name, value.as_str())))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command.spawn().unwrap_or_else(|error| panic!("{}: {error}; `make bench` builds it", self.name))
    }
}

/// Reads one HTTP request: head and body.
fn request(requests: &mut BufReader<TcpStream>) -> (String, Vec<u8>) {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let read = requests.read_line(&mut head).unwrap();
        assert!(read > 0, "the function ended: {head}");
    }
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().unwrap())
    });
    let mut body = vec![0; length.unwrap_or_default()];
    requests.read_exact(&mut body).unwrap();
    (head, body)
}

fn answer_with(connection: &mut TcpStream, event: &[u8]) {
    let head = format!(
        "HTTP/1.1 200 OK\r\nlambda-runtime-aws-request-id: 1\r\nlambda-runtime-deadline-ms: 4102444800000\r\n\
         lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-west-2:111122223333:function:f\r\n\
         lambda-runtime-trace-id: Root=1-5759e988-bd862e3fe1be46a994272793\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        event.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    connection.write_all(event).unwrap();
}

/// A memory figure from `/proc/<pid>/status`, in bytes.
fn memory(child: &Child, name: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches([':', ' ', '\t']).trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// A cgroup with part of a core: Lambda gives a function CPU in proportion to its memory, one core at 1,769 MB.
/// Source: [Configure Lambda function memory](https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html).
pub(crate) struct CpuShare {
    folder: PathBuf,
}

impl CpuShare {
    /// `None` if this user may not create cgroups.
    pub(crate) fn of_megabytes(megabytes: usize) -> Option<Self> {
        const MICROSECONDS: usize = 20_000;
        let quota = MICROSECONDS * megabytes / 1769;
        let name = format!("contact-ledger-{}", std::process::id());
        let first = Path::new("/sys/fs/cgroup/cpu").join(&name);
        let second = Path::new("/sys/fs/cgroup").join(&name);
        let group = |folder: PathBuf, limits: &[(&str, String)]| {
            std::fs::create_dir(&folder).ok()?;
            let share = Self { folder };
            let is_set =
                |(file, value): &(&str, String)| std::fs::write(share.folder.join(file), value).is_ok();
            limits.iter().all(is_set).then_some(share)
        };
        let version_1 =
            [("cpu.cfs_period_us", MICROSECONDS.to_string()), ("cpu.cfs_quota_us", quota.to_string())];
        let version_2 = [("cpu.max", format!("{quota} {MICROSECONDS}"))];
        group(first, &version_1).or_else(|| group(second, &version_2))
    }
}

impl Drop for CpuShare {
    fn drop(&mut self) {
        // The kernel keeps a cgroup until its last process has exited.
        let _ = std::fs::remove_dir(&self.folder);
    }
}
