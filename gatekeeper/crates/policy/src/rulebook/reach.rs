//! The operations and objects that a rule which asks applies to, stored with its number: other rules that ask
//! about the same operation add their terms.

use std::sync::Arc;

use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;
use serde::{Deserialize, Serialize};

use crate::address::Target;
use crate::approval::Terms;
use crate::byte_set::ByteSet;
use crate::document::Severity;
use crate::pattern::Pattern;
use crate::pattern::word::Word;
use crate::question::Question;
use crate::reference;
use crate::rules::{Invocation, Options, Protocols, Rule, Subcommand, Subject, Written, all_of};

/// The largest number of steps that comparing with one pattern may take. Where it would take more, the rule counts as
/// matching: patterns are a policy's, but paths and arguments are an agent's, and the daemon does not wait for it.
const STEPS: u64 = 1 << 22;

/// The operations and objects that a rule applies to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// The operations, as bits.
    pub operations: u32,
    subject: StoredSubject,
}

/// [`Subject`], by the texts of its patterns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredSubject {
    /// Objects that can't be stored, and so count as all.
    Anything,
    Paths(Vec<String>),
    Arguments(Vec<String>, Vec<String>),
    /// Programs, their names, and a tool's subcommands; then arguments.
    Invocation(Vec<String>, Called, Vec<String>),
    Addresses(Vec<String>, Protocols),
    Unix(Vec<String>, Vec<String>),
    Signals(Vec<u8>, Vec<String>),
}

/// The name and the subcommands of [`Invocation`], by the texts of their patterns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Called {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    names: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subcommand: Option<StoredSubcommand>,
}

/// [`Subcommand`], by the texts of its patterns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct StoredSubcommand {
    any_of: Vec<Vec<String>>,
    flags: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    flag_values: Vec<String>,
    with_value: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    applet: Option<String>,
}

impl Called {
    /// `None` where a pattern is not text.
    fn of(asked: &Invocation) -> Option<Self> {
        let names = match &asked.names {
            Some(names) => Some(words(names)?),
            None => None,
        };
        let subcommand = match &asked.subcommand {
            Some(Subcommand { options, any_of }) => Some(StoredSubcommand {
                any_of: any_of.iter().map(|list| words(list)).collect::<Option<_>>()?,
                flags: options.flags.clone(),
                flag_values: words(&options.flag_values)?,
                with_value: options.with_value.clone(),
                applet: options.applet.clone(),
            }),
            None => None,
        };
        Some(Self { names, subcommand })
    }

    fn invocation(&self, args: &[String]) -> Invocation {
        let subcommand = self.subcommand.as_ref().map(|stored| Subcommand {
            options: Arc::new(Options {
                number: 0,
                tool: String::new(),
                flags: stored.flags.clone(),
                flag_values: unstored(&stored.flag_values),
                with_value: stored.with_value.clone(),
                applet: stored.applet.clone(),
            }),
            any_of: stored.any_of.iter().map(|list| unstored(list)).collect(),
        });
        Invocation { names: self.names.as_deref().map(unstored), subcommand, args: unstored(args) }
    }
}

/// Words by their texts, as far as they are compared.
fn unstored(list: &[String]) -> Vec<Word> {
    let word = |text: &String| Word {
        text: text.clone(),
        expanded: text.clone().into_bytes(),
        alternatives: Vec::new(),
    };
    list.iter().map(word).collect()
}

impl Reach {
    /// The reach of a rule.
    #[must_use]
    pub fn of(rule: &Rule) -> Self {
        let kept = match &rule.subject {
            // A rule about the environment never asks. Were it to, a hold does not know the variables.
            Subject::Paths(list) | Subject::Environment(list, _) => texts(list).map(StoredSubject::Paths),
            Subject::Arguments(list, asked) => {
                let called = Called::of(asked).zip(words(&asked.args));
                texts(list).zip(called).map(|(list, (called, given))| match called {
                    Called { names: None, subcommand: None } => StoredSubject::Arguments(list, given),
                    called => StoredSubject::Invocation(list, called, given),
                })
            }
            Subject::Addresses(list, protocols) => {
                let list = list.iter().map(|target| target.text.clone()).collect();
                Some(StoredSubject::Addresses(list, *protocols))
            }
            Subject::Unix(list, names) => {
                texts(list).zip(words(names)).map(|(list, names)| StoredSubject::Unix(list, names))
            }
            Subject::Signals(signals, list) => {
                texts(list).map(|list| StoredSubject::Signals(signals.iter().collect(), list))
            }
            Subject::Capabilities(_) => None,
        };
        Self { operations: rule.operations, subject: kept.unwrap_or(StoredSubject::Anything) }
    }

    /// Whether the rule applies to one of these operations on the object in question; to one that isn't known, it does.
    #[must_use]
    pub fn applies_to(&self, operations: u32, question: Option<&Question>) -> bool {
        if self.operations & operations == 0 {
            return false;
        }
        let Some(question) = question else { return true };
        let Some(subject) = self.subject.subject() else { return true };
        let rule = Rule {
            number: 0,
            id: String::new(),
            verdict: Verdict::Ask,
            required: false,
            operations: self.operations,
            subject,
            reason: None,
            severity: Severity::default(),
            tags: Vec::new(),
            terms: Terms::default(),
            file: String::new(),
            line: 0,
        };
        self.subject.is_costly(question) || reference::matches(&rule, question)
    }
}

impl Reach {
    /// Whether both rules could apply to one operation, by the families of their operations and the beginnings of
    /// their patterns.
    ///
    /// It can be wrong for two rules that have nothing in common, and never for two that have.
    #[must_use]
    pub fn may_overlap(&self, other: &Self) -> bool {
        families(self.operations) & families(other.operations) != 0
            && self.subject.may_overlap(&other.subject)
    }
}

/// All operations of the families of these: what is asked at once is of one family.
#[must_use]
pub fn families(operations: u32) -> u32 {
    let asked = Operation::ALL.into_iter().filter(|operation| operations & operation.bit() != 0);
    asked.fold(0, |bits, operation| bits | all_of(operation.family()))
}

impl StoredSubject {
    fn may_overlap(&self, other: &Self) -> bool {
        use StoredSubject::{Addresses, Anything, Arguments, Invocation, Paths, Signals, Unix};
        let paths = |one: &[String], other: &[String]| {
            one.iter().any(|one| other.iter().any(|other| paths_may_overlap(one, other)))
        };
        match (self, other) {
            (Anything, _) | (_, Anything) => true,
            (Arguments(one, given), Arguments(other, also)) => {
                paths(one, other) && words_may_overlap(given, also)
            }
            // Names and subcommands are not compared.
            (
                Paths(one) | Arguments(one, _) | Invocation(one, ..),
                Paths(other) | Arguments(other, _) | Invocation(other, ..),
            ) => paths(one, other),
            (Addresses(_, one), Addresses(_, other)) => {
                one == other || *one == Protocols::Any || *other == Protocols::Any
            }
            (Unix(one, names), Unix(other, others)) => {
                paths(one, other) || (!names.is_empty() && !others.is_empty())
            }
            (Signals(one, programs), Signals(other, others)) => {
                one.iter().any(|signal| other.contains(signal)) && paths(programs, others)
            }
            _ => false,
        }
    }

    /// The subject as a rule has it, as far as it is compared; `None` where it is everything.
    fn subject(&self) -> Option<Subject> {
        let written = |list: &[String]| -> Vec<Written> {
            let written = |text: &String| Written {
                text: text.clone(),
                expanded: text.clone().into_bytes(),
                patterns: Vec::new(),
                resolved: Vec::new(),
            };
            list.iter().map(written).collect()
        };
        Some(match self {
            Self::Anything => return None,
            Self::Paths(list) => Subject::Paths(written(list)),
            Self::Arguments(list, given) => {
                Subject::Arguments(written(list), Invocation::of_arguments(unstored(given)))
            }
            Self::Invocation(list, called, given) => {
                Subject::Arguments(written(list), called.invocation(given))
            }
            Self::Addresses(list, protocols) => {
                let targets = list.iter().map(|text| Target::parse(text)).collect::<Result<_, _>>();
                Subject::Addresses(targets.ok()?, *protocols)
            }
            Self::Unix(list, names) => Subject::Unix(written(list), unstored(names)),
            Self::Signals(signals, list) => {
                let mut set = ByteSet::EMPTY;
                for signal in signals {
                    set.insert(*signal);
                }
                Subject::Signals(set, written(list))
            }
        })
    }

    /// Whether comparing could take more than [`STEPS`].
    fn is_costly(&self, question: &Question) -> bool {
        let paths = |list: &[String], path: &[u8]| {
            let names: Vec<usize> = path.split(|byte| *byte == b'/').map(<[u8]>::len).collect();
            let longest = names.iter().copied().max().unwrap_or(0);
            list.iter().any(|text| steps(text.split('/'), names.len(), longest) > STEPS)
        };
        match (self, question) {
            (Self::Arguments(_, given) | Self::Invocation(_, _, given), Question::Exec(start))
                if {
                    let longest = start.argv.iter().map(Vec::len).max().unwrap_or(0);
                    steps(given.iter().map(String::as_str), start.argv.len(), longest) > STEPS
                } =>
            {
                true
            }
            (
                Self::Paths(list) | Self::Arguments(list, _) | Self::Invocation(list, ..),
                Question::Exec(start),
            ) => paths(list, &start.program),
            (Self::Paths(list), Question::File(path, _))
            | (Self::Signals(_, list), Question::Signal(_, path)) => paths(list, path),
            (Self::Unix(list, names), Question::Unix(word, _)) => {
                paths(list, word)
                    || names.iter().any(|name| steps([name.as_str()].into_iter(), 1, word.len()) > STEPS)
            }
            _ => false,
        }
    }
}

fn is_literal(text: &str) -> bool {
    !text.contains(['*', '?', '[', '{', '}', '\\'])
}

/// Whether both patterns could match one path: not where the names they begin with differ.
fn paths_may_overlap(one: &str, other: &str) -> bool {
    let names = |text: &str| -> (Vec<String>, bool) {
        // A brace can hold slashes: names behind it are not compared.
        let all: Vec<&str> = text.split('/').filter(|name| !name.is_empty()).collect();
        let plain: Vec<String> =
            all.iter().take_while(|name| is_literal(name)).map(|name| (*name).to_owned()).collect();
        let whole = plain.len() == all.len();
        (plain, whole)
    };
    let ((one, one_whole), (other, other_whole)) = (names(one), names(other));
    one.iter().zip(&other).all(|(one, other)| one == other)
        && !(one_whole && one.len() < other.len())
        && !(other_whole && other.len() < one.len())
}

/// Whether both could match one list of arguments.
fn words_may_overlap(one: &[String], other: &[String]) -> bool {
    for (one, other) in one.iter().zip(other) {
        // Braces can hold any number of arguments, too.
        if [one, other].iter().any(|word| word.contains("**")) {
            return true;
        }
        if is_literal(one) && is_literal(other) && one != other {
            return false;
        }
    }
    let rest = one.iter().skip(other.len()).chain(other.iter().skip(one.len()));
    rest.into_iter().all(|word| word.contains("**"))
}

/// The number of steps that comparing a pattern of several pieces with so many names can take, roughly.
fn steps<'a>(pieces: impl Iterator<Item = &'a str>, names: usize, longest: usize) -> u64 {
    let (mut deep, mut most) = (0_u32, 0_u32);
    for piece in pieces {
        if piece.contains("**") {
            deep = deep.saturating_add(1);
        }
        let stars = piece.bytes().filter(|byte| matches!(byte, b'*' | b'?')).count();
        most = most.max(u32::try_from(stars).unwrap_or(u32::MAX));
    }
    let power = |base: usize, exponent| (base as u64).saturating_add(1).saturating_pow(exponent);
    power(names, deep).saturating_mul(if most > 0 { power(longest, most) } else { 1 })
}

/// The texts of patterns and of where their links lead; `None` where one is not text.
fn texts(list: &[Written]) -> Option<Vec<String>> {
    let all = list.iter().flat_map(|written| {
        let resolved = written.resolved.iter().map(Pattern::text);
        std::iter::once(written.expanded.clone()).chain(resolved)
    });
    all.map(|text| String::from_utf8(text).ok()).collect()
}

fn words(list: &[Word]) -> Option<Vec<String>> {
    list.iter().map(|word| String::from_utf8(word.expanded.clone()).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use gatekeeper_common::image::Protocol;

    use super::*;
    use crate::question::Start;
    use crate::testing::compile;

    fn reaches(rules: &str) -> Vec<Reach> {
        let compiled = compile(&format!("version = 1\nname = 't'\n{rules}")).unwrap();
        compiled.rules.iter().filter(|rule| rule.verdict == Verdict::Ask).map(Reach::of).collect()
    }

    fn start(words: &[&str]) -> Question {
        let argv: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        Question::Exec(Start { program: argv[0].clone(), argv, env: Vec::new(), setuid: false, memory: 0 })
    }

    #[test]
    fn it_applies_to_what_the_rule_matches() {
        let kept = reaches(include_str!("reach.toml"));
        // As the next daemon reads them.
        let kept: Vec<Reach> = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
        let applying = |operation: Operation, question: &Question| -> Vec<usize> {
            let applies = |reach: &Reach| reach.applies_to(operation.bit(), Some(question));
            kept.iter().enumerate().filter(|(_, reach)| applies(reach)).map(|(number, _)| number).collect()
        };
        assert_eq!(applying(Operation::Exec, &start(&["/bin/git", "push", "x"])), [0]);
        assert!(applying(Operation::Exec, &start(&["/bin/git", "log"])).is_empty());
        let file = |path: &str| Question::File(path.into(), vec![Operation::Write]);
        assert_eq!(applying(Operation::Write, &file("/srv/b/x")), [1]);
        assert!(applying(Operation::Write, &file("/srv/c/x")).is_empty());
        assert!(applying(Operation::Read, &file("/srv/b/x")).is_empty());
        let net = |to: &str, protocol| {
            Question::Net(to.parse::<SocketAddr>().unwrap(), protocol, Operation::Connect)
        };
        assert_eq!(applying(Operation::Connect, &net("10.1.2.3:443", Protocol::Tcp)), [2]);
        assert!(applying(Operation::Connect, &net("10.1.2.3:443", Protocol::Udp)).is_empty());
        assert!(applying(Operation::Connect, &net("10.1.2.3:80", Protocol::Tcp)).is_empty());
        let unix = |word: &[u8]| Question::Unix(word.to_vec(), Operation::UnixConnect);
        assert_eq!(applying(Operation::UnixConnect, &unix(b"\0bus-1")), [3]);
        assert!(applying(Operation::UnixConnect, &unix(b"/bus-1")).is_empty());
        assert_eq!(applying(Operation::Signal, &Question::Signal(15, b"/bin/git".to_vec())), [4]);
        assert!(applying(Operation::Signal, &Question::Signal(9, b"/bin/git".to_vec())).is_empty());
        assert!(kept.iter().all(|reach| reach.applies_to(u32::MAX, None)), "nothing is known of it");
    }

    #[test]
    fn a_stored_rule_about_a_tool_matches_as_the_rule_does() {
        let kept = reaches(
            "[tools.git]\nprogram = ['/bin/git']\nflags = ['-g']\nflag_values = ['true']\nwith_value = ['-C']\n\
             applet = 'git-'\n[[exec]]\nverdict = 'ask'\ntool = 'git'\nsubcommand = ['push', 'remote add']\n\
             [[exec]]\nverdict = 'ask'\nprogram = ['/bin/busybox']\nname = ['rm']\nargs = ['-r', '**']\n",
        );
        let kept: Vec<Reach> = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
        let applies = |rule: usize, words: &[&str], name: Option<&str>| {
            let Question::Exec(mut start) = start(words) else { panic!("an exec") };
            start.argv[0] = name.unwrap_or(words[0]).into();
            kept[rule].applies_to(Operation::Exec.bit(), Some(&Question::Exec(start)))
        };
        for words in [&["-C", "x", "push"][..], &["-g", "true", "remote", "-g", "add"], &["--new", "log"]] {
            assert!(applies(0, &[&["/bin/git"], words].concat(), None), "{words:?}");
        }
        assert!(applies(0, &["/bin/git", "x"], Some("git-push")) && !applies(0, &["/bin/git", "log"], None));
        assert!(applies(1, &["/bin/busybox", "-r"], Some("/bin/rm")));
        assert!(
            !applies(1, &["/bin/busybox", "-r"], None) && !applies(1, &["/bin/busybox", "x"], Some("rm"))
        );
    }

    #[test]
    fn a_comparison_that_an_agent_makes_long_counts_as_a_match() {
        let kept = reaches(
            "[[exec]]\nverdict = 'ask'\nprogram = ['/bin/git']\nargs = ['**', 'a', '**', 'b', '**', 'c']\n",
        );
        let words: Vec<&str> = std::iter::once("/bin/git").chain(std::iter::repeat_n("a", 1000)).collect();
        assert!(kept[0].applies_to(Operation::Exec.bit(), Some(&start(&words))));
        assert!(!kept[0].applies_to(Operation::Exec.bit(), Some(&start(&words[..20]))));
    }

    #[test]
    fn rules_overlap_where_their_beginnings_do() {
        for (one, other, meet) in [
            ("/srv/**", "/srv/prod/**", true),
            ("/srv/a/**", "/srv/b/**", false),
            ("**/x", "/srv/b", true),
            ("/srv", "/srv/b", false),
            ("/srv/{a,b}/**", "/srv/c", true),
            ("/srv/a", "/srv/a", true),
            ("/srv/*", "/etc/x", false),
        ] {
            let rules = |path: &str| {
                let rule = |path: &str| format!("[[file]]\nverdict = 'ask'\npath = ['{path}']\n");
                reaches(&rule(path)).remove(0)
            };
            assert_eq!(rules(one).may_overlap(&rules(other)), meet, "{one} and {other}");
            assert_eq!(rules(other).may_overlap(&rules(one)), meet, "{other} and {one}");
        }
        let git = |args: &str| {
            reaches(&format!("[[exec]]\nverdict = 'ask'\nprogram = ['/bin/git']\nargs = [{args}]\n"))
                .remove(0)
        };
        assert!(!git("'push', '**'").may_overlap(&git("'commit', '**'")));
        assert!(git("'push', '**'").may_overlap(&git("'**', '--force'")));
        assert!(!git("'push'").may_overlap(&git("'push', 'x'")));
        assert!(git("'push', '**'").may_overlap(&git("'push'")));
    }
}
