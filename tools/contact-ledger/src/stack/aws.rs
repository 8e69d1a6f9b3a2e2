//! Whose credentials, which Region, and how long to wait for an answer: as the AWS CLI has it.
//!
//! Source: AWS CLI User Guide, "Configuration and credential precedence": what the command line says wins. Here a profile
//! that is named on the command line also decides the Region, unless `--region` does: half a profile would act on the
//! account of one and in the Region of another.

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

/// How AWS is asked.
#[derive(Debug, Clone, Default, Args)]
pub struct AwsArguments {
    /// Profile of the AWS configuration; it goes before credentials and Region in the environment
    #[arg(long, value_name = "NAME", help_heading = HEADING)]
    profile: Option<String>,
    /// Region
    #[arg(long, value_name = "REGION", help_heading = HEADING, value_parser = region)]
    region: Option<String>,
    /// Send requests there, such as to an emulator of AWS; those that obtain credentials go to AWS
    #[arg(long, value_name = "URL", help_heading = HEADING, value_parser = url)]
    endpoint_url: Option<String>,
    /// Seconds to wait for a connection [default: 60]
    #[arg(long, value_name = "SECONDS", help_heading = HEADING, value_parser = clap::value_parser!(u32).range(1..))]
    connect_timeout: Option<u32>,
    /// Seconds to wait for an answer [default: 60]
    #[arg(long, value_name = "SECONDS", help_heading = HEADING, value_parser = clap::value_parser!(u32).range(1..))]
    read_timeout: Option<u32>,
}

fn region(text: &str) -> Result<String, String> {
    let is_region = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_region.then(|| text.to_owned()).ok_or_else(|| "it is not a Region such as eu-west-2".to_owned())
}

fn url(text: &str) -> Result<String, String> {
    let url = text.parse::<http::Uri>().ok();
    let is_url = url.is_some_and(|url| {
        matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some_and(|host| !host.is_empty())
    });
    is_url.then(|| text.to_owned()).ok_or_else(|| "it is not a URL such as http://127.0.0.1:4566".to_owned())
}

/// The names of the arguments, for those that exclude them.
pub(crate) const ARGUMENTS: [&str; 5] =
    ["profile", "region", "endpoint_url", "connect_timeout", "read_timeout"];

impl AwsArguments {
    /// The configuration of all clients. Missing credentials are an error here, before any request.
    ///
    /// # Errors
    /// When there are no credentials, no such profile or no Region.
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
            // Roles and SSO sessions are asked for in it, too.
            let chain = DefaultRegionChain::builder();
            let chain = match &self.profile {
                Some(profile) => chain.profile_name(profile),
                None => chain,
            };
            region = chain.build().region().await;
        }
        let provider = self.credentials(region.clone()).await?;
        let Some(region) = region else {
            bail!("no Region is known; say --region, or set AWS_REGION or a profile that has one");
        };
        Ok(loader.region(region).credentials_provider(provider).load().await)
    }

    /// The Region that the command line says, by itself or by its profile.
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
            let found = primed(chain).await;
            // The SDK takes no notice of an unknown profile if there are credentials elsewhere; the AWS CLI does.
            let has_keys = std::env::var_os("AWS_ACCESS_KEY_ID").is_some();
            if let Some(profile) = named.filter(|_| found.is_err() || has_keys)
                && is_unknown(&profile, region).await
            {
                return Err(unknown_profile(&profile));
            }
            return found.map_err(|error| no_credentials(None, &error));
        };
        let provider = primed(of_profile(profile, region)).await;
        provider.map_err(|error| no_credentials(Some(profile), &error))
    }

    /// Without a limit, a stack that does not answer would keep its operator waiting for ever.
    fn timeouts(&self) -> TimeoutConfig {
        let seconds = |said: Option<u32>| Duration::from_secs(said.unwrap_or(DEFAULT_TIMEOUT_SECONDS).into());
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

/// Asks for credentials once, so that what is wrong is known at once, and keeps them as long as they are good: a process that
/// the profile runs may ask its user for something.
async fn primed(
    provider: impl ProvideCredentials + 'static,
) -> Result<SharedCredentialsProvider, CredentialsError> {
    let kept = Kept { credentials: Mutex::default(), provider };
    kept.provide_credentials().await?;
    Ok(SharedCredentialsProvider::new(kept))
}

#[derive(Debug)]
struct Kept<P> {
    credentials: Mutex<Option<Credentials>>,
    provider: P,
}

impl<P: ProvideCredentials> Kept<P> {
    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        /// Before they expire, in milliseconds.
        const MARGIN: u128 = 5 * 60_000;
        let mut kept = self.credentials.lock().await;
        let now = u128::try_from(now().epoch_milliseconds()).unwrap_or_default();
        let is_good = |credentials: &&Credentials| {
            let expiry = credentials.expiry().and_then(|expiry| expiry.duration_since(UNIX_EPOCH).ok());
            expiry.is_none_or(|expiry| expiry.as_millis() > now + MARGIN)
        };
        if let Some(credentials) = kept.as_ref().filter(is_good) {
            return Ok(credentials.clone());
        }
        Ok(kept.insert(self.provider.provide_credentials().await?).clone())
    }
}

impl<P: ProvideCredentials> ProvideCredentials for Kept<P> {
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
        "profile {profile} is not in the AWS configuration; `aws configure list-profiles` shows those that are"
    )
}

fn no_credentials(profile: Option<&str>, error: &CredentialsError) -> anyhow::Error {
    match (profile, error) {
        (Some(profile), error) if is_unknown_profile(error) => unknown_profile(profile),
        (Some(profile), CredentialsError::CredentialsNotLoaded(_)) => {
            anyhow!("profile {profile} has no credentials; run `aws configure --profile {profile}`")
        }
        (None, CredentialsError::CredentialsNotLoaded(_)) => {
            anyhow!("no AWS credentials were found; run `aws configure` or `aws sso login`, or say --profile")
        }
        // What this machine would answer on EC2 is answered by nobody, or by something else.
        (None, error) if causes(error).contains("IMDS") => {
            no_credentials(None, &CredentialsError::not_loaded(""))
        }
        (profile, error) => {
            let option = profile.map(|profile| format!(" --profile {profile}")).unwrap_or_default();
            anyhow!(
                "AWS credentials could not be obtained ({}). If they come from SSO, run `aws sso login{option}`. Profiles that ask for an MFA code, and sessions of `aws login`, are not supported: run `aws configure export-credentials{option} --format env` and set what it prints",
                causes(error)
            )
        }
    }
}
