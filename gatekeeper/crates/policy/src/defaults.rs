//! The verdicts where no rule matches, and on operations that no rule can match.

use gatekeeper_common::image::{COLUMNS, Row};
use gatekeeper_common::limits::ARGUMENT_BYTES;
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::{Cell, RULE_DEFAULT, Verdict};

use crate::document::{Document, Required};

/// The defaults of a policy and all it extends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Defaults {
    /// For programs.
    pub exec: Verdict,
    /// For files.
    pub file: Verdict,
    /// For addresses.
    pub net: Verdict,
    /// For UNIX sockets.
    pub unix: Verdict,
    /// For signals.
    pub signal: Verdict,
    /// For capabilities.
    pub capability: Verdict,
    /// For making an `io_uring`.
    pub io_uring: Verdict,
    /// For making a user namespace.
    pub user_namespaces: Verdict,
    /// Bytes of arguments that a program may have where a rule looks at them.
    pub arguments: u32,
    /// Classes of operations that may pass only if they are recorded.
    pub required: Required,
}

impl Default for Defaults {
    fn default() -> Self {
        let deny = Verdict::Deny;
        Self {
            exec: deny,
            file: deny,
            net: deny,
            unix: deny,
            signal: deny,
            capability: deny,
            io_uring: Verdict::Allow,
            user_namespaces: deny,
            arguments: ARGUMENT_BYTES,
            required: Required::default(),
        }
    }
}

impl Defaults {
    /// For an operation.
    #[must_use]
    pub fn of(&self, operation: Operation) -> Verdict {
        match (operation, operation.family()) {
            // A mapping needs what an exec needs or what a file needs.
            (Operation::Map, _) => self.exec.max(self.file),
            // Changing who runs a program takes a rule that allows it.
            (Operation::Setuid, _) => Verdict::Deny,
            (Operation::Uring, _) => self.io_uring,
            (Operation::Namespace, _) => self.user_namespaces,
            (_, Family::Exec) => self.exec,
            (_, Family::File) => self.file,
            (_, Family::Net) => self.net,
            (_, Family::Unix) => self.unix,
            (_, Family::Signal) => self.signal,
            (_, Family::Capability) => self.capability,
            (_, Family::Builtin | Family::Kernel) => Verdict::Deny,
        }
    }

    /// For an operation, as a cell.
    #[must_use]
    pub fn cell(&self, operation: Operation) -> Cell {
        let cell = Cell::new(self.of(operation), RULE_DEFAULT);
        if self.required.holds(operation.family()) { cell.required() } else { cell }
    }

    /// The cells of every operation.
    #[must_use]
    pub fn row(&self) -> Row {
        let mut row = [Cell::NO_RULE; COLUMNS];
        for operation in Operation::ALL {
            row[operation as usize] = self.cell(operation);
        }
        row
    }

    /// Each with the name that policies and output use.
    #[must_use]
    pub fn named(&self) -> [(&'static str, Verdict); 8] {
        [
            ("exec", self.exec),
            ("file", self.file),
            ("net", self.net),
            ("unix", self.unix),
            ("signal", self.signal),
            ("capability", self.capability),
            ("io_uring", self.io_uring),
            ("user_namespaces", self.user_namespaces),
        ]
    }

    /// The strictest of all documents; where none has a verdict, that of [`Defaults::default`].
    pub fn of_all<'a>(documents: &(impl Iterator<Item = &'a Document> + Clone)) -> Self {
        fn strictest<V: Into<Verdict>>(given: impl Iterator<Item = Option<V>>, fallback: Verdict) -> Verdict {
            given.flatten().map(Into::into).max().unwrap_or(fallback)
        }
        let fallback = Self::default();
        let tables = || documents.clone().map(|document| &document.defaults);
        let kernel = || documents.clone().map(|document| &document.kernel);
        let arguments = tables().filter_map(|table| Some(*table.arguments.as_ref()?.get_ref()));
        Self {
            exec: strictest(tables().map(|table| table.exec), fallback.exec),
            file: strictest(tables().map(|table| table.file), fallback.file),
            net: strictest(tables().map(|table| table.net), fallback.net),
            unix: strictest(tables().map(|table| table.unix), fallback.unix),
            signal: strictest(tables().map(|table| table.signal), fallback.signal),
            capability: strictest(tables().map(|table| table.capability), fallback.capability),
            io_uring: strictest(kernel().map(|table| table.io_uring), fallback.io_uring),
            user_namespaces: strictest(kernel().map(|table| table.user_namespaces), fallback.user_namespaces),
            arguments: arguments.min().unwrap_or(fallback.arguments),
            required: documents
                .clone()
                .map(|document| document.record.required())
                .fold(Required::default(), Required::union),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    #[test]
    fn the_strictest_document_counts() {
        let texts = [
            "version = 1\n[defaults]\nunix = 'allow'\narguments = 4096\n[kernel]\nio_uring = 'deny'\n",
            "version = 1\n[defaults]\nunix = 'audit'\narguments = 9000\n[kernel]\nio_uring = 'allow'\n\
             user_namespaces = 'audit'\n",
        ];
        let parse = |text: &str| Document::parse(&Source::new("t", None, text.to_owned())).unwrap();
        let documents = texts.map(parse);
        let defaults = Defaults::of_all(&documents.iter());
        assert_eq!((defaults.unix, defaults.signal), (Verdict::Audit, Verdict::Deny));
        assert_eq!((defaults.io_uring, defaults.user_namespaces), (Verdict::Deny, Verdict::Audit));
        assert_eq!(defaults.arguments, 4096);
        assert_eq!(Defaults::of_all(&[].iter()), Defaults::default());
    }

    #[test]
    fn every_operation_has_a_cell() {
        let row = Defaults::default().row();
        for operation in Operation::ALL {
            let expected = if operation == Operation::Uring { Verdict::Allow } else { Verdict::Deny };
            assert_eq!(row[operation as usize].verdict(), Some(expected), "{operation:?}");
        }
        let open = Defaults { exec: Verdict::Allow, ..Defaults::default() };
        assert_eq!(open.of(Operation::Setuid), Verdict::Deny);
        assert_eq!(open.of(Operation::Map), Verdict::Deny);
    }
}
