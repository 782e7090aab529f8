//! A test of a policy, ready to be asked.

use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;

use crate::question::Question;

/// A test, ready to be asked.
#[derive(Debug, Clone)]
pub struct Test {
    /// The question.
    pub question: Question,
    /// The verdict it must get.
    pub expect: Verdict,
    /// The question as written.
    pub shown: String,
    /// The file the test stands in.
    pub file: String,
    /// Its line.
    pub line: usize,
    /// Its column.
    pub column: usize,
}

/// Whether an operation on a path follows a link in the path's last component.
#[must_use]
pub fn follows_last(operation: Operation) -> bool {
    !matches!(operation, Operation::Create | Operation::Delete | Operation::Rename | Operation::Link)
}
