//! From the tables of tests to questions.

use std::ops::Range;

use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::Operation;
use toml::Spanned;

use super::test::{Test, follows_last};
use crate::address::parse_exact;
use crate::capability;
use crate::document::{Loaded, ProtocolWord, Reach, TestTable};
use crate::error::PolicyError;
use crate::links::{Links, real_path};
use crate::question::{Question, Start};
use crate::rules::signal::signal;
use crate::signal;
use crate::source::Source;
use crate::vars::{Scope, Use};

/// Reads the tests of a document.
///
/// # Errors
/// Where one asks no question, or more than one, or names what can't be.
pub fn tests_of(loaded: &Loaded, scope: &Scope<'_>, links: &dyn Links) -> Result<Vec<Test>, PolicyError> {
    let source = &loaded.source;
    let read = |table| Reader { source, scope, links, table }.read();
    loaded.document.test.iter().map(read).collect()
}

struct Reader<'a> {
    source: &'a Source,
    scope: &'a Scope<'a>,
    links: &'a dyn Links,
    table: &'a Spanned<TestTable>,
}

impl Reader<'_> {
    fn read(&self) -> Result<Test, PolicyError> {
        let test = self.table.get_ref();
        self.check_keys(test)?;
        let (question, shown) = if let Some(argv) = &test.exec {
            self.exec(test, argv)?
        } else if let Some(file) = &test.file {
            self.file(test, file)?
        } else if let Some(net) = &test.net {
            self.net(test, net)?
        } else if let Some(path) = &test.unix {
            let operation = self.unix_operation(test)?;
            (
                Question::Unix(self.path(path, true)?, operation),
                format!("{} {}", operation.name(), path.get_ref()),
            )
        } else if let Some(name) = &test.name {
            let operation = self.unix_operation(test)?;
            let name = self.expand(name.get_ref(), name.span())?;
            let shown = format!("{} @{}", operation.name(), String::from_utf8_lossy(&name));
            (Question::Unix([&[0], name.as_slice()].concat(), operation), shown)
        } else if let Some(word) = &test.signal {
            let program = test.program.as_ref().ok_or_else(|| {
                let help = "add `program = \"/usr/bin/…\"`";
                self.error("a test with `signal` needs the `program` that the target runs", help)
            })?;
            let number = signal(self.source, word)?;
            let shown = format!("signal {} {}", signal::name(number), program.get_ref());
            (Question::Signal(number, self.path(program, true)?), shown)
        } else if let Some(name) = &test.capability {
            let number = capability::number(name.get_ref())
                .map_err(|error| self.source.problem(name.span(), &error))?;
            (Question::Capability(number), format!("capability {}", capability::name(number)))
        } else {
            return Err(self.about_one());
        };
        let (line, column) = self.source.position(self.table.span().start);
        let (expect, file) = (test.expect.into(), self.source.name.clone());
        Ok(Test { question, expect, shown, file, line, column })
    }

    /// Exactly one question, and no key that belongs to another.
    fn check_keys(&self, test: &TestTable) -> Result<(), PolicyError> {
        let subjects = [
            test.exec.is_some(),
            test.file.is_some(),
            test.net.is_some(),
            test.unix.is_some(),
            test.name.is_some(),
            test.signal.is_some(),
            test.capability.is_some(),
        ];
        let [exec, file, net, unix, name, signal, _] = subjects;
        for (key, given, kind, belongs) in [
            ("argv0", test.argv0.is_some(), "exec", exec),
            ("env", test.env.is_some(), "exec", exec),
            ("setuid", test.setuid.is_some(), "exec", exec),
            ("access", test.access.is_some(), "file", file),
            ("protocol", test.protocol.is_some(), "net", net),
            ("operation", test.operation.is_some(), "net`, `unix` or `abstract", net || unix || name),
            ("program", test.program.is_some(), "signal", signal),
        ] {
            if given && !belongs {
                return Err(self.error(format!("`{key}` belongs to a test with `{kind}`"), "remove it"));
            }
        }
        if subjects.iter().filter(|given| **given).count() != 1 {
            return Err(self.about_one());
        }
        Ok(())
    }

    fn about_one(&self) -> PolicyError {
        self.error(
            "a test asks about exactly one of `exec`, `file`, `net`, `unix`, `abstract`, `signal` and `capability`",
            "keep one of them, and write another test for the other",
        )
    }

    fn exec(&self, test: &TestTable, argv: &Spanned<Vec<String>>) -> Result<(Question, String), PolicyError> {
        let list = self.source.non_empty(argv, "exec")?;
        let mut words =
            list.iter().map(|word| self.expand(word, argv.span())).collect::<Result<Vec<_>, _>>()?;
        let path = self.absolute(argv.span(), words[0].clone())?;
        let mut shown = format!("exec {}", list.join(" "));
        if let Some(name) = &test.argv0 {
            words[0] = name.clone().into_bytes();
            shown = format!("{shown} called {name}");
        }
        let mut env = Vec::new();
        if let Some(names) = &test.env {
            env = self.source.non_empty(names, "env")?.iter().map(|name| name.clone().into_bytes()).collect();
            shown = format!("{shown} with {}", names.get_ref().join(" "));
        }
        let setuid = test.setuid.unwrap_or(false);
        if setuid {
            shown.push_str(" setuid");
        }
        let program = real_path(&path, self.links, true);
        Ok((Question::Exec(Start { program, argv: words, env, setuid, ..Start::default() }), shown))
    }

    fn file(&self, test: &TestTable, file: &Spanned<String>) -> Result<(Question, String), PolicyError> {
        let access = test
            .access
            .as_ref()
            .ok_or_else(|| self.error("a test with `file` needs `access`", "add `access = \"read\"`"))?;
        let list = access.get_ref().as_slice();
        if list.is_empty() {
            return Err(self.source.error(access.span(), "`access` is an empty list", "name an access"));
        }
        let operations: Vec<Operation> = list.iter().map(|access| (*access).into()).collect();
        let path = self.path(file, operations.iter().copied().all(follows_last))?;
        let words: Vec<_> = operations.iter().map(|operation| operation.name()).collect();
        let shown = format!("{} {}", words.join("+"), file.get_ref());
        Ok((Question::File(path, operations), shown))
    }

    fn net(&self, test: &TestTable, address: &Spanned<String>) -> Result<(Question, String), PolicyError> {
        let shown = String::from_utf8_lossy(&self.expand(address.get_ref(), address.span())?).into_owned();
        let socket = parse_exact(&shown).map_err(|error| self.source.problem(address.span(), &error))?;
        let protocol = match test.protocol {
            None | Some(ProtocolWord::Tcp) => Protocol::Tcp,
            Some(ProtocolWord::Udp) => Protocol::Udp,
            Some(ProtocolWord::Any) => {
                return Err(self.error("a test is about one protocol", "write tcp or udp"));
            }
        };
        let operation = test.operation.map_or(Operation::Connect, Operation::from);
        Ok((Question::Net(socket, protocol, operation), format!("{} {shown}", operation.name())))
    }

    fn unix_operation(&self, test: &TestTable) -> Result<Operation, PolicyError> {
        match test.operation {
            None | Some(Reach::Connect) => Ok(Operation::UnixConnect),
            Some(Reach::Bind) => Ok(Operation::UnixBind),
            Some(Reach::Send) => Ok(Operation::UnixSend),
            Some(Reach::Listen | Reach::Accept) => Err(self.error(
                "of UNIX sockets `connect`, `bind` and `send` are judged, and nothing else",
                "write one of those",
            )),
        }
    }

    /// The real path of a path as written.
    fn path(&self, text: &Spanned<String>, last: bool) -> Result<Vec<u8>, PolicyError> {
        let path = self.absolute(text.span(), self.expand(text.get_ref(), text.span())?)?;
        Ok(real_path(&path, self.links, last))
    }

    fn expand(&self, text: &str, span: Range<usize>) -> Result<Vec<u8>, PolicyError> {
        self.scope.expand(text, Use::Plain).map_err(|error| self.source.problem(span, &error))
    }

    fn absolute(&self, span: Range<usize>, path: Vec<u8>) -> Result<Vec<u8>, PolicyError> {
        if path.starts_with(b"/") {
            return Ok(path);
        }
        let problem = format!("`{}` is not an absolute path", String::from_utf8_lossy(&path));
        Err(self.source.error(span, problem, "begin it with `/` or `${workspace}/`"))
    }

    fn error(&self, problem: impl Into<String>, help: &str) -> PolicyError {
        self.source.error(self.table.span(), problem, help)
    }
}
