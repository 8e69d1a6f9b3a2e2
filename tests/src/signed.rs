//! Requests as bytes, signed by the definition of AWS Signature Version 4 and not by the library that the local stack
//! verifies with, so that each can be wrong in one way.
//!
//! Source: IAM User Guide, "Create a signed AWS API request"; S3 API Reference, "Signature calculations for the
//! authorization header: transferring payload in multiple chunks".

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

/// Who signs, for which service, and when.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The keys.
    pub keys: Keys,
    /// The service in the credential's scope.
    pub service: &'static str,
    /// When.
    pub time: Timestamp,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Call {
    /// Such as `POST`
    pub method: &'static str,
    /// Path and query, or a whole URL.
    pub target: String,
    /// Names are in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers, in lower case.
    pub head: String,
    /// The body.
    pub body: String,
}

impl Signer {
    /// Signs now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a signature is of the time at which it is made")]
    pub fn new(keys: &Keys, service: &'static str) -> Self {
        Self { keys: keys.clone(), service, time: Timestamp::now() }
    }

    /// Signs as if it were so many minutes later.
    ///
    /// # Panics
    /// When there is no such time.
    #[must_use]
    pub fn later(mut self, minutes: i64) -> Self {
        self.time = self.time.checked_add(SignedDuration::from_mins(minutes)).expect("there is such a time");
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
    /// An operation of a service that speaks JSON.
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

    /// A request of a service that speaks REST.
    #[must_use]
    pub fn rest(method: &'static str, target: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { method, target: target.to_owned(), headers: Vec::new(), body: body.into() }
    }

    /// With one more header, in front of the others if it is Host.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a signature in its headers, for a host.
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

    /// With a signature in its query that is good for so many seconds.
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

    /// A PUT to S3 whose body is sent in chunks, each with a signature of its own; `tamper` changes the bytes after that.
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

    /// The request as it is sent, on a connection that ends with the answer.
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

    /// Sends it, and waits for the answer.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn send(&self, address: &str) -> Reply {
        let mut connection = TcpStream::connect(address).expect("the server listens");
        connection.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
        // A server that refuses by the head does not read the rest.
        let _ = connection.write_all(&self.bytes());
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer);
        Reply::read(&answer)
    }
}

impl Reply {
    /// The answer in these bytes.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn read(answer: &[u8]) -> Self {
        let answer = String::from_utf8_lossy(answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answer:?}"));
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
