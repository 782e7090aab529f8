//! The same for arguments, environments, UNIX sockets, signals and capabilities.

use gatekeeper_common::operation::Operation;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::agreement::{compiled, defaults, name, path, path_rule, rule, verdicts, written};
use crate::byte_set::ByteSet;
use crate::defaults::Defaults;
use crate::explain::{Question, Start};
use crate::pattern::word::{Kind, Word};
use crate::reference;
use crate::rules::{Rule, Subject};

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

fn exec_rule() -> impl Strategy<Value = Rule> {
    let arguments = (vec(written(), 1..3), vec(word(Kind::Argument), 0..4))
        .prop_filter("too many lists", |(_, words)| crate::pattern::word::lists(words).is_ok())
        .prop_map(|(programs, words)| Subject::Arguments(programs, words));
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
        words in vec((verdicts(), exec_bits(), vec(word(Kind::Argument), 0..4)), 1..6),
        lists in vec(vec(text(Some(0)), 0..5), 1..32),
    ) {
        let program = || vec![super::agreement::literal(b"/p")];
        let rules = words.into_iter().filter(|(_, _, words)| crate::pattern::word::lists(words).is_ok());
        let rules = rules.map(|(verdict, bits, words)| rule(verdict, bits, Subject::Arguments(program(), words)));
        let start = |argv| Question::Exec(Start { program: b"/p".to_vec(), argv, ..Start::default() });
        agree(rules.collect(), Defaults::default(), lists.into_iter().map(start).collect())?;
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
