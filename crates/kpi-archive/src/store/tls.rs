//! The HTTP client of a store: whom it trusts, and what it never does by itself.

use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::options::{StoreOptions, invalid};
use super::words::unavailable;
use crate::Error;

/// A request as a whole may take so many times what silence is allowed.
const WHOLE: u32 = 10;
/// An unused connection is closed after this.
const IDLE: Duration = Duration::from_secs(20);

/// A client that follows no redirect (a signature holds for one address), repeats nothing by itself and takes no proxy from the
/// environment. `plain`: it will speak http only, and needs no certificates.
pub(crate) fn client(
    options: &StoreOptions,
    plain: bool,
    silence: Duration,
) -> Result<reqwest::Client, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let broken = |e: &dyn std::fmt::Display| {
        unavailable(
            "no secure connection can be prepared".into(),
            Some(format!("The cause: {e}.")),
            None,
        )
    };
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| broken(&e))?
        .with_root_certificates(roots(options, plain)?)
        .with_no_client_auth();
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("pg_kpi/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http1_only()
        .no_proxy()
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true)
        .connect_timeout(options.duration("connect_timeout", Duration::from_secs(5))?)
        .timeout(silence.saturating_mul(WHOLE));
    if let Some(address) = options.get("proxy_url") {
        let unusable = || {
            invalid(
                "proxy_url",
                &super::secret::bare_url(address),
                "Write http://host:port, without user and password.",
            )
        };
        if address.contains('@') {
            return Err(unusable());
        }
        // The instance's own services are not beyond a proxy.
        let near = reqwest::NoProxy::from_string("169.254.169.254,169.254.170.2,localhost,127.0.0.1");
        builder = builder.proxy(
            reqwest::Proxy::all(address)
                .map_err(|_| unusable())?
                .no_proxy(near),
        );
    }
    builder.build().map_err(|e| broken(&e.without_url()))
}

fn roots(options: &StoreOptions, plain: bool) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = options.get("ca_file") {
        let hint = "Name a file with certificates in PEM form that the server can read.";
        let found = CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|_| invalid("ca_file", file, hint))?;
        let (good, _) = roots.add_parsable_certificates(found);
        return if good > 0 {
            Ok(roots)
        } else {
            Err(invalid("ca_file", file, hint))
        };
    }
    if !plain {
        let (good, _) = roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if good == 0 {
            return Err(Error::configuration(
                "the operating system has no certificates of authorities to trust".into(),
                None,
                "Install them (package ca-certificates), or name a file in option \"ca_file\".".into(),
            ));
        }
    }
    Ok(roots)
}
