//! Credentials, Region, and timeouts, resolved as the AWS CLI resolves them, except for the Region of `--profile`.
//!
//! Source: [Configuration and credentials precedence](https://docs.aws.amazon.com/cli/latest/userguide/cli-chap-configure.html#configure-precedence)
//! (AWS CLI User Guide): the command line takes precedence. Here, a profile that is named on the command line also determines
//! the Region, unless `--region` does. Otherwise, a command could combine the profile's account with the Region in the
//! environment.

use std::time::{Duration, UNIX_EPOCH};

use anyhow::{anyhow, bail};
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::future;
use aws_errors::causes;
use aws_sdk_dynamodb::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use clap::Args;
use lambda_io::telemetry::now;
use tokio::sync::Mutex;

const HEADING: &str = "AWS";
/// The AWS CLI's `--cli-connect-timeout` and `--cli-read-timeout`.
const DEFAULT_TIMEOUT_SECONDS: u32 = 60;

/// Options for AWS requests.
#[derive(Debug, Clone, Default, Args)]
pub struct AwsArguments {
    /// Named AWS profile; overrides the credentials and the Region in environment variables
    #[arg(long, value_name = "NAME", help_heading = HEADING)]
    profile: Option<String>,
    /// AWS Region
    #[arg(long, value_name = "REGION", help_heading = HEADING, value_parser = region)]
    region: Option<String>,
    /// URL to send requests to, such as the URL of an AWS emulator. Requests for credentials still go to AWS
    #[arg(long, value_name = "URL", help_heading = HEADING, value_parser = url)]
    endpoint_url: Option<String>,
    /// Connection timeout in seconds [default: 60]
    #[arg(long, value_name = "SECONDS", help_heading = HEADING, value_parser = clap::value_parser!(u32).range(1..))]
    connect_timeout: Option<u32>,
    /// Read timeout in seconds: the time to wait for a response [default: 60]
    #[arg(long, value_name = "SECONDS", help_heading = HEADING, value_parser = clap::value_parser!(u32).range(1..))]
    read_timeout: Option<u32>,
}

fn region(text: &str) -> Result<String, String> {
    let is_region = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_region.then(|| text.to_owned()).ok_or_else(|| "not a Region; use a name such as eu-west-2".to_owned())
}

fn url(text: &str) -> Result<String, String> {
    let url = text.parse::<http::Uri>().ok();
    let is_url = url.is_some_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some_and(|host| !host.is_empty())
    });
    is_url
        .then(|| text.to_owned())
        .ok_or_else(|| "not a URL; use one such as http://127.0.0.1:4566".to_owned())
}

/// The names of these arguments, for arguments that conflict with them.
pub(crate) const ARGUMENTS: [&str; 5] =
    ["profile", "region", "endpoint_url", "connect_timeout", "read_timeout"];

impl AwsArguments {
    /// The configuration for all clients. Missing credentials are an error here, before any request.
    ///
    /// # Errors
    /// If there are no credentials, no such profile, or no Region.
    pub(crate) async fn config(&self) -> anyhow::Result<SdkConfig> {
        let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12()).timeout_config(self.timeouts());
        if let Some(url) = &self.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        if let Some(profile) = &self.profile {
            loader = loader.profile_name(profile);
        }
        let mut region = self.named_region().await;
        if region.is_none() {
            // Requests for roles and SSO sessions also go to this Region.
            let chain = DefaultRegionChain::builder();
            let chain = match &self.profile {
                Some(profile) => chain.profile_name(profile),
                None => chain,
            };
            region = chain.build().region().await;
        }
        let provider = self.credentials(region.clone()).await?;
        let Some(region) = region else {
            bail!("no Region is set; pass --region, or set AWS_REGION or use a profile that has a Region");
        };
        Ok(loader.region(region).credentials_provider(provider).load().await)
    }

    /// The Region from the command line: `--region`, or that of `--profile`.
    async fn named_region(&self) -> Option<Region> {
        match (&self.region, &self.profile) {
            (Some(region), _) => Some(Region::new(region.clone())),
            (None, Some(profile)) => {
                ProfileFileRegionProvider::builder().profile_name(profile).build().region().await
            }
            (None, None) => None,
        }
    }

    async fn credentials(&self, region: Option<Region>) -> anyhow::Result<SharedCredentialsProvider> {
        let Some(profile) = &self.profile else {
            let named = std::env::var("AWS_PROFILE").ok().filter(|profile| !profile.is_empty());
            let chain = DefaultCredentialsChain::builder().region(region.clone()).build().await;
            let found = cached(chain).await;
            // Unlike the AWS CLI, the SDK ignores an unknown profile if it finds credentials elsewhere.
            let has_keys = std::env::var_os("AWS_ACCESS_KEY_ID").is_some();
            if let Some(profile) = named.filter(|_| found.is_err() || has_keys)
                && is_unknown(&profile, region).await
            {
                return Err(unknown_profile(&profile));
            }
            return found.map_err(|error| no_credentials(None, &error));
        };
        let provider = cached(of_profile(profile, region)).await;
        provider.map_err(|error| no_credentials(Some(profile), &error))
    }

    /// Without timeouts, a command would wait forever for a service that does not respond.
    fn timeouts(&self) -> TimeoutConfig {
        let seconds =
            |given: Option<u32>| Duration::from_secs(given.unwrap_or(DEFAULT_TIMEOUT_SECONDS).into());
        TimeoutConfig::builder()
            .connect_timeout(seconds(self.connect_timeout))
            .read_timeout(seconds(self.read_timeout))
            .build()
    }
}

fn of_profile(profile: &str, region: Option<Region>) -> ProfileFileCredentialsProvider {
    ProfileFileCredentialsProvider::builder()
        .configure(&ProviderConfig::default().with_region(region))
        .profile_name(profile)
        .build()
}

/// Obtains credentials immediately, so that errors show at once, and caches them until shortly before they expire: the
/// profile's `credential_process` may prompt the user.
async fn cached(
    provider: impl ProvideCredentials + 'static,
) -> Result<SharedCredentialsProvider, CredentialsError> {
    let cache = Cached { credentials: Mutex::default(), provider };
    cache.provide_credentials().await?;
    Ok(SharedCredentialsProvider::new(cache))
}

#[derive(Debug)]
struct Cached<P> {
    credentials: Mutex<Option<Credentials>>,
    provider: P,
}

impl<P: ProvideCredentials> Cached<P> {
    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        /// Time before expiration at which credentials are refreshed, in milliseconds.
        const MARGIN: u128 = 5 * 60_000;
        let mut cached = self.credentials.lock().await;
        let now = u128::try_from(now().epoch_milliseconds()).unwrap_or_default();
        let is_valid = |credentials: &&Credentials| {
            let expiry = credentials.expiry().and_then(|expiry| expiry.duration_since(UNIX_EPOCH).ok());
            expiry.is_none_or(|expiry| expiry.as_millis() > now + MARGIN)
        };
        if let Some(credentials) = cached.as_ref().filter(is_valid) {
            return Ok(credentials.clone());
        }
        Ok(cached.insert(self.provider.provide_credentials().await?).clone())
    }
}

impl<P: ProvideCredentials> ProvideCredentials for Cached<P> {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

async fn is_unknown(profile: &str, region: Option<Region>) -> bool {
    let found = of_profile(profile, region).provide_credentials().await;
    found.is_err_and(|error| is_unknown_profile(&error))
}

fn is_unknown_profile(error: &CredentialsError) -> bool {
    causes(error).contains("was not defined")
}

fn unknown_profile(profile: &str) -> anyhow::Error {
    anyhow!(
        "profile {profile} is not in the AWS configuration; `aws configure list-profiles` lists the profiles"
    )
}

fn no_credentials(profile: Option<&str>, error: &CredentialsError) -> anyhow::Error {
    match (profile, error) {
        (Some(profile), error) if is_unknown_profile(error) => unknown_profile(profile),
        (Some(profile), CredentialsError::CredentialsNotLoaded(_)) => {
            anyhow!("profile {profile} has no credentials; run `aws configure --profile {profile}`")
        }
        (None, CredentialsError::CredentialsNotLoaded(_)) => {
            anyhow!(
                "no AWS credentials were found; run `aws configure` or `aws sso login`, or pass --profile"
            )
        }
        // This machine is not an EC2 instance: nothing, or some other server, answers at the IMDS address.
        (None, error) if causes(error).contains("IMDS") => {
            no_credentials(None, &CredentialsError::not_loaded(""))
        }
        (profile, error) => {
            let option = profile.map(|profile| format!(" --profile {profile}")).unwrap_or_default();
            anyhow!(
                "AWS credentials could not be obtained ({}). If they come from SSO, run `aws sso login{option}`. Profiles that require an MFA code and `aws login` sessions are not supported: run `aws configure export-credentials{option} --format env` and set the variables it prints",
                causes(error)
            )
        }
    }
}
