//! The oracle: a slow and obvious implementation that shares nothing with the compiler but the text of patterns.

mod glob;
mod words;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cell, Verdict};

use crate::address::{Block, Target};
use crate::defaults::Defaults;
use crate::pattern::Pattern;
use crate::question::{Question, Start};
use crate::rules::{Rule, Subject, Written};

pub use glob::matches_text;

/// The cell that decides a question, found by asking every rule in turn. All arguments are looked at, however many
/// bytes they have.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "an iterator is a handle, cloned for each operation")]
pub fn judge<'a>(
    rules: impl Iterator<Item = &'a Rule> + Clone,
    defaults: &Defaults,
    question: &Question,
) -> Cell {
    let mut worst = Cell::NO_RULE;
    for operation in question.operations() {
        worst = worst.strictest(judge_one(rules.clone(), defaults, operation, question));
    }
    worst
}

fn judge_one<'a>(
    rules: impl Iterator<Item = &'a Rule> + Clone,
    defaults: &Defaults,
    operation: Operation,
    question: &Question,
) -> Cell {
    let default = defaults.cell(operation);
    let of_arguments =
        |rule: &Rule| matches!(rule.subject, Subject::Arguments(..)) && concerns(rule, question);
    let (mut exec, mut own, mut arguments_matter) = (Cell::NO_RULE, Cell::NO_RULE, false);
    for rule in rules {
        arguments_matter |= of_arguments(rule);
        if operation == Operation::Rename && holds_name(rule, question) {
            own = own.strictest(rule.cell());
        }
        if !matches(rule, question) {
            continue;
        }
        let cell = rule.cell();
        if rule.operations & Operation::Exec.bit() != 0 {
            exec = exec.strictest(cell);
        }
        if rule.operations & operation.bit() != 0 {
            own = own.strictest(cell);
        }
    }
    if operation != Operation::Map {
        return if own == Cell::NO_RULE { default } else { own };
    }
    match exec.verdict() {
        Some(Verdict::Deny | Verdict::Ask) => Cell::new(Verdict::Deny, exec.rule()).required_as(exec),
        _ if own != Cell::NO_RULE => own,
        Some(_) if !arguments_matter => exec,
        _ => default,
    }
}

/// Whether a rule applies to this operation on the question's object. Exec rules apply to mappings, too.
#[must_use]
pub fn applies_to(rule: &Rule, operation: Operation, question: &Question) -> bool {
    let exec_too = if operation == Operation::Map { Operation::Exec.bit() } else { 0 };
    (rule.operations & (operation.bit() | exec_too) != 0 && matches(rule, question))
        || (operation == Operation::Rename && holds_name(rule, question))
}

/// Whether a rule forbids renaming the question's file: it matches the file, or something below it.
fn holds_name(rule: &Rule, question: &Question) -> bool {
    let (Question::File(path, _), Subject::Paths(list)) = (question, &rule.subject) else { return false };
    let folder = |written: &Written| {
        let mut texts = glob::without_braces(&written.expanded);
        texts.extend(written.resolved.iter().map(Pattern::text));
        texts.iter().flat_map(|text| glob::folders(text)).any(|folder| matches_text(&folder, path))
    };
    rule.holds_names() && (concerns(rule, question) || list.iter().any(folder))
}

/// Whether a rule names the program or the file, whatever its arguments and environment.
fn concerns(rule: &Rule, question: &Question) -> bool {
    let (Question::Exec(Start { program: path, .. }) | Question::File(path, _)) = question else {
        return false;
    };
    match &rule.subject {
        Subject::Paths(list) | Subject::Arguments(list, _) | Subject::Environment(list, _) => {
            list.iter().any(|written| matches_written(written, path))
        }
        _ => false,
    }
}

/// Whether a rule matches the question's object.
#[must_use]
pub fn matches(rule: &Rule, question: &Question) -> bool {
    match (&rule.subject, question) {
        (Subject::Paths(_), Question::Exec(_) | Question::File(..)) => concerns(rule, question),
        (Subject::Arguments(_, asked), Question::Exec(start)) => {
            concerns(rule, question) && words::match_invocation(asked, rule.forbids(), &start.argv)
        }
        (Subject::Environment(_, names), Question::Exec(start)) => {
            let set = |name: &Vec<u8>| names.iter().any(|word| words::matches_word(word, name));
            concerns(rule, question) && start.env.iter().any(set)
        }
        (Subject::Addresses(list, protocols), Question::Net(address, protocol, operation)) => {
            let outward = matches!(operation, Operation::Connect | Operation::Send);
            let mut names = vec![address.ip().to_canonical()];
            if outward && names[0] == IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
                names.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
            }
            if outward && names[0] == IpAddr::V6(Ipv6Addr::UNSPECIFIED) && rule.forbids() {
                names.extend([IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]);
            }
            let matches = |ip: &IpAddr| list.iter().any(|target| matches_target(target, *ip, address.port()));
            protocols.holds(*protocol) && names.iter().any(matches)
        }
        (Subject::Unix(paths, names), Question::Unix(word, _)) => match word.strip_prefix(&[0]) {
            Some(name) => names.iter().any(|word| words::matches_word(word, name)),
            None => word.starts_with(b"/") && paths.iter().any(|written| matches_written(written, word)),
        },
        (Subject::Signals(signals, programs), Question::Signal(number, path)) => {
            signals.contains(*number) && programs.iter().any(|written| matches_written(written, path))
        }
        (Subject::Capabilities(bits), Question::Capability(number)) => bits >> number & 1 == 1,
        _ => false,
    }
}

fn matches_written(written: &Written, path: &[u8]) -> bool {
    matches_text(&written.expanded, path)
        || written.resolved.iter().any(|pattern| matches_text(&pattern.text(), path))
}

fn matches_target(target: &Target, ip: IpAddr, port: u16) -> bool {
    let inside = |block: &Block| match (block, ip) {
        (Block::V4(net, length), IpAddr::V4(ip)) => {
            (0..*length).all(|at| bit(&net.octets(), at) == bit(&ip.octets(), at))
        }
        (Block::V6(net, length), IpAddr::V6(ip)) => {
            (0..*length).all(|at| bit(&net.octets(), at) == bit(&ip.octets(), at))
        }
        _ => false,
    };
    (target.first..=target.last).contains(&port) && target.blocks.iter().any(inside)
}

fn bit(octets: &[u8], at: u8) -> u8 {
    octets[usize::from(at / 8)] >> (7 - at % 8) & 1
}
