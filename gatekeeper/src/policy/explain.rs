//! What a policy says of one operation, and why: the image is walked with the kernel's own step.

use std::net::SocketAddr;

use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cause, Cell, Verdict, map_cell};

use super::compile::Compiled;
use super::reference;
use super::rules::Rule;

/// Something a task may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Start the program at this real path.
    Exec(Vec<u8>),
    /// Use the file at this real path in all these ways at once.
    File(Vec<u8>, Vec<Operation>),
    /// Use an address.
    Net(SocketAddr, Protocol, Operation),
}

impl Question {
    /// The operations asked for.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        match self {
            Self::Exec(_) => vec![Operation::Exec],
            Self::File(_, operations) => operations.clone(),
            Self::Net(_, _, operation) => vec![*operation],
        }
    }
}

/// The answer to a question.
#[derive(Debug, Clone)]
pub struct Explanation<'a> {
    /// What the policy says.
    pub verdict: Verdict,
    /// The operation that decided, where several were asked for: the one judged strictest.
    pub operation: Operation,
    /// The rule that decided; `None` where the default did.
    pub rule: Option<&'a Rule>,
    /// Every other rule that speaks of the same operation on the same object.
    pub also: Vec<&'a Rule>,
}

impl Explanation<'_> {
    /// Whether the operation passes.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.verdict <= Verdict::Audit
    }

    /// Why it does not pass, beyond the policy itself.
    #[must_use]
    pub fn cause(&self) -> Cause {
        if self.verdict == Verdict::Ask { Cause::NobodyToAsk } else { Cause::Policy }
    }
}

impl Compiled {
    /// The deciding cell for one operation, as the kernel finds it.
    #[must_use]
    pub fn judge(&self, question: &Question) -> (Operation, Cell) {
        let defaults = &self.image.header().defaults;
        let row = match question {
            Question::Exec(path) | Question::File(path, _) => self.image.path_row(path),
            Question::Net(address, protocol, _) => self.image.net_row(*address, *protocol),
        };
        let cell = |operation: Operation| {
            let spoken = match operation {
                Operation::Map => map_cell(row[Operation::Exec as usize], row[Operation::Map as usize]),
                _ => row[operation as usize],
            };
            spoken.or(defaults[operation as usize])
        };
        let judged = question.operations().into_iter().map(|operation| (operation, cell(operation)));
        // The first of equals, so that the operation named is the one asked for first.
        judged
            .reduce(|best, next| if next.1 > best.1 { next } else { best })
            .unwrap_or((Operation::Read, Cell::SILENT))
    }

    /// The answer to a question, with the rules behind it.
    #[must_use]
    pub fn explain(&self, question: &Question) -> Explanation<'_> {
        let (operation, cell) = self.judge(question);
        let rule = self.rules.get(cell.rule());
        let speaks = |other: &&Rule| {
            rule.is_none_or(|rule| rule.number != other.number)
                && reference::speaks(other, operation, question)
        };
        Explanation {
            verdict: cell.verdict().unwrap_or(Verdict::Deny),
            operation,
            rule,
            also: self.rules.iter().filter(speaks).collect(),
        }
    }
}
