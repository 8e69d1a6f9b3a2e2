//! AWS calls without an SDK: the SDKs for Amazon Connect and Glue would take longer to build than the rest of this program,
//! for five calls. Libraries do the signing, TLS, and HTTP.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_errors::{unanswered, why_refused};
use aws_sdk_dynamodb::config::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use connect_streams::Timestamp;
use http_body_util::{BodyExt, Full};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

/// A request to an AWS API.
#[derive(Debug)]
pub(crate) struct Call<'c> {
    /// The service's name in endpoints and signatures.
    pub(crate) service: &'static str,
    pub(crate) method: &'static str,
    /// Path and query.
    pub(crate) path: String,
    /// The operation, for a service with a single path.
    pub(crate) target: Option<&'static str>,
    pub(crate) body: &'c Value,
}

/// An error that a service returned.
#[derive(Debug, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct Refusal {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// Why a call failed and what to do, as the end of a sentence. `permissions` are what the call needs.
pub(crate) fn why(error: &anyhow::Error, permissions: &str) -> String {
    match error.downcast_ref::<Refusal>() {
        Some(refusal) => why_refused(&refusal.code, &refusal.to_string(), permissions),
        None => format!("{error:#}"),
    }
}

/// Sends a request. Returns the JSON response, or `null` if there is none.
pub(crate) async fn call(config: &SdkConfig, now: Timestamp, call: &Call<'_>) -> anyhow::Result<Value> {
    let limits = config.timeout_config();
    let connect_timeout = limits.and_then(TimeoutConfig::connect_timeout);
    let timeout = connect_timeout.unwrap_or_default()
        + limits.and_then(TimeoutConfig::read_timeout).unwrap_or(Duration::from_mins(1));
    let request = signed(config, now, call).await?;
    let mut http = HttpConnector::new();
    http.set_connect_timeout(connect_timeout);
    // The HTTPS connector allows both schemes.
    http.enforce_http(false);
    let https =
        HttpsConnectorBuilder::new().with_native_roots().context("the system has no TLS certificates")?;
    let https = https.https_or_http().enable_http1().wrap_connector(http);
    let client = Client::builder(TokioExecutor::new()).build(https);
    let service = call.service;
    let exchange = async {
        let response = client.request(request).await?;
        let status = response.status();
        let code =
            response.headers().get("x-amzn-errortype").and_then(|code| code.to_str().ok().map(str::to_owned));
        anyhow::Ok((status, code, response.into_body().collect().await?.to_bytes()))
    };
    let result = tokio::time::timeout(timeout, exchange).await;
    let (status, code, body) = result
        .map_err(|_| anyhow!("{service}: no answer in time; check the network, the Region and the endpoint"))?
        .map_err(|error| anyhow!("{service}: {}", unanswered(&*error)))?;
    let json = serde_json::from_slice::<Value>(&body).unwrap_or_default();
    if status.is_success() {
        return Ok(json);
    }
    let text = |names: [&str; 2]| names.iter().find_map(|name| json[*name].as_str()).map(str::to_owned);
    let code = code.or_else(|| text(["__type", "code"])).unwrap_or_else(|| status.to_string());
    // `namespace#Code` or `Code:url`.
    let code = code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default().to_owned();
    bail!(Refusal { code, message: text(["message", "Message"]).unwrap_or_else(|| "no message".to_owned()) })
}

async fn signed(
    config: &SdkConfig,
    now: Timestamp,
    call: &Call<'_>,
) -> anyhow::Result<http::Request<Full<bytes::Bytes>>> {
    let region = config.region().context("no Region is set; pass --region")?.as_ref().to_owned();
    let provider =
        config.credentials_provider().context("no credentials are configured; see `aws configure`")?;
    let credentials = provider
        .provide_credentials()
        .await
        .context("there are no credentials; see `aws configure`, or pass --profile")?;
    let endpoint = match config.endpoint_url() {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("https://{}.{region}.{}", call.service, domain(&region)),
    };
    let url = format!("{endpoint}{}", call.path);
    let body = if call.body.is_null() { Vec::new() } else { call.body.to_string().into_bytes() };
    let content_type = if call.target.is_some() { "application/x-amz-json-1.1" } else { "application/json" };
    let mut request =
        http::Request::builder().method(call.method).uri(&url).header("content-type", content_type);
    if let Some(target) = call.target {
        request = request.header("x-amz-target", target);
    }
    let mut request = request.body(Full::new(body.clone().into()))?;
    let identity = credentials.into();
    let time = std::time::UNIX_EPOCH + Duration::from_millis(u64::try_from(now.epoch_milliseconds())?);
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(&region)
        .name(call.service)
        .time(time)
        .settings(SigningSettings::default())
        .build()?
        .into();
    let headers =
        request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
    let signable = SignableRequest::new(call.method, &url, headers, SignableBody::Bytes(&body))?;
    let (instructions, _) = sign(signable, &parameters)?.into_parts();
    instructions.apply_to_request_http1x(&mut request);
    Ok(request)
}

/// Source: [AWS service endpoints](https://docs.aws.amazon.com/general/latest/gr/rande.html), by partition.
fn domain(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}
