//! News from the daemon, and their effect on the state.

use std::time::Duration;

use super::{DEAF, Mode, State, Waiting};
use crate::protocol::summary::Summary;
use gatekeeper_record::decision::{Decision, GrantScope, HoldId, Person};
use gatekeeper_record::held::Held;
use gatekeeper_record::record::Record;
use gatekeeper_record::safe_text;

/// Records kept.
const RECORDS: usize = 5_000;

/// News from the daemon.
#[derive(Debug)]
pub enum News {
    /// The daemon answers, and the list of holds begins anew.
    HoldsAnew,
    /// The daemon does not answer, or says no.
    Away(String),
    /// Something waits.
    Hold(Box<Held>),
    /// An open hold has changed.
    Amended {
        /// Which hold.
        hold: HoldId,
        /// People who have approved so far.
        approved: Vec<Person>,
        /// Holds denied unshown, where the session asks too often.
        flood: Option<u64>,
    },
    /// A hold is no longer open.
    Gone(HoldId),
    /// The list of records begins anew.
    RecordsAnew,
    /// Something happened.
    Record(Box<Record>),
    /// The sessions that are open.
    Sessions(Vec<Summary>),
    /// Result of an answer.
    Decided {
        /// The daemon's decision.
        decision: Box<Decision>,
        /// The scope that was asked for.
        asked: GrantScope,
    },
    /// Error, in words.
    Trouble(String),
}

impl State {
    /// Takes in news.
    pub fn receive(&mut self, news: News) {
        match news {
            News::HoldsAnew => {
                self.holds.clear();
                self.unselect();
                self.away = None;
            }
            News::Away(why) => self.away = Some(safe_text::exact(&why.replace('\n', " "))),
            News::Hold(held) => {
                self.bell = true;
                let until = self.now + Duration::from_secs(held.seconds_left);
                self.holds.insert(held.hold, Waiting { held: *held, until });
            }
            News::Amended { hold, approved, flood } => {
                if let Some(Waiting { held, .. }) = self.holds.get_mut(&hold) {
                    (held.approved_by, held.flood_denied) = (approved, flood);
                }
            }
            News::Gone(hold) => self.gone(hold),
            News::RecordsAnew => self.records.clear(),
            News::Record(record) => {
                self.records.push_back(*record);
                if self.records.len() > RECORDS {
                    self.records.pop_front();
                }
            }
            News::Sessions(sessions) => self.sessions = sessions,
            News::Decided { decision, asked } => {
                let narrowed = decision.narrowed(asked).map(|less| format!("; {less}")).unwrap_or_default();
                self.note = safe_text::exact(&format!("{decision}{narrowed}"));
            }
            News::Trouble(trouble) => self.note = safe_text::exact(&trouble.replace('\n', " ")),
        }
    }

    fn gone(&mut self, hold: HoldId) {
        self.holds.remove(&hold);
        if self.selected == Some(hold) {
            if matches!(self.mode, Mode::Confirming(..)) {
                self.note = format!("hold {hold} waits no more: no decision was sent");
                self.deaf = self.now + DEAF;
            }
            self.unselect();
        }
    }
}
