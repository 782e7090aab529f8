//! The policy's own tests, checked whenever it is compiled: one that fails refuses the policy.

use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;
use toml::Spanned;

use super::address::parse_exact;
use super::compile::Compiled;
use super::document::{ProtocolWord, TestTable};
use super::error::PolicyError;
use super::explain::Question;
use super::extends::Loaded;
use super::links::{Links, real_path};
use super::rules::{Rule, filled};
use super::source::Source;
use super::vars::{Scope, Use};

/// A test, ready to be asked.
#[derive(Debug, Clone)]
pub struct Test {
    /// What is asked.
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

/// Reads the tests of a document.
pub fn tests_of(loaded: &Loaded, scope: &Scope<'_>, links: &dyn Links) -> Result<Vec<Test>, PolicyError> {
    loaded.document.test.iter().map(|table| read(&loaded.source, table, scope, links)).collect()
}

fn read(
    source: &Source,
    table: &Spanned<TestTable>,
    scope: &Scope<'_>,
    links: &dyn Links,
) -> Result<Test, PolicyError> {
    let test = table.get_ref();
    let misplaced = |key: &str, kind: &str| {
        source.error(table.span(), format!("`{key}` belongs to a test with `{kind}`"), "remove it")
    };
    if test.access.is_some() && test.file.is_none() {
        return Err(misplaced("access", "file"));
    }
    if (test.protocol.is_some() || test.operation.is_some()) && test.net.is_none() {
        return Err(misplaced(if test.protocol.is_some() { "protocol" } else { "operation" }, "net"));
    }
    let expand = |text: &str, span: std::ops::Range<usize>| {
        scope.expand(text, Use::Plain).map_err(|error| source.problem(span, &error))
    };
    let (question, shown) = match (&test.exec, &test.file, &test.net) {
        (Some(argv), None, None) => {
            let list = filled(source, argv, "exec")?;
            let path = absolute(source, argv.span(), expand(&list[0], argv.span())?)?;
            (Question::Exec(real_path(&path, links, true)), format!("exec {}", list.join(" ")))
        }
        (None, Some(file), None) => {
            let access = test.access.as_ref().ok_or_else(|| {
                source.error(table.span(), "a test with `file` needs `access`", "add `access = \"read\"`")
            })?;
            let list = access.get_ref().as_slice();
            if list.is_empty() {
                return Err(source.error(access.span(), "`access` is an empty list", "name an access"));
            }
            let operations: Vec<Operation> = list.iter().map(|access| (*access).into()).collect();
            let path = absolute(source, file.span(), expand(file.get_ref(), file.span())?)?;
            let path = real_path(&path, links, operations.iter().copied().all(follows_last));
            let words: Vec<_> = operations.iter().map(|operation| operation.name()).collect();
            (Question::File(path, operations), format!("{} {}", words.join("+"), file.get_ref()))
        }
        (None, None, Some(net)) => {
            let text = String::from_utf8_lossy(&expand(net.get_ref(), net.span())?).into_owned();
            let address = parse_exact(&text).map_err(|error| source.problem(net.span(), &error))?;
            let protocol = match test.protocol {
                None | Some(ProtocolWord::Tcp) => Protocol::Tcp,
                Some(ProtocolWord::Udp) => Protocol::Udp,
                Some(ProtocolWord::Any) => {
                    return Err(source.error(
                        table.span(),
                        "a test is about one protocol",
                        "write tcp or udp",
                    ));
                }
            };
            let operation = test.operation.map_or(Operation::Connect, Operation::from);
            (Question::Net(address, protocol, operation), format!("{} {text}", operation.name()))
        }
        _ => {
            return Err(source.error(
                table.span(),
                "a test asks about exactly one of `exec`, `file` and `net`",
                "keep one of them, and write another test for the other",
            ));
        }
    };
    let (line, column) = source.position(table.span().start);
    let expect = test.expect.into();
    Ok(Test { question, expect, shown, file: source.name.clone(), line, column })
}

fn absolute(source: &Source, span: std::ops::Range<usize>, path: Vec<u8>) -> Result<Vec<u8>, PolicyError> {
    if path.starts_with(b"/") {
        return Ok(path);
    }
    let problem = format!("`{}` is not an absolute path", String::from_utf8_lossy(&path));
    Err(source.error(span, problem, "begin it with `/` or `${workspace}/`"))
}

/// Asks every test; the first that fails refuses the policy.
pub fn run(compiled: &Compiled, tests: &[Test]) -> Result<(), PolicyError> {
    tests.iter().try_for_each(|test| ask(compiled, test))
}

/// Asks one test.
pub fn ask(compiled: &Compiled, test: &Test) -> Result<(), PolicyError> {
    let (operation, cell) = compiled.judge(&test.question);
    match cell.verdict().unwrap_or(Verdict::Deny) {
        verdict if verdict == test.expect => Ok(()),
        verdict => Err(failed(test, operation, verdict, compiled.rules.get(cell.rule()))),
    }
}

fn failed(test: &Test, operation: Operation, verdict: Verdict, rule: Option<&Rule>) -> PolicyError {
    let spoke = match rule {
        Some(rule) if rule.line > 0 => format!("rule {} ({}:{})", rule.id, rule.file, rule.line),
        Some(rule) => format!("rule {}", rule.id),
        None if operation == Operation::Map => "no rule, and [defaults] exec and file".to_owned(),
        None => format!("no rule, and [defaults] {}", operation.family().name()),
    };
    let (shown, got, expect) = (&test.shown, verdict.name(), test.expect.name());
    let problem = format!("test failed: {shown} gives {got}, expected {expect}; {spoke} spoke");
    let mend = "change the rules until it holds, or correct what the test expects".to_owned();
    PolicyError { file: test.file.clone(), line: test.line, column: test.column, problem, mend }
}
