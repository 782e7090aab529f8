//! The verdict on one operation, and the rules behind it: the image is walked with the kernel's own step.
#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use gatekeeper_common::automaton::DEAD;
use gatekeeper_common::image::{ARGUMENTS, ENVIRONMENT, Row};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cause, Cell, RULE_DEFAULT, Verdict, map_cell};

use crate::automaton::Automaton;
use crate::compiled::Compiled;
use crate::reference;
use crate::row::{NO_RULE, cell_of, row_of, strictest};
use crate::rules::Rule;

pub use crate::question::{Question, Start};

/// The answer to a question.
#[derive(Debug, Clone)]
pub struct Explanation<'a> {
    /// The policy's verdict.
    pub verdict: Verdict,
    /// The operation that decided, where several were asked for: the one judged strictest.
    pub operation: Operation,
    /// The rule that decided; `None` where the default did.
    pub rule: Option<&'a Rule>,
    /// Every other rule that matches the same operation on the same object.
    pub also_matched: Vec<&'a Rule>,
    /// The reason for a denial beyond the policy itself.
    pub cause: Cause,
    /// Whether it is denied without a rule being asked: the kernel would not resolve the object.
    pub unresolved: bool,
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
        let (operation, cell, _) = self.decide(question);
        (operation, cell)
    }

    /// The deciding cell, and the cause where it is denied without a rule being asked.
    fn decide(&self, question: &Question) -> (Operation, Cell, Option<Cause>) {
        let (row, unresolved) = match question.unresolved() {
            Some(cause) => (NO_RULE, Some(cause)),
            None => self.row(question),
        };
        let defaults = &self.image.header().defaults;
        let cell = |operation: Operation| {
            if unresolved.is_some() {
                return Cell::new(Verdict::Deny, RULE_DEFAULT);
            }
            let ruled = match operation {
                Operation::Map => {
                    let arguments_matter = row[ARGUMENTS].0 != DEAD;
                    map_cell(cell_of(&row, Operation::Exec), cell_of(&row, Operation::Map), arguments_matter)
                }
                _ => cell_of(&row, operation),
            };
            ruled.or(cell_of(defaults, operation))
        };
        let judged = question.operations().into_iter().map(|operation| (operation, cell(operation)));
        // The first of equals, so that the operation named is the one asked for first.
        let (operation, cell) = judged
            .reduce(|best, next| {
                let cell = best.1.strictest(next.1);
                if next.1 > best.1 { (next.0, cell) } else { (best.0, cell) }
            })
            .unwrap_or((Operation::Read, Cell::NO_RULE));
        (operation, cell, unresolved)
    }

    /// The row of a question's object, and the cause where it is denied without a rule being asked.
    fn row(&self, question: &Question) -> (Row, Option<Cause>) {
        let (image, header) = (&self.image, self.image.header());
        let row = match question {
            Question::Exec(start) => return self.exec_row(start),
            Question::File(path, _) => image.path_row(path),
            Question::Net(address, protocol, _) => image.net_row(*address, *protocol),
            Question::Unix(word, _) => image.row(Automaton::Unix, word),
            Question::Signal(number, path) => {
                image.row(Automaton::Signal, &[&[*number], path.as_slice()].concat())
            }
            Question::Capability(number) => {
                let cell = header.capabilities.get(usize::from(*number)).copied();
                row_of(Operation::Capability, cell.unwrap_or(Cell::NO_RULE))
            }
        };
        (row, None)
    }

    /// The program's own row, and those of its arguments and of each variable where some rule asks.
    fn exec_row(&self, start: &Start) -> (Row, Option<Cause>) {
        let mut row = self.image.path_row(&start.program);
        let [arguments, environment] = [row[ARGUMENTS].0, row[ENVIRONMENT].0];
        if arguments != DEAD {
            let Some(found) = self.image.arguments_row(arguments, start) else {
                return (row, Some(Cause::Arguments));
            };
            row = strictest(&row, &found);
        }
        if environment != DEAD {
            for name in &start.env {
                row = strictest(&row, &self.image.row_from(environment, name));
            }
        }
        (row, None)
    }

    /// The answer to a question, with the rules behind it.
    #[must_use]
    pub fn explain(&self, question: &Question) -> Explanation<'_> {
        let (operation, cell, unresolved) = self.decide(question);
        let verdict = cell.verdict().unwrap_or(Verdict::Deny);
        let rule = self.rules.get(cell.rule());
        let matched = |other: &&Rule| {
            rule.is_none_or(|rule| rule.number != other.number)
                && reference::applies_to(other, operation, question)
        };
        let asked = if verdict == Verdict::Ask { Cause::Held } else { Cause::Policy };
        Explanation {
            verdict,
            operation,
            rule,
            also_matched: self.rules.iter().filter(|_| unresolved.is_none()).filter(matched).collect(),
            cause: unresolved.unwrap_or(asked),
            unresolved: unresolved.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::compile;

    fn file(path: &[u8], operations: &[Operation]) -> Question {
        Question::File(path.to_vec(), operations.to_vec())
    }

    #[test]
    fn the_strictest_of_several_accesses_decides() {
        let compiled = compile(include_str!("tests/explain-files.toml")).unwrap();
        let answer = compiled.explain(&file(b"/a/b", &[Operation::Read, Operation::Write]));
        assert_eq!((answer.verdict, answer.operation), (Verdict::Ask, Operation::Write));
        assert_eq!(answer.rule.unwrap().id, "t/b");
        assert_eq!(answer.also_matched.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ["t/file-1"]);
        assert_eq!((answer.passes(), answer.cause), (false, Cause::Held));
        let answer = compiled.explain(&file(b"/a/b", &[Operation::Read]));
        assert!(answer.passes() && answer.cause == Cause::Policy);
    }

    fn start(words: &[&str], env: &[&str], setuid: bool) -> Question {
        let bytes = |list: &[&str]| list.iter().map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>();
        let (argv, env) = (bytes(words), bytes(env));
        Question::Exec(Start { program: argv[0].clone(), argv, env, setuid, memory: 0 })
    }

    #[test]
    fn a_start_is_judged_by_program_arguments_and_environment() {
        let compiled = compile(include_str!("tests/explain-programs.toml")).unwrap();
        let answered = |question: &Question| {
            let answer = compiled.explain(question);
            let also: Vec<_> = answer.also_matched.iter().map(|rule| rule.id.clone()).collect();
            (answer.rule.map(|rule| rule.id.clone()), answer.operation, answer.cause, also.join(" "))
        };
        let by = |id: &str| Some(id.to_owned());
        let git = answered(&start(&["/bin/git", "log"], &["HOME"], false));
        assert_eq!(git, (by("t/git"), Operation::Exec, Cause::Policy, String::new()));
        let push = answered(&start(&["/bin/git", "push", "x"], &[], false));
        assert_eq!(push, (by("t/push"), Operation::Exec, Cause::Held, "t/git".to_owned()));
        let preload = answered(&start(&["/bin/git", "push"], &["A", "LD_X"], false));
        assert_eq!(preload, (by("t/preload"), Operation::Exec, Cause::Policy, "t/git t/push".to_owned()));
        let setuid = answered(&start(&["/bin/git"], &[], true));
        assert_eq!(setuid, (None, Operation::Setuid, Cause::Policy, String::new()));
    }

    #[test]
    fn as_much_is_looked_at_as_decides() {
        let compiled = compile(include_str!("tests/explain-programs.toml")).unwrap();
        let answered = |words: &[&str], memory| {
            let Question::Exec(start) = start(words, &[], false) else { panic!("an exec") };
            let answer = compiled.explain(&Question::Exec(Start { memory, ..start }));
            (answer.rule.map(|rule| rule.id.as_str()), answer.cause)
        };
        let (long, longer) = ("x".repeat(50), "x".repeat(100_000));
        // Another subcommand decides, and what follows `**` is not looked at.
        assert_eq!(answered(&["/bin/git", &longer], 0), (Some("t/git"), Cause::Policy));
        assert_eq!(answered(&["/bin/git", "push", &longer], 0), (Some("t/push"), Cause::Held));
        // A subcommand behind the limit decides nothing.
        let name = format!("/bin/git/../../{long}");
        let called = |program: &[u8]| Start {
            program: program.to_vec(),
            argv: vec![name.clone().into_bytes(), b"log".to_vec()],
            ..Start::default()
        };
        let answer = compiled.explain(&Question::Exec(called(b"/bin/git")));
        assert_eq!((answer.passes(), answer.cause, answer.rule.is_none()), (false, Cause::Arguments, true));
        let answer = compiled.explain(&Question::Exec(called(b"/bin/other")));
        assert_eq!((answer.cause, answer.rule.is_none()), (Cause::Policy, true), "no rule asks");
        // A script's interpreter has its own before them.
        assert_eq!(answered(&["/bin/git", "log"], 40), (Some("t/git"), Cause::Policy));
        assert_eq!(answered(&["/bin/git", "log"], 50), (None, Cause::Arguments));
    }

    #[test]
    fn paths_that_the_kernel_does_not_resolve_are_denied() {
        let compiled = compile(include_str!("tests/explain-files.toml")).unwrap();
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
