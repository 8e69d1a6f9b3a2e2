//! Verifies AWS Signature Version 4 the way a service does: it signs the request again, with the library that clients
//! use and exactly the headers that the client signed, and compares the signatures.
//!
//! Source: [AWS Signature Version 4 for API requests](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html),
//! [Troubleshoot Signature Version 4](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html)
//! (IAM User Guide);
//! [Authenticating requests: using query parameters](https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html)
//! (S3 API Reference).

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use jiff::civil::DateTime;
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq;

use super::refusal::Refusal;
use served_stack::Keys;

const MISSING: &str = "MissingAuthenticationTokenException";
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Maximum difference between a client's clock and ours.
const SKEW: SignedDuration = SignedDuration::from_mins(15);
/// Maximum validity of a presigned URL: a week, in seconds.
const LONGEST_EXPIRY: u64 = 7 * 24 * 60 * 60;
/// Query parameters that presigning adds to a URL.
const QUERY_NAMES: [&str; 6] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
];

/// Verifies signatures against the keys of this run.
pub(super) struct Verifier {
    access_key_id: String,
    credentials: Credentials,
}

/// The parameters of a request's signature, not yet verified.
pub(super) struct Claim {
    access_key_id: String,
    /// Day, Region, service.
    scope: [String; 3],
    signed_headers: Vec<String>,
    signature: String,
    time: Timestamp,
    /// Validity in seconds, for a presigned URL.
    expires: Option<u64>,
}

impl Verifier {
    pub(super) fn new(keys: &Keys) -> Self {
        let credentials =
            Credentials::new(&keys.access_key_id, &keys.secret_access_key, None, None, "this run");
        Self { access_key_id: keys.access_key_id.clone(), credentials }
    }

    /// Reads the signature's parameters before the body is read. Refuses a request that does not claim to be signed with
    /// the keys of this run, for one of these services, and now.
    pub(super) fn claim(&self, services: &[&str], head: &Parts, now: Timestamp) -> Result<Claim, Refusal> {
        let claim = Claim::read(head)?;
        if claim.access_key_id != self.access_key_id {
            let message =
                "the access key is not from this run; this run's keys are in stack.json in the output folder";
            return Err(refusal("UnrecognizedClientException", message));
        }
        claim.check_scope(services)?;
        claim.check_time(now)?;
        claim.check_signed_headers(&head.headers)?;
        Ok(claim)
    }

    /// Refuses a request whose signature is wrong.
    pub(super) fn verify(&self, claim: &Claim, head: &Parts, body: &[u8]) -> Result<(), Refusal> {
        let expected = self.signature(claim, head, body);
        let is_right =
            expected.is_some_and(|expected| expected.as_bytes().ct_eq(claim.signature.as_bytes()).into());
        if is_right {
            return Ok(());
        }
        Err(mismatch("the signature does not match the request and the secret access key"))
    }

    /// The signature that the request should have.
    fn signature(&self, claim: &Claim, head: &Parts, body: &[u8]) -> Option<String> {
        let mut settings = SigningSettings::default();
        // The client decided which headers are signed.
        settings.excluded_headers = None;
        if let Some(expires) = claim.expires {
            settings.signature_location = SignatureLocation::QueryParams;
            settings.expires_in = Some(Duration::from_secs(expires));
        }
        let identity = self.credentials.clone().into();
        let [_, region, service] = &claim.scope;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(service)
            .time(SystemTime::try_from(claim.time).ok()?)
            .settings(settings)
            .build()
            .ok()?
            .into();
        let mut headers = Vec::new();
        for name in &claim.signed_headers {
            // The library adds this header, from the time in its settings.
            if name == "x-amz-date" {
                continue;
            }
            for value in head.headers.get_all(name) {
                headers.push((name.as_str(), value.to_str().ok()?));
            }
        }
        let host = head.headers.get(header::HOST)?.to_str().ok()?;
        let url = format!("http://{host}{}{}", head.uri.path(), own_query(head.uri.query()));
        let request =
            SignableRequest::new(head.method.as_str(), url, headers.into_iter(), SignableBody::Bytes(body));
        let (_, signature) = sign(request.ok()?, &parameters).ok()?.into_parts();
        Some(signature)
    }
}

/// Refuses a signature that has another version, is for none of these services, or is valid for more than a week. Does
/// not verify it.
pub(super) fn check_form(services: &[&str], head: &Parts) -> Result<(), Refusal> {
    match Claim::read(head) {
        Ok(claim) => claim.check_scope(services),
        // The signature may be in a place that only the service reads.
        Err(refusal) if refusal.code == MISSING => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

/// The query without the parameters of a presigned URL.
fn own_query(query: Option<&str>) -> String {
    let is_own = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        !QUERY_NAMES.contains(&name)
    };
    let own: Vec<_> = query.unwrap_or_default().split('&').filter(is_own).collect();
    let own = own.join("&");
    if own.is_empty() { own } else { format!("?{own}") }
}

impl Claim {
    fn read(head: &Parts) -> Result<Self, Refusal> {
        let mut headers = head.headers.get_all(header::AUTHORIZATION).iter();
        let header = headers.next().map(|value| value.to_str().unwrap_or_default());
        let query = head.uri.query().unwrap_or_default();
        let is_presigned = query.split('&').any(|pair| pair.starts_with("X-Amz-Signature="));
        match (header, is_presigned) {
            (Some(header), false) if headers.next().is_none() => Self::from_header(header, &head.headers),
            (None, true) => Self::from_query(query),
            (None, false) => Err(refusal(MISSING, "the request is not signed")),
            _ => Err(incomplete("the request is signed more than once")),
        }
    }

    fn from_header(header: &str, headers: &HeaderMap) -> Result<Self, Refusal> {
        let parts = header.strip_prefix(ALGORITHM).filter(|parts| parts.starts_with(' '));
        let parts =
            parts.ok_or_else(|| incomplete(&format!("the Authorization header does not use {ALGORITHM}")))?;
        let part = |name: &str| {
            let mut values = parts.split(',').filter_map(|part| part.trim().split_once('='));
            let value = values.find(|(found, _)| *found == name).map(|(_, value)| value);
            value.ok_or_else(|| incomplete(&format!("the Authorization header has no {name}")))
        };
        let date = headers.get("x-amz-date").and_then(|date| date.to_str().ok());
        let date = date.ok_or_else(|| incomplete("the request has no X-Amz-Date header"))?;
        Self::from_parts(part("Credential")?, part("SignedHeaders")?, part("Signature")?, date, None)
    }

    fn from_query(query: &str) -> Result<Self, Refusal> {
        let part = |name: &str| {
            let mut values = query.split('&').filter_map(|pair| pair.split_once('='));
            let value = values.find(|(found, _)| *found == name).map(|(_, value)| decoded(value));
            value.ok_or_else(|| incomplete(&format!("the query has no {name}")))
        };
        if part("X-Amz-Algorithm")? != ALGORITHM {
            return Err(incomplete(&format!("X-Amz-Algorithm is not {ALGORITHM}")));
        }
        let expires =
            part("X-Amz-Expires")?.parse().ok().filter(|expires| (1..=LONGEST_EXPIRY).contains(expires));
        let expires = expires.ok_or_else(|| incomplete("X-Amz-Expires is not 1 to 604800 seconds"))?;
        let (credential, signed_headers) = (part("X-Amz-Credential")?, part("X-Amz-SignedHeaders")?);
        let (signature, date) = (part("X-Amz-Signature")?, part("X-Amz-Date")?);
        Self::from_parts(&credential, &signed_headers, &signature, &date, Some(expires))
    }

    fn from_parts(
        credential: &str,
        signed_headers: &str,
        signature: &str,
        date: &str,
        expires: Option<u64>,
    ) -> Result<Self, Refusal> {
        let time = DateTime::strptime("%Y%m%dT%H%M%SZ", date)
            .and_then(|time| Offset::UTC.to_timestamp(time))
            .map_err(|_| incomplete("X-Amz-Date does not have the form 20260302T083000Z"))?;
        let credential: Vec<_> = credential.split('/').collect();
        let [access_key_id, day, region, service, "aws4_request"] = credential[..] else {
            return Err(incomplete("the credential is not <key>/<day>/<region>/<service>/aws4_request"));
        };
        if !date.starts_with(day) || day.len() != 8 {
            return Err(mismatch("the credential's day is not the day of X-Amz-Date"));
        }
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            scope: [day, region, service].map(str::to_owned),
            signed_headers: signed_headers.split(';').map(str::to_owned).collect(),
            signature: signature.to_owned(),
            time,
            expires,
        })
    }

    fn check_scope(&self, services: &[&str]) -> Result<(), Refusal> {
        let service = self.scope[2].as_str();
        if services.contains(&service) {
            return Ok(());
        }
        Err(mismatch(&format!(
            "the credential is scoped to {service}; it should be scoped to {}",
            services.join(" or ")
        )))
    }

    fn check_time(&self, now: Timestamp) -> Result<(), Refusal> {
        let end = match self.expires {
            None => SKEW,
            Some(expires) => SignedDuration::from_secs(i64::try_from(expires).unwrap_or_default()),
        };
        let age = now.duration_since(self.time);
        if age > end {
            return Err(mismatch(&format!(
                "the signature has expired: its time is {}, and the time is now {now:.0}",
                self.time
            )));
        }
        if age < -SKEW {
            return Err(mismatch(&format!("the signature is not yet current: its time is {}", self.time)));
        }
        Ok(())
    }

    /// The headers that decide where a request goes and what it does must be signed.
    fn check_signed_headers(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let is_signed = |name: &str| self.signed_headers.iter().any(|signed| signed == name);
        let needed = ["host", "x-amz-date", "x-amz-target"];
        let unsigned = needed.iter().find(|name| headers.contains_key(**name) && !is_signed(name));
        if let Some(name) = unsigned {
            return Err(mismatch(&format!("the header {name} is not signed")));
        }
        match self.signed_headers.iter().find(|name| !headers.contains_key(name.as_str())) {
            Some(name) => Err(mismatch(&format!("the signed header {name} is not in the request"))),
            None => Ok(()),
        }
    }
}

/// Decodes percent-encoding.
fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn refusal(code: &'static str, message: &str) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, code, message: message.to_owned() }
}

fn incomplete(message: &str) -> Refusal {
    refusal("IncompleteSignatureException", message)
}

fn mismatch(message: &str) -> Refusal {
    refusal("InvalidSignatureException", message)
}
