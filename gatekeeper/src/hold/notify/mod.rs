//! Notices to people that something waits for them: on their desktops, and through a webhook. A notice names the
//! place to decide; nothing in it decides.

mod desktop;
mod outbox;
#[cfg(test)]
pub(crate) mod tests;
mod text;
mod webhook;

use std::io;

use crate::config::notify::Setting;
use gatekeeper_record::decision::Decision;
use gatekeeper_record::held::Held;
use webhook::Sender;

use crate::protocol::status::NoticeState;

/// The senders of notices.
#[derive(Debug, Default)]
pub struct Notifier {
    desktop: bool,
    link: Option<String>,
    webhook: Option<Sender>,
}

impl Notifier {
    /// Starts the senders.
    ///
    /// # Errors
    /// Where there is no thread to be had.
    pub fn start(setting: &Setting) -> io::Result<Self> {
        let webhook = setting.webhook.clone().map(Sender::start).transpose()?;
        Ok(Self { desktop: setting.desktop, link: setting.link.clone(), webhook })
    }

    /// Whether the thread that sends notices has ended, which it must not.
    pub fn has_ended(&self) -> bool {
        self.webhook.as_ref().is_some_and(Sender::has_ended)
    }

    /// Announces that a hold waits for people. Never waits itself.
    pub fn asks(&self, held: &Held) {
        let link = self.link.as_ref().map(|link| link.replace("{hold}", &held.hold.to_string()));
        if let Some(webhook) = &self.webhook {
            webhook.asks(held, link.as_deref());
        }
        if self.desktop {
            desktop::notify(held, link.as_deref());
        }
    }

    /// Announces that a hold waits no more.
    pub fn decided(&self, decision: &Decision) {
        if let Some(webhook) = &self.webhook {
            webhook.decided(decision);
        }
    }

    /// The state of the webhook, where there is one.
    #[must_use]
    pub fn state(&self) -> Option<NoticeState> {
        self.webhook.as_ref().map(Sender::state)
    }
}
