//! The same for arguments, environments, UNIX sockets, signals and capabilities.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::agreement::{compiled, defaults, name, path, path_rule, rule, verdicts, written};
use crate::byte_set::ByteSet;
use crate::defaults::Defaults;
use crate::explain::{Question, Start};
use crate::pattern::word::{Kind, Word, may_be_both};
use crate::reference;
use crate::rules::{Invocation, Options, Rule, Subcommand, Subject};

/// Pieces that overlap as much as possible, strung together.
fn word(kind: Kind) -> impl Strategy<Value = Word> {
    let fixed: &[&[u8]] = &[
        b"a",
        b"b",
        b"ab",
        b"*",
        b"**",
        b"?",
        b"a*",
        b"*b",
        b"[ab]",
        b"[!a]",
        b"[!ab]*",
        b"{a,b}",
        b"{a,b*}",
        b"/",
        b"a/b",
        b"*/",
        b"[+-9]",
        b"\\*",
        b"\xc3\xa9",
        b"\xff",
        b"-",
        b"{a,**}",
        b"=",
        b"g",
        b"-",
        b"g-",
    ];
    let piece = prop_oneof![12 => select(fixed).prop_map(<[u8]>::to_vec), 1 => vec(any::<u8>(), 0..3)];
    vec(piece, 0..3)
        .prop_filter_map("no such word", move |pieces| Word::parse("", pieces.concat(), kind).ok())
}

/// Bytes that come near, without those that can't stand there.
fn text(never: Option<u8>) -> impl Strategy<Value = Vec<u8>> {
    let fixed: &[&[u8]] = &[
        b"",
        b"a",
        b"b",
        b"ab",
        b"aa",
        b"a/b",
        b"/",
        b"*",
        b"-a",
        b"b\xc3\xa9",
        b"\xc3",
        b"\xff",
        b"**",
        b"=",
        b"-b",
        b"-bx",
        b"-ab",
        b"--a",
        b"--a=b",
        b"-",
        b"--",
        b"+a",
        b"+",
        b"v",
        b"v7",
        b"vx",
        b"g",
        b"/x/g",
        b"g-a",
        b"/x/g-ab",
        b"-g",
        b"x/",
    ];
    prop_oneof![
        8 => select(fixed).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..6),
    ]
    .prop_map(move |mut text| {
        text.retain(|byte| Some(*byte) != never);
        text
    })
}

fn exec_bits() -> impl Strategy<Value = u32> {
    any::<bool>().prop_map(|setuid| Operation::Exec.bit() | if setuid { Operation::Setuid.bit() } else { 0 })
}

/// Options that begin like each other.
fn options() -> impl Strategy<Value = Options> {
    let flags: &[&str] = &["-a", "-b*", "--a", "--a=*", "-ab", "-*", "+*", "-ab*", "-"];
    let with_value: &[&str] = &["-b", "--b", "-abc", "--", "-bx", "+a"];
    let applet = prop_oneof![Just(None), Just(Some("g-")), Just(Some("g")), Just(Some(""))];
    // No subcommand below begins like one of these.
    let values = subsequence(&["v", "v[0-9]*", "{vw,vx*}"][..], 0..3);
    let all = (subsequence(flags, 0..4), values, subsequence(with_value, 0..3), applet);
    all.prop_map(|(flags, values, with_value, applet)| {
        let texts = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let (flags, with_value, applet) = (texts(flags), texts(with_value), applet.map(str::to_owned));
        // Equal numbers are equal options.
        let mut hasher = DefaultHasher::new();
        (&flags, &values, &with_value, &applet).hash(&mut hasher);
        let value = |text: &str| Word::parse(text, text.as_bytes().to_vec(), Kind::FlagValue).unwrap();
        let (number, tool) = (hasher.finish() as u32, "g".to_owned());
        let flag_values = values.into_iter().map(value).collect();
        Options { number, tool, flags, flag_values, with_value, applet }
    })
}

fn subcommand() -> impl Strategy<Value = Subcommand> {
    let any_of = vec(vec(word(Kind::Subcommand), 1..3), 1..3);
    (options(), any_of)
        .prop_filter("a flag's value", |(options, any_of)| {
            let like = |word| options.flag_values.iter().any(|value| may_be_both(word, value));
            !any_of.iter().flatten().any(like)
        })
        .prop_map(|(options, any_of)| Subcommand { options: Arc::new(options), any_of })
}

fn invocation() -> impl Strategy<Value = Invocation> {
    let names = option::of(vec(word(Kind::Name), 1..3));
    let args = prop_oneof![
        1 => Just(vec![Word::parse("**", b"**".to_vec(), Kind::Argument).unwrap()]),
        3 => vec(word(Kind::Argument), 0..4),
    ];
    (names, option::of(subcommand()), args)
        .prop_map(|(names, subcommand, args)| Invocation { names, subcommand, args })
        .prop_filter("too many lists", |asked| asked.pieces().is_ok())
}

fn exec_rule() -> impl Strategy<Value = Rule> {
    let arguments = (vec(written(), 1..3), invocation())
        .prop_map(|(programs, asked)| Subject::Arguments(programs, asked));
    let environment = (vec(written(), 1..3), vec(word(Kind::Variable), 1..4))
        .prop_map(|(programs, words)| Subject::Environment(programs, words));
    let plain = vec(written(), 1..3).prop_map(Subject::Paths);
    (verdicts(), exec_bits(), prop_oneof![4 => arguments, 2 => environment, 1 => plain])
        .prop_map(|(verdict, operations, subject)| rule(verdict, operations, subject))
}

fn exec_question() -> impl Strategy<Value = Question> {
    (path(), vec(text(Some(0)), 0..5), vec(text(Some(0)), 0..3), any::<bool>()).prop_map(
        |(program, argv, env, setuid)| Question::Exec(Start { program, argv, env, setuid, memory: 0 }),
    )
}

const UNIX: [Operation; 3] = [Operation::UnixConnect, Operation::UnixBind, Operation::UnixSend];

fn unix_rule() -> impl Strategy<Value = Rule> {
    (verdicts(), select(UNIX.as_slice()), vec(written(), 0..3), vec(word(Kind::Abstract), 0..3)).prop_map(
        |(verdict, operation, paths, names)| rule(verdict, operation.bit(), Subject::Unix(paths, names)),
    )
}

fn unix_question() -> impl Strategy<Value = Question> {
    let word =
        prop_oneof![path(), text(None).prop_map(|name| [&[0], name.as_slice()].concat()), Just(Vec::new()),];
    (word, select(UNIX.as_slice())).prop_map(|(word, operation)| Question::Unix(word, operation))
}

/// Signals that share their bytes with text, too: 47 is `/`.
fn number() -> impl Strategy<Value = u8> {
    prop_oneof![select([0, 9, 15, 47, 34, 64].as_slice()), 0..=64_u8]
}

fn signal_rule() -> impl Strategy<Value = Rule> {
    let numbers = prop_oneof![
        vec(number(), 1..4).prop_map(|numbers| numbers.into_iter().fold(
            ByteSet::EMPTY,
            |mut set, number| {
                set.insert(number);
                set
            }
        )),
        Just(ByteSet::ALL),
    ];
    (verdicts(), numbers, vec(written(), 1..3)).prop_map(|(verdict, numbers, programs)| {
        rule(verdict, Operation::Signal.bit(), Subject::Signals(numbers, programs))
    })
}

/// A rule about anything but files and addresses.
pub fn word_rule() -> impl Strategy<Value = Rule> {
    prop_oneof![2 => exec_rule(), 1 => unix_rule(), 1 => signal_rule()]
}

fn agree(rules: Vec<Rule>, defaults: Defaults, questions: Vec<Question>) -> Result<(), TestCaseError> {
    let Some(compiled) = compiled(rules, defaults) else { return Ok(()) };
    for question in questions {
        let answer = compiled.explain(&question);
        if let (Cause::Arguments, Question::Exec(start)) = (answer.cause, &question) {
            prop_assert!(!answer.passes() && start.bytes() > defaults.arguments as usize, "{:?}", question);
            continue;
        }
        let oracle = reference::judge(compiled.rules.iter(), &defaults, &question);
        prop_assert_eq!(compiled.judge(&question).1, oracle, "{:?}", question);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn programs(
        rules in vec(exec_rule(), 1..6),
        others in vec(path_rule(), 0..2),
        defaults in defaults(),
        limit in prop_oneof![Just(65536_u32), 1..12_u32],
        questions in vec(exec_question(), 1..24),
        files in vec(path(), 1..8),
    ) {
        let mapped = files.into_iter().map(|path| Question::File(path, vec![Operation::Map]));
        let questions = questions.into_iter().chain(mapped).collect();
        agree([rules, others].concat(), Defaults { arguments: limit, ..defaults }, questions)?;
    }

    #[test]
    fn arguments_of_one_program(
        asked in vec((verdicts(), exec_bits(), invocation()), 1..6),
        limit in prop_oneof![Just(65536_u32), 1..12_u32],
        lists in vec(vec(text(Some(0)), 0..6), 1..32),
    ) {
        let program = || vec![super::agreement::literal(b"/p")];
        let rules = asked.into_iter();
        let rules = rules.map(|(verdict, bits, asked)| rule(verdict, bits, Subject::Arguments(program(), asked)));
        let start = |argv| Question::Exec(Start { program: b"/p".to_vec(), argv, ..Start::default() });
        let defaults = Defaults { arguments: limit, ..Defaults::default() };
        agree(rules.collect(), defaults, lists.into_iter().map(start).collect())?;
    }

    #[test]
    fn sockets(
        rules in vec(unix_rule(), 1..6),
        defaults in defaults(),
        questions in vec(unix_question(), 1..48),
    ) {
        agree(rules, defaults, questions)?;
    }

    #[test]
    fn signals_and_capabilities(
        signals in vec(signal_rule(), 1..5),
        capabilities in vec((verdicts(), any::<u64>()), 0..4),
        defaults in defaults(),
        questions in vec((number(), vec(name(), 0..4)), 1..32),
    ) {
        let capabilities = capabilities.into_iter().map(|(verdict, bits)| {
            rule(verdict, Operation::Capability.bit(), Subject::Capabilities(bits))
        });
        let to = |(number, names): (u8, Vec<Vec<u8>>)| {
            let path = [b"/".as_slice(), &names.join(&b'/')].concat();
            Question::Signal(number, path)
        };
        let questions = questions.into_iter().map(to).chain((0..64).map(Question::Capability)).collect();
        agree(signals.into_iter().chain(capabilities).collect(), defaults, questions)?;
    }
}
