//! `gatekeeper holds`, `show`, `approve`, `deny`, `why`: what waits for a decision, and deciding it.

use std::io::Write;
use std::process::ExitCode;

use anstyle::Style;

use super::events;
use super::output::{BAD, DIM, GOOD, Table, WARN, json, out};
use crate::config::Config;
use crate::hold::text::{self, Line};
use crate::protocol::bounds::Seconds;
use crate::protocol::client::ask;
use crate::protocol::messages::{Answer, HoldAnswer, Holds, Request, RequestedScope};
use gatekeeper_record::decision::{Breadth, Decision, GrantScope, HoldId};
use gatekeeper_record::held::Held;
use gatekeeper_record::safe_text;

/// Columns of an object in a list.
const OBJECT: usize = 200;
/// Columns of a name in a list.
const NAME: usize = 40;

/// Arguments of `holds`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Go on as holds come and go.
    #[arg(long, short)]
    follow: bool,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Arguments of `show`.
#[derive(Debug, clap::Args)]
pub struct Show {
    /// The hold's number.
    hold: HoldId,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

/// Arguments of `approve`.
#[derive(Debug, clap::Args)]
pub struct Approve {
    /// The hold's number.
    hold: HoldId,
    /// Exactly this, for the rest of the session.
    #[arg(long, conflicts_with = "rule")]
    session: bool,
    /// All that the same rule asks about, for the rest of the session.
    #[arg(long)]
    rule: bool,
    /// For so long, such as `10m`: exactly this or, with --rule, all that the rule asks about.
    #[arg(long = "for", value_name = "TIME")]
    time: Option<Seconds>,
    /// Why, for the record.
    #[arg(long, short)]
    reason: Option<String>,
}

/// Arguments of `deny`.
#[derive(Debug, clap::Args)]
pub struct Deny {
    /// The hold's number.
    hold: HoldId,
    /// Why, for the record and for the assistant.
    #[arg(long, short)]
    reason: Option<String>,
}

/// Arguments of `why`.
#[derive(Debug, clap::Args)]
pub struct Why {
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Lists what waits.
///
/// # Errors
/// Where the daemon does not answer, refuses the request, or standard output fails.
pub fn list(config: &Config, arguments: &List) -> anyhow::Result<ExitCode> {
    let mut out = out();
    let mut table = Table::new(&["HOLD", "LEFT", "SESSION", "WHO", "OPERATION", "OBJECT", "WHY"]);
    let (mut count, mut live) = (0, false);
    for answer in ask(&config.socket, Request::Holds(Holds { follow: arguments.follow, hold: None }))? {
        match answer? {
            Answer::Hold(held) if arguments.json => json(&mut out, &*held)?,
            Answer::Updated { hold, approved_by, flood_denied } if arguments.json => {
                json(
                    &mut out,
                    &serde_json::json!({ "updated": hold, "approved_by": approved_by, "flood_denied": flood_denied }),
                )?;
            }
            Answer::Closed { hold } if arguments.json => {
                json(&mut out, &serde_json::json!({ "closed": hold }))?;
            }
            Answer::Hold(held) if live => line(&mut out, &held)?,
            Answer::Closed { hold } => writeln!(out, "{DIM}{hold}  waits no more{DIM:#}")?,
            Answer::Hold(held) => {
                table.row(row(&held));
                count += 1;
            }
            Answer::Live if !arguments.json => {
                live = true;
                if count > 0 {
                    table.print(&mut out)?;
                }
                out.flush()?;
            }
            _ => {}
        }
    }
    if !arguments.json && !live {
        if count == 0 {
            writeln!(out, "nothing waits for a decision of yours")?;
        } else {
            table.print(&mut out)?;
            writeln!(
                out,
                "{DIM}`gatekeeper show HOLD`, then `gatekeeper approve HOLD` or `deny HOLD`{DIM:#}"
            )?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(held: &Held) -> [(String, Style); 7] {
    let plain = Style::new();
    let object = match &held.arguments {
        Some(arguments) => safe_text::words(arguments, OBJECT),
        None => safe_text::cut(&held.event.object.brief(), OBJECT),
    };
    [
        (held.hold.to_string(), WARN),
        (format!("{} s", held.seconds_left), DIM),
        (safe_text::cut(&text::session(held), NAME), plain),
        (text::program(held), plain),
        (held.event.operation.name().to_owned(), plain),
        (object, plain),
        (reason(held), DIM),
    ]
}

/// The rule's reason, and before it what is the matter with the session.
fn reason(held: &Held) -> String {
    let reason = safe_text::cut(&held.event.reason, OBJECT);
    text::flood(held).map_or(reason.clone(), |flood| format!("{flood}; {reason}"))
}

fn line(out: &mut impl Write, held: &Held) -> std::io::Result<()> {
    writeln!(
        out,
        "{WARN}{}{WARN:#}  {}  {}  {}  {DIM}{}{DIM:#}",
        held.hold,
        safe_text::cut(&text::session(held), NAME),
        text::program(held),
        text::asked(held, OBJECT),
        reason(held)
    )
}

/// Shows one hold with all there is to know before deciding.
///
/// # Errors
/// Where the daemon does not answer, refuses the request, or standard output fails.
pub fn show(config: &Config, arguments: &Show) -> anyhow::Result<ExitCode> {
    let mut out = out();
    for answer in ask(&config.socket, Request::Holds(Holds { follow: false, hold: Some(arguments.hold) }))? {
        let Answer::Hold(held) = answer? else { continue };
        if arguments.json {
            json(&mut out, &*held)?;
        } else {
            print(&mut out, &held)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints all of a hold, a line each.
fn print(out: &mut impl Write, held: &Held) -> std::io::Result<()> {
    for Line { name, text } in text::lines(held, held.seconds_left) {
        writeln!(out, "{DIM}{name:>10}{DIM:#}  {text}")?;
    }
    Ok(())
}

/// Approves a hold.
///
/// # Errors
/// Where the daemon does not answer, refuses the request, or standard output fails.
pub fn approve(config: &Config, arguments: Approve) -> anyhow::Result<ExitCode> {
    let width = match (arguments.rule, arguments.session || arguments.time.is_some()) {
        (true, _) => Breadth::Rule,
        (false, true) => Breadth::Exact,
        (false, false) => Breadth::Once,
    };
    let scope = RequestedScope { seconds: arguments.time, breadth: width };
    let answer = HoldAnswer { hold: arguments.hold, approve: true, scope, reason: arguments.reason };
    decide(config, answer)
}

/// Denies a hold.
///
/// # Errors
/// Where the daemon does not answer, refuses the request, or standard output fails.
pub fn deny(config: &Config, arguments: Deny) -> anyhow::Result<ExitCode> {
    let (scope, reason) = (RequestedScope::default(), arguments.reason);
    decide(config, HoldAnswer { hold: arguments.hold, approve: false, scope, reason })
}

fn decide(config: &Config, answer: HoldAnswer) -> anyhow::Result<ExitCode> {
    let mut out = out();
    let scope = GrantScope::from(answer.scope);
    for answer in ask(&config.socket, Request::Decide(answer))? {
        let Answer::Decided(decision) = answer? else { continue };
        print_decision(&mut out, &decision)?;
        if let Some(narrowed) = decision.narrowed(scope) {
            writeln!(out, "{WARN}{narrowed}{WARN:#}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_decision(out: &mut impl Write, decision: &Decision) -> std::io::Result<()> {
    let style = if decision.approved { GOOD } else { BAD };
    writeln!(
        out,
        "{style}{}{style:#}: {}",
        safe_text::exact(&decision.to_string()),
        safe_text::exact(&decision.summary)
    )
}

/// Tells a session what it was refused.
///
/// # Errors
/// Where the daemon does not answer, refuses the request, or standard output fails.
pub fn why(config: &Config, arguments: &Why) -> anyhow::Result<ExitCode> {
    let mut out = out();
    let mut count = 0;
    for answer in ask(&config.socket, Request::Why {})? {
        let Answer::Record(record) = answer? else { continue };
        count += 1;
        if arguments.json {
            json(&mut out, &*record)?;
        } else {
            events::print(&mut out, &record)?;
        }
    }
    if count == 0 && !arguments.json {
        writeln!(out, "nothing has been refused")?;
    }
    Ok(ExitCode::SUCCESS)
}
