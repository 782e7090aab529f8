//! `[[export]]` of the configuration, as written and as checked.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

pub use super::http::Url;
pub use super::syslog::Address;
use crate::setting::{Fault, between_or, directory};
use gatekeeper_policy::is_policy_name;

/// The refusal of exports to a collector by a program without them.
pub(super) const OTLP_NOT_BUILT_IN: &str = "this gatekeeper was built without exports of kind \"otlp\"\n  help: use a build with the feature `export-otlp`, or another kind of export";

/// A target for records, and the settings of sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its name; its cursor's, too.
    pub name: String,
    /// The target.
    pub target: Target,
    /// Records sent at once, at most.
    pub batch: usize,
    /// The time that the other end may take.
    pub timeout: Duration,
    /// The record with which a new export begins.
    pub since: Since,
}

/// A target for records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// An OpenTelemetry collector.
    Otlp(Url),
    /// A webhook; records are signed.
    Webhook {
        /// The address.
        url: Url,
        /// The file with the secret.
        secret: PathBuf,
    },
    /// A syslog server.
    Syslog {
        /// Its address.
        address: Address,
        /// For TLS: certificates of authorities; the system's where left out.
        ca: Option<PathBuf>,
        /// The facility's number.
        facility: u8,
    },
    /// systemd's journal.
    Journald {
        /// Its socket.
        socket: PathBuf,
    },
    /// A file.
    File {
        /// Its path.
        path: PathBuf,
    },
}

impl Target {
    /// The word for it in the configuration.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Otlp(_) => "otlp",
            Self::Webhook { .. } => "webhook",
            Self::Syslog { .. } => "syslog",
            Self::Journald { .. } => "journald",
            Self::File { .. } => "file",
        }
    }
}

/// The record with which a new export begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Since {
    /// With the oldest record that is kept.
    #[default]
    Beginning,
    /// With the next record.
    Now,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Otlp,
    Webhook,
    Syslog,
    Journald,
    File,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Facility {
    Daemon = 3,
    Auth = 4,
    Authpriv = 10,
    Audit = 13,
    Local0 = 16,
    Local1,
    Local2,
    Local3,
    Local4,
    Local5,
    Local6,
    Local7,
}

/// One export as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    name: Spanned<String>,
    kind: Spanned<Kind>,
    url: Option<Spanned<String>>,
    address: Option<Spanned<String>>,
    path: Option<Spanned<PathBuf>>,
    socket: Option<Spanned<PathBuf>>,
    ca: Option<Spanned<PathBuf>>,
    token_file: Option<Spanned<PathBuf>>,
    secret_file: Option<Spanned<PathBuf>>,
    facility: Option<Spanned<Facility>>,
    batch: Option<Spanned<usize>>,
    timeout_seconds: Option<Spanned<u64>>,
    #[serde(default)]
    since: Since,
}

/// Checks all exports.
///
/// # Errors
/// Where a value is none of its kind, a key is missing, or a name is used twice; the fault names the place.
pub fn check(tables: Vec<Spanned<Table>>) -> Result<Vec<Export>, Fault> {
    let mut exports: Vec<Export> = Vec::new();
    for table in tables {
        let span = table.span();
        let table = table.into_inner();
        let name = table.name.span();
        let export = table.check(span)?;
        if exports.iter().any(|other| other.name == export.name) {
            let message = format!("\"{}\" is another export's name: give each one of its own", export.name);
            return Err(Fault(name, message));
        }
        exports.push(export);
    }
    Ok(exports)
}

impl Table {
    fn check(mut self, span: Range<usize>) -> Result<Export, Fault> {
        let name = self.name.get_ref().clone();
        if !is_policy_name(&name) {
            let message = format!(
                "\"{name}\" is not an export's name: use letters, digits, \"-\", \"_\" and \".\" (its cursor is <state>/export/<name>.json)"
            );
            return Err(Fault(self.name.span(), message));
        }
        let paths = |path: Option<Spanned<PathBuf>>| path.map(directory).transpose();
        let target = match *self.kind.get_ref() {
            Kind::Otlp if !cfg!(feature = "export-otlp") => {
                return Err(Fault(self.kind.span(), OTLP_NOT_BUILT_IN.to_owned()));
            }
            Kind::Otlp => Target::Otlp(self.http(&span)?),
            Kind::Webhook => {
                let secret = needed(self.secret_file.take(), "secret_file", "webhook", &span)?;
                Target::Webhook { secret: directory(secret)?, url: self.http(&span)? }
            }
            Kind::Syslog => {
                let address = address(&needed(self.address.take(), "address", "syslog", &span)?)?;
                let ca = match address {
                    Address::Tls(_) => paths(self.ca.take())?,
                    _ => None,
                };
                let facility = self.facility.take().map_or(Facility::Audit, Spanned::into_inner);
                Target::Syslog { address, ca, facility: facility as u8 }
            }
            Kind::Journald => {
                let socket = paths(self.socket.take())?;
                Target::Journald { socket: socket.unwrap_or_else(|| "/run/systemd/journal/socket".into()) }
            }
            Kind::File => Target::File { path: directory(needed(self.path.take(), "path", "file", &span)?)? },
        };
        self.nothing_left(target.kind())?;
        Ok(Export {
            name,
            target,
            batch: between_or(self.batch, 500, 1, 10_000)?,
            timeout: between_or(self.timeout_seconds, 10, 1, 300).map(Duration::from_secs)?,
            since: self.since,
        })
    }

    fn http(&mut self, span: &Range<usize>) -> Result<Url, Fault> {
        let url = needed(self.url.take(), "url", "HTTP", span)?;
        must_be_http(&url)?;
        let secure = url.get_ref().starts_with("https:");
        let ca = if secure { self.ca.take().map(directory).transpose()? } else { None };
        let token = self.token_file.take().map(directory).transpose()?;
        Ok(Url { url: url.into_inner(), ca, token })
    }

    /// Refuses settings that were written for another kind.
    fn nothing_left(&self, kind: &str) -> Result<(), Fault> {
        let left = [
            ("url", self.url.as_ref().map(Spanned::span)),
            ("address", self.address.as_ref().map(Spanned::span)),
            ("path", self.path.as_ref().map(Spanned::span)),
            ("socket", self.socket.as_ref().map(Spanned::span)),
            ("ca", self.ca.as_ref().map(Spanned::span)),
            ("token_file", self.token_file.as_ref().map(Spanned::span)),
            ("secret_file", self.secret_file.as_ref().map(Spanned::span)),
            ("facility", self.facility.as_ref().map(Spanned::span)),
        ];
        for (key, span) in left {
            if let Some(span) = span {
                let why = if key == "ca" { " without TLS" } else { "" };
                return Err(Fault(span, format!("`{key}` means nothing to a {kind} export{why}: remove it")));
            }
        }
        Ok(())
    }
}

/// Says where a value is not an address on the web.
///
/// # Errors
/// Where it is not.
pub fn must_be_http(url: &Spanned<String>) -> Result<(), Fault> {
    if is_http(url.get_ref()) {
        return Ok(());
    }
    let message =
        format!("\"{}\" is not an address: write http://host:port/path, or https://…", url.get_ref());
    Err(Fault(url.span(), message))
}

/// Whether this is an address on the web.
#[must_use]
pub fn is_http(url: &str) -> bool {
    let fine =
        |uri: &ureq::http::Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
    url.parse::<ureq::http::Uri>().as_ref().is_ok_and(fine)
}

fn needed<T>(value: Option<T>, key: &str, kind: &str, table: &Range<usize>) -> Result<T, Fault> {
    let missing = || Fault(table.clone(), format!("this {kind} export lacks `{key}`: add it"));
    value.ok_or_else(missing)
}

fn address(written: &Spanned<String>) -> Result<Address, Fault> {
    let text = written.get_ref();
    let port = |to: &str| {
        let (host, port) = to.rsplit_once(':')?;
        let bracketed = host.starts_with('[') && host.ends_with(']');
        let fine = !host.is_empty() && (bracketed || !host.contains([':', '/']));
        (fine && port.parse::<u16>().is_ok_and(|port| port > 0)).then(|| to.to_owned())
    };
    let found = match text.split_once(':') {
        Some(("unix", path)) if path.starts_with('/') => Some(Address::Unix(path.into())),
        Some(("tcp", rest)) => rest.strip_prefix("//").and_then(port).map(Address::Tcp),
        Some(("tls", rest)) => rest.strip_prefix("//").and_then(port).map(Address::Tls),
        _ => None,
    };
    found.ok_or_else(|| {
        let message = format!(
            "\"{text}\" is not a syslog server: write \"unix:/dev/log\", \"tcp://host:601\" or \"tls://host:6514\""
        );
        Fault(written.span(), message)
    })
}
