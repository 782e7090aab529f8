//! `[checks]` of the configuration.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use gatekeeper_trail::setting::{Fault, between_or, directory};

/// The settings, as checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Hashes of programs whose requests are allowed.
    pub allowed: Option<PathBuf>,
    /// Hashes of those that may not.
    pub denied: Option<PathBuf>,
    /// The user that programs that check run as.
    pub user: String,
    /// The time that one may take.
    pub time: Duration,
}

impl Default for Setting {
    fn default() -> Self {
        Self { allowed: None, denied: None, user: "nobody".to_owned(), time: Duration::from_secs(10) }
    }
}

/// The settings, as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Table {
    allowed: Option<Spanned<PathBuf>>,
    denied: Option<Spanned<PathBuf>>,
    user: Option<Spanned<String>>,
    seconds: Option<Spanned<u64>>,
}

impl Table {
    /// Checks it.
    ///
    /// # Errors
    /// Where a value is none.
    pub fn check(self) -> Result<Setting, Fault> {
        let usual = Setting::default();
        let user = |name: Spanned<String>| match name.get_ref().as_str() {
            "" | "root" | "0" => {
                let message = format!("checks can't run as \"{}\": name an ordinary user", name.get_ref());
                Err(Fault(name.span(), message))
            }
            _ => Ok(name.into_inner()),
        };
        Ok(Setting {
            allowed: self.allowed.map(directory).transpose()?,
            denied: self.denied.map(directory).transpose()?,
            user: self.user.map_or(Ok(usual.user), user)?,
            time: between_or(self.seconds, usual.time.as_secs(), 1, 300).map(Duration::from_secs)?,
        })
    }
}
