//! `[notify]` of the configuration.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use gatekeeper_trail::export::setting::{Url, is_http, must_be_http};
use gatekeeper_trail::setting::{Fault, between_or, directory};

/// The settings, as checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Whether people are notified on their desktops.
    pub desktop: bool,
    /// The webhook of a chat tool.
    pub webhook: Option<Hook>,
    /// The link to the place where people decide, with `{hold}` for the number.
    pub link: Option<String>,
}

impl Default for Setting {
    fn default() -> Self {
        Self { desktop: true, webhook: None, link: None }
    }
}

/// A receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its address.
    pub url: Url,
    /// The file with the secret that notices are signed with.
    pub secret: PathBuf,
    /// The time that a request may take.
    pub timeout: Duration,
}

/// The settings, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Table {
    desktop: Option<bool>,
    link: Option<Spanned<String>>,
    url: Option<Spanned<String>>,
    ca: Option<Spanned<PathBuf>>,
    token_file: Option<Spanned<PathBuf>>,
    secret_file: Option<Spanned<PathBuf>>,
    timeout_seconds: Option<Spanned<u64>>,
}

impl Table {
    /// Checks it.
    ///
    /// # Errors
    /// Where a value is none, or something is missing.
    pub fn check(mut self) -> Result<Setting, Fault> {
        let link = self.link.take().map(link).transpose()?;
        let desktop = self.desktop.unwrap_or(Setting::default().desktop);
        let Some(url) = self.url.take() else {
            self.nothing_left()?;
            return Ok(Setting { desktop, webhook: None, link });
        };
        must_be_http(&url)?;
        let missing = || {
            let message = "what is sent there is signed: add `secret_file`, a file with the secret";
            Fault(url.span(), message.to_owned())
        };
        let secret = directory(self.secret_file.take().ok_or_else(missing)?)?;
        let timeout = between_or(self.timeout_seconds, 10, 1, 300).map(Duration::from_secs)?;
        let ca = self.ca.map(directory).transpose()?;
        let token = self.token_file.map(directory).transpose()?;
        let url = Url { url: url.into_inner(), ca, token };
        Ok(Setting { desktop, webhook: Some(Hook { url, secret, timeout }), link })
    }

    fn nothing_left(&self) -> Result<(), Fault> {
        let left: [(&str, Option<Range<usize>>); 4] = [
            ("ca", self.ca.as_ref().map(Spanned::span)),
            ("token_file", self.token_file.as_ref().map(Spanned::span)),
            ("secret_file", self.secret_file.as_ref().map(Spanned::span)),
            ("timeout_seconds", self.timeout_seconds.as_ref().map(Spanned::span)),
        ];
        for (key, span) in left {
            if let Some(span) = span {
                return Err(Fault(
                    span,
                    format!("`{key}` means nothing without `url`: add that, or remove it"),
                ));
            }
        }
        Ok(())
    }
}

fn link(written: Spanned<String>) -> Result<String, Fault> {
    let text = written.get_ref();
    let fine = text.contains("{hold}") && is_http(&text.replace("{hold}", "1")) && !text.contains(['<', '>']);
    if fine {
        return Ok(written.into_inner());
    }
    let message = format!("\"{text}\" is no link to a hold: write https://host/path/{{hold}}");
    Err(Fault(written.span(), message))
}
