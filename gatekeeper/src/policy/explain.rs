//! What a policy says of one operation, and why: the image is walked with the kernel's own step.

use std::net::SocketAddr;

use gatekeeper_common::image::Protocol;
use gatekeeper_common::limits::{COMPONENTS, NAME_BYTES, PATH_BYTES};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cause, Cell, RULE_DEFAULT, Verdict, map_cell};

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
    /// Why the kernel would deny it without looking at a rule.
    #[must_use]
    pub fn doubt(&self) -> Option<Cause> {
        let (Self::Exec(path) | Self::File(path, _)) = self else { return None };
        let mut names = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        if path.len() > PATH_BYTES || names.clone().any(|name| name.len() > NAME_BYTES) {
            return Some(Cause::TooLong);
        }
        names.nth(COMPONENTS as usize).map(|_| Cause::TooDeep)
    }

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
    /// Why it does not pass, beyond the policy itself.
    pub cause: Cause,
}

impl Explanation<'_> {
    /// Whether the operation passes.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.verdict <= Verdict::Audit
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
        let doubt = question.doubt().is_some();
        let cell = |operation: Operation| {
            if doubt {
                return Cell::new(Verdict::Deny, RULE_DEFAULT);
            }
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
        let verdict = cell.verdict().unwrap_or(Verdict::Deny);
        let rule = self.rules.get(cell.rule());
        let doubt = question.doubt();
        let speaks = |other: &&Rule| {
            rule.is_none_or(|rule| rule.number != other.number)
                && reference::speaks(other, operation, question)
        };
        let asked = if verdict == Verdict::Ask { Cause::NobodyToAsk } else { Cause::Policy };
        Explanation {
            verdict,
            operation,
            rule,
            also: self.rules.iter().filter(|_| doubt.is_none()).filter(speaks).collect(),
            cause: doubt.unwrap_or(asked),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::tests::compile;

    const TEXT: &str = "version = 1\nname = 't'\n[[file]]\nverdict = 'allow'\npath = ['/a/**']\n\
        [[file]]\nid = 'b'\nverdict = 'ask'\npath = ['**/b']\naccess = ['write']\nreason = 'why'\n";

    fn file(path: &[u8], operations: &[Operation]) -> Question {
        Question::File(path.to_vec(), operations.to_vec())
    }

    #[test]
    fn the_strictest_of_several_accesses_decides() {
        let compiled = compile(TEXT).unwrap();
        let answer = compiled.explain(&file(b"/a/b", &[Operation::Read, Operation::Write]));
        assert_eq!((answer.verdict, answer.operation), (Verdict::Ask, Operation::Write));
        assert_eq!(answer.rule.unwrap().id, "t/b");
        assert_eq!(answer.also.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ["t/file-1"]);
        assert_eq!((answer.passes(), answer.cause), (false, Cause::NobodyToAsk));
        let answer = compiled.explain(&file(b"/a/b", &[Operation::Read]));
        assert!(answer.passes() && answer.cause == Cause::Policy);
    }

    #[test]
    fn what_the_kernel_does_not_resolve_is_denied() {
        let compiled = compile(TEXT).unwrap();
        let deep = [b"/a".as_slice(), &b"/x".repeat(254)].concat();
        assert!(compiled.explain(&file(&deep, &[Operation::Read])).passes());
        let answer = [deep.as_slice(), b"/x"].concat();
        let answer = compiled.explain(&file(&answer, &[Operation::Read]));
        assert_eq!(
            (answer.verdict, answer.cause, answer.rule.is_none()),
            (Verdict::Deny, Cause::TooDeep, true)
        );
        for long in [
            [b"/a/".as_slice(), &b"x".repeat(256)].concat(),
            [b"/a".as_slice(), &b"/xxxxx".repeat(683)].concat(),
        ] {
            assert_eq!(compiled.explain(&file(&long, &[Operation::Read])).cause, Cause::TooLong);
        }
    }
}
