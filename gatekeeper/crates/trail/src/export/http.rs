//! The client of exports over HTTP.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ureq::http::{Response, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use super::certificates;
use super::sink::SendError;

/// Bytes of an answer that are looked at.
const ANSWER: u64 = 64 << 10;

/// An address to send to, and the authorities that are trusted there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// The address.
    pub url: String,
    /// Certificates of authorities; the system's where left out.
    pub ca: Option<PathBuf>,
    /// A file with a token that proves who we are.
    pub token: Option<PathBuf>,
}

/// A client, made when it is first used: certificates and tokens are read then, and again after a failure.
pub struct Client {
    to: Url,
    timeout: Duration,
    ready: Option<(Agent, Option<String>)>,
}

impl Client {
    /// A client for one address.
    #[must_use]
    pub fn new(to: Url, timeout: Duration) -> Self {
        Self { to, timeout, ready: None }
    }

    /// Sends a body; the bytes of a good answer.
    ///
    /// # Errors
    /// Where the other end can't be reached, does not answer in time, or refuses. So, too, where the token or the
    /// certificates can't be read.
    pub fn post(
        &mut self,
        body: &[u8],
        kind: &str,
        headers: &[(&str, String)],
    ) -> Result<Vec<u8>, SendError> {
        let (agent, token) = match self.ready.take() {
            Some(ready) => ready,
            None => self.prepare()?,
        };
        let mut request = agent.post(&self.to.url).header("Content-Type", kind);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(token) = &token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let failed = |error: ureq::Error| SendError::new(format!("{}: {error}", shown(&self.to.url)));
        let mut answer = request.send(body).map_err(failed)?;
        let body = answer.body_mut().with_config().limit(ANSWER).read_to_vec().map_err(failed)?;
        if !answer.status().is_success() {
            return Err(refused(&shown(&self.to.url), &answer, &body));
        }
        self.ready = Some((agent, token));
        Ok(body)
    }

    fn prepare(&self) -> Result<(Agent, Option<String>), SendError> {
        let token = self.to.token.as_deref().map(secret).transpose()?;
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(self.timeout))
            .max_redirects(0)
            .user_agent(concat!("gatekeeper/", env!("CARGO_PKG_VERSION")));
        if self.to.url.starts_with("https:") {
            let roots: Vec<_> = certificates::roots(self.to.ca.as_deref())?
                .iter()
                .map(|root| Certificate::from_der(root).to_owned())
                .collect();
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let tls = TlsConfig::builder()
                .root_certs(RootCerts::new_with_certs(&roots))
                .unversioned_rustls_crypto_provider(provider);
            config = config.tls_config(tls.build());
        }
        Ok((config.build().into(), token))
    }
}

/// A secret from a file, without the line break at its end.
///
/// # Errors
/// Where it can't be read, or does not hold one line.
pub fn secret(path: &Path) -> Result<String, SendError> {
    let text = fs::read_to_string(path).map_err(SendError::at(path.display()))?;
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() || text.contains(['\n', '\r']) {
        return Err(SendError::new(format!("{}: it must hold one line", path.display())));
    }
    Ok(text.to_owned())
}

/// Returns what of an address may be shown: scheme and host. Many services have the secret in the path or the query.
fn shown(url: &str) -> String {
    let uri = url.parse::<Uri>().ok();
    let parts = uri.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.host()?, uri.port_u16())));
    match parts {
        Some((scheme, host, Some(port))) => format!("{scheme}://{host}:{port}"),
        Some((scheme, host, None)) => format!("{scheme}://{host}"),
        None => "the address".to_owned(),
    }
}

fn refused(url: &str, answer: &Response<Body>, body: &[u8]) -> SendError {
    let words: String = String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(200).collect();
    let seconds = answer.headers().get("Retry-After").and_then(|value| value.to_str().ok()?.parse().ok());
    let mut error = SendError::new(format!("{url}: {} {words}", answer.status()).trim_end().to_owned());
    error.wait = seconds.map(Duration::from_secs);
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_an_address_is_shown() {
        for (url, expected) in [
            ("https://hooks.example.org/services/T0/s3cret?key=s3cret", "https://hooks.example.org"),
            ("https://me:s3cret@logs.example.org:4318/v1", "https://logs.example.org:4318"),
            ("no address", "the address"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }
}
