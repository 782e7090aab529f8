//! `cargo xtask escapes`: the escape suite in a guest, on one kernel or all.

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::build::Profile;
use crate::suites::{judge, places};
use crate::tally::Tally;
use crate::{build, escape_families, setup, vm};

/// The program that runs inside the guest.
pub const ESCAPES: &str = "gatekeeper-escapes";

/// Which attacks run, and where.
#[derive(Args)]
pub struct Escapes {
    /// Only attacks whose name contains one of these
    filter: Vec<String>,
    /// Only on this kernel (may be given several times)
    #[arg(long)]
    kernel: Vec<String>,
    /// Run them under another tool instead, to see where we stand (may be given several times)
    #[arg(long, value_name = "PEER")]
    against: Vec<Peer>,
    /// Seconds that one guest may take
    #[arg(long, default_value_t = 1500)]
    timeout: u64,
    /// Show how long each part of an attack takes
    #[arg(long)]
    times: bool,
}

/// Another tool that confines programs.
#[derive(Clone, Copy, ValueEnum)]
enum Peer {
    Bubblewrap,
    Firejail,
    Apparmor,
    Landlock,
}

impl Peer {
    /// As the program in the guest knows it.
    fn name(self) -> &'static str {
        match self {
            Self::Bubblewrap => "bubblewrap",
            Self::Firejail => "firejail",
            Self::Apparmor => "apparmor",
            Self::Landlock => "landlock",
        }
    }
}

/// Runs them; 0 when none came out otherwise than it must. Of peers nothing is asked.
pub fn run(escapes: &Escapes, profile: Profile) -> Result<i32> {
    setup::build()?;
    setup::guest()?;
    build::run(profile)?;
    let peers: Vec<Option<Peer>> = match escapes.against.as_slice() {
        [] => vec![None],
        peers => peers.iter().copied().map(Some).collect(),
    };
    let (mut total, mut summary, mut columns) = (Tally::default(), Vec::new(), Vec::new());
    for place in places(&escapes.kernel)? {
        for peer in &peers {
            // How gatekeeper is attached is nothing to a peer.
            if peer.is_some() && place.without_bpf {
                continue;
            }
            let mut words = vec!["env".to_owned()];
            words.extend(escapes.times.then(|| "GATEKEEPER_ESCAPES_TIMES=1".to_owned()));
            words.extend(peer.map(|peer| format!("GATEKEEPER_ESCAPES_AGAINST={}", peer.name())));
            words.push(ESCAPES.to_owned());
            words.extend(escapes.filter.clone());
            let name = match peer {
                Some(peer) => format!("{}, {}", peer.name(), place.name),
                None => place.name.clone(),
            };
            let run = place.guest(&words, escapes.timeout, profile);
            let outcome = run.run().with_context(|| format!("guest {name}"))?;
            vm::report(&name, &outcome);
            let (line, tally) = judge(&name, &outcome.output, Some(outcome.status()));
            summary.push(line);
            total += tally;
            columns.extend(escape_families::printed(&outcome.output).map(|verdicts| (name, verdicts)));
        }
    }
    println!("\n{}", escape_families::table(&columns));
    println!("{}", summary.join("\n"));
    println!("{total}");
    if total.count() == 0 {
        bail!("no attack ran");
    }
    Ok(i32::from(total.failed > 0))
}
