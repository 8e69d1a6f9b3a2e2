//! Requests as bytes, signed by an implementation of AWS Signature Version 4 that is independent of the library with
//! which the local stack verifies, so that a test can make each part wrong.
//!
//! Source: [Create a signed AWS API request](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html)
//! (IAM User Guide);
//! [Signature calculations for the authorization header: transferring payload in multiple chunks](https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html)
//! (S3 API Reference).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use served_stack::Keys;
use served_stack::REGION;
use sha2::{Digest, Sha256};

const PATIENCE: Duration = Duration::from_mins(1);
const STREAMING: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";

/// The keys, service, and time of a signature.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The keys.
    pub keys: Keys,
    /// The service in the credential's scope.
    pub service: &'static str,
    /// The time of the signature.
    pub time: Timestamp,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Call {
    /// Such as `POST`
    pub method: &'static str,
    /// Path and query, or a whole URL.
    pub target: String,
    /// Header names are lowercase.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A response.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The status line and headers, in lowercase.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Signer {
    /// Signs with the current time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a signature contains the current time")]
    pub fn new(keys: &Keys, service: &'static str) -> Self {
        Self { keys: keys.clone(), service, time: Timestamp::now() }
    }

    /// Signs as if it were `minutes` later.
    ///
    /// # Panics
    /// When the time is out of range.
    #[must_use]
    pub fn later(mut self, minutes: i64) -> Self {
        self.time = self.time.checked_add(SignedDuration::from_mins(minutes)).expect("the time is in range");
        self
    }

    fn date(&self) -> String {
        self.time.strftime("%Y%m%dT%H%M%SZ").to_string()
    }

    fn scope(&self) -> String {
        format!("{}/{REGION}/{}/aws4_request", &self.date()[..8], self.service)
    }

    fn sign(&self, kind: &str, text: &str) -> String {
        let scope = self.scope();
        let secret = format!("AWS4{}", self.keys.secret_access_key).into_bytes();
        let key = scope.split('/').fold(secret, |key, part| mac(&key, part.as_bytes()));
        hex(&mac(&key, format!("{kind}\n{}\n{scope}\n{text}", self.date()).as_bytes()))
    }
}

impl Call {
    /// An operation of a service with a JSON protocol.
    #[must_use]
    pub fn operation(target: &str, request: &Value) -> Self {
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self {
            method: "POST",
            target: "/".to_owned(),
            headers: headers.into(),
            body: request.to_string().into(),
        }
    }

    /// A request to a service with a REST protocol.
    #[must_use]
    pub fn rest(method: &'static str, target: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { method, target: target.to_owned(), headers: Vec::new(), body: body.into() }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Signs the request for a host, in its headers.
    #[must_use]
    pub fn signed(mut self, host: &str, signer: &Signer) -> Self {
        let is_streaming = self.headers.iter().any(|(_, value)| value == STREAMING);
        let hash = if is_streaming { STREAMING.to_owned() } else { hex(&Sha256::digest(&self.body)) };
        self = self.with("host", host).with("x-amz-date", &signer.date());
        if signer.service == "s3" && !is_streaming {
            self = self.with("x-amz-content-sha256", &hash);
        }
        let (canonical, names) = self.canonical(&self.target, &hash);
        let signature = signer.sign("AWS4-HMAC-SHA256", &hex(&Sha256::digest(canonical)));
        let credential = format!("{}/{}", signer.keys.access_key_id, signer.scope());
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}");
        self.with("authorization", &authorization)
    }

    /// Signs the request for a host, in its query; the signature is valid for `seconds`.
    #[must_use]
    pub fn presigned(mut self, host: &str, signer: &Signer, seconds: u32) -> Self {
        self = self.with("host", host);
        let hash = match signer.service {
            "s3" => "UNSIGNED-PAYLOAD".to_owned(),
            _ => hex(&Sha256::digest(&self.body)),
        };
        let (_, names) = self.canonical(&self.target, &hash);
        let credential = format!("{}/{}", signer.keys.access_key_id, signer.scope()).replace('/', "%2F");
        let (date, names) = (signer.date(), names.replace(';', "%3B"));
        let query = format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date={date}&X-Amz-Expires={seconds}&X-Amz-SignedHeaders={names}"
        );
        let target = format!("{}?{query}", self.target);
        let (canonical, _) = self.canonical(&target, &hash);
        let signature = signer.sign("AWS4-HMAC-SHA256", &hex(&Sha256::digest(canonical)));
        self.target = format!("{target}&X-Amz-Signature={signature}");
        self
    }

    /// A PUT to S3 with a body in chunks, each with its own signature. `tamper` changes the signed body.
    #[must_use]
    pub fn in_chunks(
        target: &str,
        host: &str,
        signer: &Signer,
        chunks: &[&str],
        tamper: impl Fn(&mut String),
    ) -> Self {
        let length: usize = chunks.iter().map(|chunk| chunk.len()).sum();
        let mut call = Self::rest("PUT", target, "")
            .with("content-encoding", "aws-chunked")
            .with("x-amz-content-sha256", STREAMING)
            .with("x-amz-decoded-content-length", &length.to_string())
            .signed(host, signer);
        let (_, authorization) = &call.headers[call.headers.len() - 1];
        let mut previous = authorization.rsplit('=').next().unwrap_or_default().to_owned();
        let mut body = String::new();
        for chunk in chunks.iter().chain(&[""]) {
            let hashes = [&b""[..], chunk.as_bytes()].map(|bytes| hex(&Sha256::digest(bytes)));
            let text = format!("{previous}\n{}\n{}", hashes[0], hashes[1]);
            previous = signer.sign("AWS4-HMAC-SHA256-PAYLOAD", &text);
            body.push_str(
                &[&format!("{:x}", chunk.len()), ";chunk-signature=", &previous, "\r\n", chunk, "\r\n"]
                    .concat(),
            );
        }
        tamper(&mut body);
        call.body = body.into_bytes();
        call
    }

    fn canonical(&self, target: &str, hash: &str) -> (String, String) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = self.headers.clone();
        headers.sort();
        let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let lines: Vec<_> = headers.iter().map(|(name, value)| format!("{name}:{}", value.trim())).collect();
        let lines = lines.join("\n");
        (format!("{}\n{path}\n{query}\n{lines}\n\n{names}\n{hash}", self.method), names)
    }

    /// The bytes of the request, with `connection: close`.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head.push_str(&[name.as_str(), ": ", value.as_str(), "\r\n"].concat());
        }
        let length = self.body.len().to_string();
        head.push_str(&["content-length: ", &length, "\r\nconnection: close\r\n\r\n"].concat());
        [head.as_bytes(), &self.body].concat()
    }

    /// Sends the request and waits for the response.
    ///
    /// # Panics
    /// When there is no response.
    #[must_use]
    pub fn send(&self, address: &str) -> Reply {
        let mut connection = TcpStream::connect(address).expect("the server listens");
        connection.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
        // A server that refuses the head does not read the rest.
        let _ = connection.write_all(&self.bytes());
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer);
        Reply::read(&answer)
    }
}

impl Reply {
    /// Parses a response.
    ///
    /// # Panics
    /// When it is not a response.
    #[must_use]
    pub fn read(answer: &[u8]) -> Self {
        let answer = String::from_utf8_lossy(answer);
        let (head, body) =
            answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("not a response: {answer:?}"));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        Self { status, head: head.to_lowercase(), body: body.to_owned() }
    }
}

fn mac(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("keys are of any length");
    mac.update(bytes);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
