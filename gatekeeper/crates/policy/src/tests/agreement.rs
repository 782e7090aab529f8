//! Random policies and random questions: the image and the oracle give the same cell.

use crate::approval::Terms;
use crate::secrets::Secrets;
use gatekeeper_common::image::Protocol;
use gatekeeper_common::limits::{NAME_BYTES, PATH_BYTES};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::Compiled;
use crate::address::Target;
use crate::defaults::Defaults;
use crate::document::{Required, Severity};
use crate::explain::Question;
use crate::links::{Follow, NoLinks};
use crate::pattern::Pattern;
use crate::reference;
use crate::resolve::Resolved;
use crate::rules::{Protocols, Rule, Subject, Written};
use crate::verify::verify;

pub fn rule(verdict: Verdict, operations: u32, subject: Subject) -> Rule {
    Rule {
        number: 0,
        id: String::new(),
        verdict,
        required: false,
        operations,
        subject,
        reason: None,
        severity: Severity::Info,
        tags: Vec::new(),
        terms: Terms::default(),
        file: String::new(),
        line: 0,
    }
}

/// `None` where the random patterns need more states than an image holds.
pub fn compiled(mut rules: Vec<Rule>, defaults: Defaults) -> Option<Compiled> {
    (0..).zip(&mut rules).for_each(|(number, rule)| (rule.number, rule.required) = (number, number % 3 == 1));
    let (name, file) = (String::new(), String::new());
    let resolved = Resolved {
        name,
        description: None,
        file,
        defaults,
        rules,
        tests: Vec::new(),
        approval: Terms::default(),
        secrets: Secrets::default(),
    };
    match resolved.compile() {
        Err(error) if error.problem.contains("too large") => None,
        compiled => Some(compiled.unwrap_or_else(|error| panic!("{error}"))),
    }
}

pub fn verdicts() -> impl Strategy<Value = Verdict> {
    select(Verdict::ALL.as_slice())
}

pub fn defaults() -> impl Strategy<Value = Defaults> {
    let net = (verdicts(), verdicts(), verdicts(), verdicts());
    let file = (verdicts(), any::<u8>().prop_map(Required::of_bits));
    (verdicts(), file, net).prop_map(|(exec, (file, required), (net, unix, signal, capability))| Defaults {
        exec,
        file,
        net,
        unix,
        signal,
        capability,
        required,
        ..Defaults::default()
    })
}

/// Components that overlap as much as possible.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let fixed: &[&[u8]] = &[
        b"a",
        b"b",
        b"ab",
        b"abc",
        b".env",
        b"*",
        b"**",
        b"?",
        b"a*",
        b"*b",
        b"*a*b",
        b"a?",
        b"??",
        b"[ab]",
        b"[!a]",
        b"[!ab]*",
        b"[a-c]b",
        b"{a,b}",
        b"{a,ab}{,c}",
        b"{a,{b,**}}",
        b"\\*",
        b"\\[a\\]",
        b"{*,**}",
        b"\xc3\xa9",
        b"?b",
        b"\xff*",
        b"[!\\-]b",
        b"*.*",
        b"!(a|ab)",
        b"a!(b|bc)",
        b".!(env|a)",
    ];
    prop_oneof![16 => select(fixed).prop_map(<[u8]>::to_vec), 1 => vec(any::<u8>(), 1..4)]
}

fn pattern() -> impl Strategy<Value = Vec<u8>> {
    (any::<bool>(), vec(piece(), 0..5)).prop_filter_map("can't match", |(floats, pieces)| {
        let mut text = if floats { b"**/".to_vec() } else { b"/".to_vec() };
        text.extend(pieces.join(&b'/'));
        Pattern::parse(&text).is_ok().then_some(text)
    })
}

/// A pattern that is one path.
pub fn literal(path: &[u8]) -> Written {
    Written::new(String::new(), path.to_vec(), Pattern::parse(path).unwrap(), &NoLinks, Follow::All)
}

/// Patterns as a rule holds them.
pub fn written() -> impl Strategy<Value = Written> {
    pattern().prop_map(|text| {
        let patterns = Pattern::parse(&text).unwrap();
        Written::new(String::new(), text, patterns, &NoLinks, Follow::All)
    })
}

pub fn path_rule() -> impl Strategy<Value = Rule> {
    (verdicts(), 1_u32..0x1ff, vec(written(), 1..3))
        .prop_map(|(verdict, operations, written)| rule(verdict, operations, Subject::Paths(written)))
}

pub fn name() -> impl Strategy<Value = Vec<u8>> {
    let fixed: &[&[u8]] = &[
        b"a",
        b"b",
        b"ab",
        b"abc",
        b".env",
        b"c",
        b"*",
        b"[a]",
        b"\xc3\xa9",
        b"\xc3",
        b"\xe2\x82\xac",
        b"\xff",
        b"-b",
        b"a.b",
    ];
    let any_byte = any::<u8>().prop_map(|byte| if byte == 0 || byte == b'/' { b'a' } else { byte });
    prop_oneof![
        12 => select(fixed).prop_map(<[u8]>::to_vec),
        2 => vec(any_byte.clone(), 1..6),
        1 => vec(any_byte, 1..=NAME_BYTES),
    ]
}

/// From the root to 255 components and 4,096 bytes.
pub fn path() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![9 => vec(name(), 0..7), 1 => vec(name(), 0..=255)].prop_map(|names| {
        let mut path = Vec::new();
        for name in names {
            if path.len() + 1 + name.len() <= PATH_BYTES {
                path.push(b'/');
                path.extend(name);
            }
        }
        if path.is_empty() { b"/".to_vec() } else { path }
    })
}

fn target() -> impl Strategy<Value = Target> {
    let hosts: &[&str] = &[
        "*",
        "10.0.0.0/8",
        "10.1.0.0/16",
        "10.1.2.3",
        "8.0.0.0/5",
        "0.0.0.0/0",
        "127.0.0.1/32",
        "192.168.64.0/18",
    ];
    let hosts6: &[&str] =
        &["[::/0]", "[::1]", "[2001:db8::/32]", "[2001:db8:8000::/33]", "[fe80::/10]", "[2001:db8::1]"];
    let host = prop_oneof![select(hosts), select(hosts6)];
    let ports = prop_oneof![
        Just(String::new()),
        any::<u16>().prop_map(|port| format!(":{port}")),
        (any::<u16>(), any::<u16>()).prop_map(|(a, b)| format!(":{}-{}", a.min(b), a.max(b))),
        select([":443", ":0-255", ":256-511", ":53", ":65535"].as_slice()).prop_map(str::to_owned),
    ];
    (host, ports).prop_map(|(host, ports)| Target::parse(&format!("{host}{ports}")).unwrap())
}

const NET: [Operation; 5] =
    [Operation::Connect, Operation::Bind, Operation::Send, Operation::Listen, Operation::Accept];

fn net_rule() -> impl Strategy<Value = Rule> {
    let protocols = select([Protocols::Tcp, Protocols::Udp, Protocols::Any].as_slice());
    (verdicts(), 1_u32..32, vec(target(), 1..4), protocols).prop_map(|(verdict, bits, targets, protocols)| {
        let chosen = NET.iter().zip(0..).filter(|(_, at)| bits >> at & 1 == 1);
        let operations = chosen.fold(0, |all, (operation, _)| all | operation.bit());
        rule(verdict, operations, Subject::Addresses(targets, protocols))
    })
}

fn net_question() -> impl Strategy<Value = Question> {
    let near: &[&str] = &[
        "10.1.2.3",
        "10.1.9.9",
        "10.200.0.1",
        "127.0.0.1",
        "192.168.65.1",
        "::1",
        "2001:db8::1",
        "2001:db8:9000::",
        "::ffff:10.1.2.3",
        "fe80::1",
        "0.0.0.0",
        "::",
        "::ffff:0.0.0.0",
    ];
    let ip = prop_oneof![
        4 => select(near).prop_map(|text| text.parse().unwrap()),
        1 => any::<std::net::IpAddr>(),
    ];
    let port = prop_oneof![select([0, 53, 80, 255, 256, 443, 511, 512, 65535].as_slice()), any::<u16>()];
    let protocol = select([Protocol::Tcp, Protocol::Udp, Protocol::Other].as_slice());
    let operation = select(NET.as_slice());
    (ip, port, protocol, operation).prop_map(|(ip, port, protocol, operation)| {
        Question::Net(std::net::SocketAddr::new(ip, port), protocol, operation)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn paths(rules in vec(path_rule(), 1..6), defaults in defaults(), paths in vec(path(), 1..24)) {
        let Some(compiled) = compiled(rules, defaults) else { return Ok(()) };
        for path in paths {
            for operation in &Operation::ALL[1..9] {
                let question = Question::File(path.clone(), vec![*operation]);
                let oracle = reference::judge(compiled.rules.iter(), &defaults, &question);
                prop_assert_eq!(compiled.judge(&question).1, oracle, "{:?}", question);
            }
            let question = Question::exec(&path);
            prop_assert_eq!(compiled.judge(&question).1, reference::judge(compiled.rules.iter(), &defaults, &question));
            let question = Question::File(path, vec![Operation::Read, Operation::Write]);
            prop_assert_eq!(compiled.judge(&question).1, reference::judge(compiled.rules.iter(), &defaults, &question));
        }
    }

    #[test]
    fn addresses(rules in vec(net_rule(), 1..8), defaults in defaults(), questions in vec(net_question(), 1..48)) {
        let Some(compiled) = compiled(rules, defaults) else { return Ok(()) };
        for question in questions {
            let oracle = reference::judge(compiled.rules.iter(), &defaults, &question);
            prop_assert_eq!(compiled.judge(&question).1, oracle, "{:?}", question);
        }
    }

    #[test]
    fn patterns_mean_what_they_say_when_written_anew(text in pattern(), paths in vec(path(), 1..16)) {
        let anew: Vec<Vec<u8>> = Pattern::parse(&text).unwrap().iter().map(Pattern::text).collect();
        for path in paths {
            let either = anew.iter().any(|text| reference::matches_text(text, &path));
            prop_assert_eq!(reference::matches_text(&text, &path), either);
        }
    }

    #[test]
    fn a_damaged_image_is_refused_or_harmless(
        rules in vec(prop_oneof![path_rule(), super::agreement_words::word_rule()], 1..4),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        comb_too in any::<bool>(),
    ) {
        let defaults = Defaults::default();
        let Some(compiled) = compiled(rules, defaults) else { return Ok(()) };
        let (mut head, mut comb) = (compiled.image.head(), compiled.image.comb().to_vec());
        for (at, byte) in damage {
            let plane = if comb_too { &mut comb } else { &mut head };
            let at = at.index(plane.len());
            plane[at] = byte;
        }
        if verify(&head, &comb, compiled.rules.len()).is_ok() {
            super::walk::every_step_stays_inside(&head, &comb);
        }
    }
}
