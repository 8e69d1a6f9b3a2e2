//! Credentials and Region are selected as in the AWS CLI. A stand-in for AWS records the access key and the Region
//! with which each request is signed.
//!
//! Source: AWS CLI User Guide,
//! [Configuration and credentials precedence](https://docs.aws.amazon.com/cli/latest/userguide/cli-chap-configure.html#configure-precedence),
//! [Sourcing credentials with an external process](https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-sourcing-external.html),
//! [Using an IAM role](https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-role.html);
//! [IAM Identity Center credential provider](https://docs.aws.amazon.com/sdkref/latest/guide/feature-sso-credentials.html)
//! (AWS SDKs and Tools Reference Guide).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use ledger_tests::functions_folder;

/// Answers every request, and records `<access key>/<Region>/<service>` of each.
struct Aws {
    url: String,
    signed: Arc<Mutex<Vec<String>>>,
}

impl Aws {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let signed = Arc::new(Mutex::new(Vec::new()));
        let notes = signed.clone();
        // The thread ends with the test's process.
        std::thread::spawn(move || listener.incoming().flatten().for_each(|socket| answer(socket, &notes)));
        Self { url, signed }
    }
}

fn answer(mut socket: TcpStream, notes: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(socket.try_clone().unwrap());
    let (mut request, mut length, mut scope) = (String::new(), 0, None);
    if reader.read_line(&mut request).unwrap_or(0) == 0 {
        return;
    }
    for line in reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().unwrap_or(0),
            "authorization" => {
                let credential = value.split("Credential=").nth(1).unwrap_or_default();
                let parts: Vec<_> = credential.split(['/', ',']).map(str::to_owned).collect();
                scope = Some(format!("{}/{}/{}", parts[0], parts[2], parts[3]));
            }
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8_lossy(&body).into_owned();
    let (status, answer) = if body.contains("Action=AssumeRole") {
        ("200 OK", assumed("ASIAROLE"))
    } else if request.contains("/federation/credentials") {
        ("200 OK", r#"{"roleCredentials":{"accessKeyId":"ASIASSO","secretAccessKey":"s","sessionToken":"t","expiration":99999999999999}}"#.to_owned())
    } else {
        ("400 Bad Request", "<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with id ledger does not exist</Message></Error></ErrorResponse>".to_owned())
    };
    notes.lock().unwrap().extend(scope);
    let kind = if answer.starts_with('{') { "application/json" } else { "text/xml" };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        answer.len()
    );
    socket.write_all((head + &answer).as_bytes()).unwrap();
}

fn assumed(key: &str) -> String {
    format!(
        "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )
}

const CONFIG: &str = r#"
[default]
region = eu-west-1
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = s
[profile other]
region = us-west-2
aws_access_key_id = AKIAOTHER
aws_secret_access_key = s
[profile role]
region = us-west-2
role_arn = arn:aws:iam::111122223333:role/operator
source_profile = other
[profile wanderer]
role_arn = arn:aws:iam::111122223333:role/operator
source_profile = noregion
[profile process]
region = ap-southeast-2
credential_process = /bin/echo '{"Version":1,"AccessKeyId":"AKIAPROCESS","SecretAccessKey":"s"}'
[profile sso]
region = eu-west-1
sso_session = desk
sso_account_id = 111122223333
sso_role_name = operator
[sso-session desk]
sso_region = eu-west-1
sso_start_url = https://example.awsapps.com/start
sso_registration_scopes = sso:account:access
[profile noregion]
aws_access_key_id = AKIANOREGION
aws_secret_access_key = s
[profile empty]
region = eu-west-1
"#;

/// The name of a token's file in the cache: the SHA-1 of the session's name, `desk`.
const DESK: &str = "46e7cfa080913f4dae18d802d041de7d664b10e2";

struct Home {
    folder: tempfile::TempDir,
    aws: Aws,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".aws/sso/cache")).unwrap();
        fs::write(folder.path().join(".aws/config"), CONFIG).unwrap();
        Self { folder, aws: Aws::start() }
    }

    fn run(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        self.aws.signed.lock().unwrap().clear();
        let mut command = Command::new(functions_folder().join("contact-ledger"));
        command.args(arguments).env_clear().env("HOME", self.folder.path());
        command.env("AWS_ENDPOINT_URL", &self.aws.url).env("AWS_EC2_METADATA_DISABLED", "true");
        command.envs(environment.iter().copied()).output().unwrap()
    }

    /// The access key and the Region of the request to CloudFormation.
    fn signed_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> String {
        let output = self.run(&[&["agents", "--stack", "ledger"], arguments].concat(), environment);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains("there is no stack ledger in this account and Region"), "{error}");
        let signed = self.aws.signed.lock().unwrap();
        let scope = signed.iter().find_map(|scope| scope.strip_suffix("/cloudformation"));
        scope.unwrap_or_else(|| panic!("{signed:?}")).to_owned()
    }

    fn refused(&self, arguments: &[&str], environment: &[(&str, &str)]) -> String {
        let output = self.run(&[&["agents", "--stack", "ledger"], arguments].concat(), environment);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.starts_with("error: ") && error.lines().count() == 1, "{error}");
        assert!(!self.aws.signed.lock().unwrap().iter().any(|scope| scope.ends_with("/cloudformation")));
        error
    }
}

/// The environment of a shell with credentials of another account.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT"),
    ("AWS_SECRET_ACCESS_KEY", "s"),
    ("AWS_REGION", "ca-central-1"),
];

#[test]
fn a_given_profile_and_its_region_take_precedence_over_the_environment() {
    let home = Home::new();
    assert_eq!(home.signed_with(&[], &ENVIRONMENT), "AKIAENVIRONMENT/ca-central-1");
    assert_eq!(home.signed_with(&["--profile", "other"], &ENVIRONMENT), "AKIAOTHER/us-west-2");
    assert_eq!(
        home.signed_with(&["--profile", "other", "--region", "eu-south-1"], &ENVIRONMENT),
        "AKIAOTHER/eu-south-1"
    );
    assert_eq!(home.signed_with(&["--region", "eu-south-1"], &ENVIRONMENT), "AKIAENVIRONMENT/eu-south-1");
    // A profile without a Region uses the Region of the environment.
    assert_eq!(home.signed_with(&["--profile", "noregion"], &ENVIRONMENT), "AKIANOREGION/ca-central-1");
    assert_eq!(home.signed_with(&[], &[]), "AKIADEFAULT/eu-west-1");
    assert_eq!(home.signed_with(&[], &[("AWS_PROFILE", "other")]), "AKIAOTHER/us-west-2");
    // In the AWS CLI, credentials in the environment take precedence over a profile in the environment.
    let both = [&ENVIRONMENT[..], &[("AWS_PROFILE", "other")]].concat();
    assert_eq!(home.signed_with(&[], &both), "AKIAENVIRONMENT/ca-central-1");
}

#[test]
fn an_unknown_profile_is_an_error_before_any_request() {
    let home = Home::new();
    let unknown = "profile nobody is not in the AWS configuration";
    assert!(home.refused(&["--profile", "nobody"], &ENVIRONMENT).contains(unknown));
    assert!(home.refused(&["--profile", "nobody", "--region", "eu-west-1"], &[]).contains(unknown));
    assert!(home.refused(&[], &[&ENVIRONMENT[..], &[("AWS_PROFILE", "nobody")]].concat()).contains(unknown));
    assert!(home.refused(&[], &[("AWS_PROFILE", "nobody"), ("AWS_REGION", "eu-west-1")]).contains(unknown));
    assert!(home.refused(&["--profile", "noregion"], &[]).contains("no Region is set"));
    let error = home.refused(&["--profile", "empty"], &ENVIRONMENT);
    assert!(error.contains("profile empty"), "{error}");
}

#[test]
fn a_role_a_process_and_an_sso_session_work_as_profiles() {
    let home = Home::new();
    assert_eq!(home.signed_with(&["--profile", "role"], &ENVIRONMENT), "ASIAROLE/us-west-2");
    // The role is assumed in the Region of the environment.
    let elsewhere = [("AWS_REGION", "ca-central-1")];
    assert_eq!(home.signed_with(&["--profile", "wanderer"], &elsewhere), "ASIAROLE/ca-central-1");
    let environment = [("AWS_PROFILE", "wanderer"), ("AWS_REGION", "ca-central-1")];
    assert_eq!(home.signed_with(&[], &environment), "ASIAROLE/ca-central-1");
    assert_eq!(home.signed_with(&["--profile", "process"], &ENVIRONMENT), "AKIAPROCESS/ap-southeast-2");
    let error = home.refused(&["--profile", "sso"], &ENVIRONMENT);
    assert!(error.contains("aws sso login --profile sso"), "{error}");
    let token = r#"{"accessToken":"t","expiresAt":"2999-01-01T00:00:00Z","region":"eu-west-1","startUrl":"https://example.awsapps.com/start"}"#;
    let cache = home.folder.path().join(".aws/sso/cache");
    fs::write(cache.join(format!("{DESK}.json")), token).unwrap();
    assert_eq!(home.signed_with(&["--profile", "sso"], &ENVIRONMENT), "ASIASSO/eu-west-1");
}
