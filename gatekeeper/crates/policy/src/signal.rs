//! Signals by name and by number.

use crate::error::Help;

/// The first and the last real-time signal as programs count them: the C library keeps the kernel's
/// first two to itself, so that RTMIN is 34 (signal(7)).
const RTMIN: u8 = 34;
const RTMAX: u8 = 64;

/// Signals 1 to 31, in order (include/uapi/asm-generic/signal.h).
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
    "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
    "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// Other names people know.
const ALIASES: [(&str, u8); 4] = [("IOT", 6), ("CLD", 17), ("POLL", 29), ("UNUSED", 31)];

/// A signal that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no signal")]
pub struct NoSignal(pub String);

impl Help for NoSignal {
    fn help(&self) -> String {
        format!(
            "write a name such as `TERM` or `RTMIN+3`, or a number from 1 to {RTMAX}; 0 only asks whether the target is there, and always passes"
        )
    }
}

/// The number of a signal, given by name (with or without `SIG`) or by number as text.
///
/// 0 is none: it only asks whether the target is there, and the kernel side never asks a policy about it.
///
/// # Errors
/// Where there is no such signal.
pub fn number(text: &str) -> Result<u8, NoSignal> {
    let unknown = || NoSignal(text.to_owned());
    if let Ok(number) = text.parse::<i64>() {
        return in_range(number).ok_or_else(unknown);
    }
    let name = text.strip_prefix("SIG").unwrap_or(text);
    let count = |rest: &str, sign: char| match rest.strip_prefix(sign) {
        _ if rest.is_empty() => Some(0),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse::<u8>().ok(),
        _ => None,
    };
    let found = if let Some(rest) = name.strip_prefix("RTMIN") {
        count(rest, '+').and_then(|more| RTMIN.checked_add(more))
    } else if let Some(rest) = name.strip_prefix("RTMAX") {
        count(rest, '-').and_then(|less| RTMAX.checked_sub(less))
    } else {
        let plain = NAMES.iter().zip(1..).find(|(known, _)| **known == name).map(|(_, number)| number);
        return plain
            .or_else(|| ALIASES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number))
            .ok_or_else(unknown);
    };
    found.filter(|number| (RTMIN..=RTMAX).contains(number)).ok_or_else(unknown)
}

fn in_range(number: i64) -> Option<u8> {
    u8::try_from(number).ok().filter(|number| (1..=RTMAX).contains(number))
}

/// The name of a signal, or its number where it has none.
#[must_use]
pub fn name(number: u8) -> String {
    match number {
        1..=31 => NAMES[usize::from(number) - 1].to_owned(),
        RTMIN..=RTMAX => match number - RTMIN {
            0 => "RTMIN".to_owned(),
            more => format!("RTMIN+{more}"),
        },
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_signal_reads_back_as_itself() {
        for known in 1..=RTMAX {
            assert_eq!(number(&name(known)), Ok(known));
        }
        for (text, known) in [("SIGTERM", 15), ("KILL", 9), ("CHLD", 17), ("SYS", 31), ("POLL", 29)] {
            assert_eq!(number(text), Ok(known), "{text}");
        }
        for (text, known) in [("RTMIN", 34), ("SIGRTMIN+3", 37), ("RTMAX", 64), ("RTMAX-30", 34)] {
            assert_eq!(number(text), Ok(known), "{text}");
        }
    }

    #[test]
    fn unknown_signals_are_refused() {
        for text in
            ["", "0", "term", "TERMINATE", "65", "-1", "RTMIN+31", "RTMAX-31", "RTMIN-1", "RTMIN+", "SIG"]
        {
            assert!(number(text).is_err(), "{text}");
        }
    }
}
