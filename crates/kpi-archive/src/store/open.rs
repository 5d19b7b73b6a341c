//! From options to a store across the network.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder};
use object_store::{ObjectStore, RetryConfig, StaticCredentialProvider};

use super::bucket::{Bucket, Retry};
use super::engine::Engine;
use super::location::{Location, Scheme};
use super::options::{StoreOptions, invalid};
use super::requests::Counters;
use super::secret::Secrets;
use super::tls;
use super::wire::Wire;
use super::words::{Credentials, Teller};
use crate::Error;

/// Attempts are counted and repeated in [`Bucket`] only.
const ONCE: fn() -> RetryConfig = || RetryConfig {
    max_retries: 0,
    retry_timeout: Duration::ZERO,
    ..RetryConfig::default()
};

/// The variables of an AWS environment that hold or lead to credentials, and no others: an endpoint that happens to be set
/// there must not redirect a store.
const AWS_ENVIRONMENT: &[(&str, AmazonS3ConfigKey)] = &[
    ("AWS_ACCESS_KEY_ID", AmazonS3ConfigKey::AccessKeyId),
    ("AWS_SECRET_ACCESS_KEY", AmazonS3ConfigKey::SecretAccessKey),
    ("AWS_SESSION_TOKEN", AmazonS3ConfigKey::Token),
    (
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        AmazonS3ConfigKey::WebIdentityTokenFile,
    ),
    ("AWS_ROLE_ARN", AmazonS3ConfigKey::RoleArn),
    ("AWS_ROLE_SESSION_NAME", AmazonS3ConfigKey::RoleSessionName),
    ("AWS_ENDPOINT_URL_STS", AmazonS3ConfigKey::StsEndpoint),
    (
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
    ),
    (
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        AmazonS3ConfigKey::ContainerCredentialsFullUri,
    ),
    (
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        AmazonS3ConfigKey::ContainerAuthorizationTokenFile,
    ),
];

pub(crate) fn bucket(location: Location, options: &StoreOptions) -> Result<Bucket, Error> {
    let credentials = match options.get("credentials") {
        None | Some("mapping") => Credentials::Mapping,
        Some("environment") => Credentials::Environment,
        Some("anonymous") => Credentials::Anonymous,
        Some(other) => {
            return Err(invalid(
                "credentials",
                other,
                "Write mapping, environment or anonymous.",
            ));
        }
    };
    let endpoint = endpoint(options)?;
    let retry = Retry {
        most: options.count("max_retries", 5, 20)?,
        within: options.duration("retry_timeout", Duration::from_secs(60))?,
    };
    let silence = options.duration("request_timeout", Duration::from_secs(30))?;
    let counters = Arc::new(Counters::default());
    let plain = endpoint.as_deref().is_some_and(|e| e.starts_with("http://"));
    let wire = Wire {
        client: tls::client(options, plain, silence)?,
        counters: counters.clone(),
        silence,
    };
    let secrets = Secrets::of(options);
    let store: Arc<dyn ObjectStore> = match location.scheme {
        Scheme::S3 => s3(&location, options, credentials, endpoint, wire)?,
        Scheme::Azure => azure(&location, options, credentials, endpoint, wire)?,
        _ => gcs(&location, options, credentials, endpoint, wire)?,
    };
    Ok(Bucket::new(
        store,
        Engine::new()?,
        retry,
        counters,
        Teller {
            location,
            secrets,
            credentials,
        },
    ))
}

/// The address of the service without a slash at its end.
fn endpoint(options: &StoreOptions) -> Result<Option<String>, Error> {
    let Some(text) = options.get("endpoint") else {
        return Ok(None);
    };
    let hint = "Write http://host:port or https://host, without user, password and query.";
    match reqwest::Url::parse(text) {
        Ok(url)
            if matches!(url.scheme(), "http" | "https")
                && url.host_str().is_some()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none() =>
        {
            Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
        }
        _ => Err(invalid("endpoint", &super::secret::bare_url(text), hint)),
    }
}

/// A user mapping lacks what it needs.
fn missing(names: &str) -> Error {
    Error::configuration(
        "the store has no credentials".into(),
        Some(format!("The user mapping lacks {names}.")),
        format!(
            "CREATE USER MAPPING FOR CURRENT_USER SERVER ... OPTIONS ({names}); a superuser may set credentials 'environment' on the server instead."
        ),
    )
}

/// The store's library refuses what it is given; its words may quote a secret, so they are not passed on.
fn refused(hint: &str) -> Error {
    Error::configuration(
        "the options of the store do not lead to a store".into(),
        None,
        hint.to_owned(),
    )
}

fn s3(
    location: &Location,
    options: &StoreOptions,
    credentials: Credentials,
    endpoint: Option<String>,
    wire: Wire,
) -> Result<Arc<dyn ObjectStore>, Error> {
    let path_style = options.flag("path_style", endpoint.is_some())?;
    // A dot in a bucket's name makes a host that no certificate for *.s3.<region>.amazonaws.com covers.
    let path_style = path_style || (endpoint.is_none() && location.bucket.contains('.'));
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&location.bucket)
        .with_virtual_hosted_style_request(!path_style)
        .with_disable_bulk_delete(true)
        .with_allow_http(true)
        .with_retry(ONCE())
        .with_http_connector(wire);
    let mut region = options.get("region").map(str::to_owned);
    match credentials {
        Credentials::Mapping => {
            let (Some(key), Some(secret)) = (options.get("access_key_id"), options.get("secret_access_key"))
            else {
                return Err(missing("access_key_id '...', secret_access_key '...'"));
            };
            builder = builder.with_access_key_id(key).with_secret_access_key(secret);
            if let Some(token) = options.get("session_token") {
                builder = builder.with_token(token);
            }
        }
        Credentials::Environment => {
            for (variable, key) in AWS_ENVIRONMENT {
                if let Ok(value) = std::env::var(variable) {
                    builder = builder.with_config(*key, value);
                }
            }
            region = region.or_else(|| {
                ["AWS_REGION", "AWS_DEFAULT_REGION"]
                    .iter()
                    .find_map(|v| std::env::var(v).ok())
            });
        }
        Credentials::Anonymous => builder = builder.with_skip_signature(true),
    }
    if let Some(region) = region {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = endpoint {
        let address = match (path_style, endpoint.split_once("://")) {
            (false, Some((scheme, host))) => format!("{scheme}://{}.{host}", location.bucket),
            _ => endpoint,
        };
        builder = builder.with_endpoint(address);
    }
    let store = builder
        .build()
        .map_err(|_| refused("Check \"region\", \"access_key_id\" and \"secret_access_key\"."))?;
    Ok(Arc::new(store))
}

fn azure(
    location: &Location,
    options: &StoreOptions,
    credentials: Credentials,
    endpoint: Option<String>,
    wire: Wire,
) -> Result<Arc<dyn ObjectStore>, Error> {
    let Some(account) = options.get("account") else {
        return Err(Error::configuration(
            "the store has no storage account".into(),
            Some("The server lacks the option \"account\".".into()),
            "Set option \"account\" of the server to the name of the storage account.".into(),
        ));
    };
    let builder = MicrosoftAzureBuilder::new()
        .with_account(account)
        .with_container_name(&location.bucket)
        .with_endpoint(endpoint.unwrap_or_else(|| format!("https://{account}.blob.core.windows.net")))
        .with_allow_http(true)
        .with_retry(ONCE())
        .with_http_connector(wire);
    let ways = ["access_key", "sas_token", "client_secret"].map(|name| options.get(name));
    let builder = match (credentials, ways) {
        (Credentials::Environment, _) => azure_environment(builder),
        (Credentials::Anonymous, _) => builder
            .with_skip_signature(true)
            .with_credential_type("bearer_token")
            .with_bearer_token_authorization(""),
        (Credentials::Mapping, [Some(key), None, None]) => {
            builder.with_access_key(key).with_credential_type("access_key")
        }
        (Credentials::Mapping, [None, Some(token), None]) => {
            let pairs = object_store::azure::split_sas(token)
                .map_err(|_| refused("\"sas_token\" has the form sv=...&sig=..., as the portal shows it."))?;
            builder
                .with_sas_authorization(pairs)
                .with_credential_type("sas_token")
        }
        (Credentials::Mapping, [None, None, Some(secret)]) => {
            let (Some(tenant), Some(client)) = (options.get("tenant_id"), options.get("client_id")) else {
                return Err(refused(
                    "\"client_secret\" needs the options \"tenant_id\" and \"client_id\" of the server.",
                ));
            };
            builder
                .with_client_secret_authorization(client, secret, tenant)
                .with_credential_type("client_secret")
        }
        (Credentials::Mapping, [None, None, None]) => return Err(missing("access_key '...'")),
        (Credentials::Mapping, _) => {
            return Err(refused(
                "Give one of \"access_key\", \"sas_token\" and \"client_secret\", not several.",
            ));
        }
    };
    let store = builder.build().map_err(|_| {
        refused("Check \"account\", and that \"access_key\" is the base64 text that the portal shows.")
    })?;
    Ok(Arc::new(store))
}

/// The server's own identity: an application's from the environment, or the machine's.
fn azure_environment(mut builder: MicrosoftAzureBuilder) -> MicrosoftAzureBuilder {
    use object_store::azure::AzureConfigKey as Key;
    for (variable, key) in [
        ("AZURE_STORAGE_ACCOUNT_KEY", Key::AccessKey),
        ("AZURE_CLIENT_ID", Key::ClientId),
        ("AZURE_CLIENT_SECRET", Key::ClientSecret),
        ("AZURE_TENANT_ID", Key::AuthorityId),
        ("AZURE_FEDERATED_TOKEN_FILE", Key::FederatedTokenFile),
        ("AZURE_AUTHORITY_HOST", Key::AuthorityHost),
    ] {
        if let Ok(value) = std::env::var(variable) {
            builder = builder.with_config(key, value);
        }
    }
    builder
}

fn gcs(
    location: &Location,
    options: &StoreOptions,
    credentials: Credentials,
    endpoint: Option<String>,
    wire: Wire,
) -> Result<Arc<dyn ObjectStore>, Error> {
    let builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(&location.bucket)
        // Said always: a key file may name another address.
        .with_base_url(endpoint.as_deref().unwrap_or("https://storage.googleapis.com"))
        .with_retry(ONCE())
        .with_http_connector(wire);
    let builder = match (credentials, options.get("service_account_key")) {
        (Credentials::Mapping, Some(key)) => builder.with_service_account_key(key),
        (Credentials::Mapping, None) => return Err(missing("service_account_key '...'")),
        (Credentials::Environment, _) => match std::env::var("GOOGLE_APPLICATION_CREDENTIALS") {
            Ok(file) => builder.with_application_credentials(file),
            Err(_) => builder,
        },
        (Credentials::Anonymous, _) => {
            let nobody = GcpCredential {
                bearer: String::new(),
            };
            builder
                .with_skip_signature(true)
                .with_credentials(Arc::new(StaticCredentialProvider::new(nobody)))
        }
    };
    let hint = match credentials {
        Credentials::Environment => {
            "Check the file that GOOGLE_APPLICATION_CREDENTIALS names in the server's environment."
        }
        _ => {
            "\"service_account_key\" is the JSON text of a key file, with client_email, private_key and private_key_id."
        }
    };
    Ok(Arc::new(builder.build().map_err(|_| refused(hint))?))
}
