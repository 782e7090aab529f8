//! The prompt and the console on a terminal that a test can see, and a shell with job control.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{PLACE, asked, is_gone, lay, session, target};
use crate::failure::must_not_pass;
use crate::fixtures;
use crate::suite::hold::{answer, begin, ended, holds, waiting};
use crate::tmux::Tmux;
use crate::world::{User, World, until};

/// A name that would move the cursor, turn the writing, hide, and push itself off the screen.
const HOSTILE: &str = r"x\x1b[2J\x1b[Happroved\u202egpj\u200b\u00a0\u3164";

/// Returns the keys that answer the question on the screen.
fn code(screen: &str) -> Result<String> {
    let (before, _) = screen.split_once(" once, s").with_context(|| format!("no question: {screen}"))?;
    let word = before.split_whitespace().next_back().unwrap_or_default();
    let code = word.strip_prefix('a').filter(|code| code.len() == 3);
    code.map(str::to_owned).with_context(|| format!("no code: {screen}"))
}

/// The question as it stands; keys count by then.
fn question(tmux: &Tmux) -> Result<String> {
    let screen = tmux.shows("gatekeeper asks")?;
    std::thread::sleep(Duration::from_millis(800));
    ensure!(
        !screen.chars().any(|c| matches!(c, '\u{202e}' | '\u{200b}' | '\u{a0}' | '\u{3164}')),
        "{screen}"
    );
    tmux.screen()
}

pub fn prompt(world: &World) -> Result<()> {
    lay(world)?;
    for name in ["first", "second", "third"] {
        fixtures::file(&asked(name))?;
    }
    let line = format!(
        "gatekeeper run --prompt --policy people --name asking --workspace {} -- /bin/bash --norc --noprofile",
        fixtures::WORK
    );
    let tmux = Tmux::start(world, User::Dev, (100, 40), &line)?;
    tmux.shows("$")?;
    let own = tmux.knows("pane_tty")?;

    // Nobody in the session opens the owner's terminal.
    tmux.line(&format!("echo painted > {own}; echo wrote $?"))?;
    let screen = tmux.shows("wrote 1")?;
    ensure!(screen.contains("busy"), "{screen}");

    let stop = format!("{PLACE}/work/stop");
    // The terminal is plain for a question, and afterwards as it was. The session goes on writing meanwhile, and would
    // type an answer itself.
    tmux.line(&format!(
        "printf '\\033[?1000h\\033[?2004h'; (while [ ! -e {stop} ]; do printf 'a000\\r'; sleep 0.05; done >/dev/tty &) ; \
         python3 -c 'import os; os.remove(\"{}\")' & sleep 1",
        asked("first")
    ))?;
    let screen = question(&tmux)?;
    ensure!(screen.contains("asked/first") && screen.contains("production"), "{screen}");
    ensure!(tmux.knows("mouse_any_flag")? == "0", "the mouse still reports");
    let code_of_first = code(&screen)?;
    // What the session writes over it would leave the rest of the line as it was.
    let own = screen.contains(&format!("s{code_of_first} session"));
    must_not_pass(own, format!("the session writes into the question: {screen}"))?;
    ensure!(code_of_first != "000", "by chance, what the session types is the code");
    must_not_pass(!screen.contains("a000"), format!("the session writes into the question: {screen}"))?;
    // A key that is held down, and an answer without the code, decide nothing.
    tmux.types(&"a".repeat(60))?;
    tmux.press("Enter")?;
    tmux.line("y")?;
    let screen = tmux.shows("nothing is decided")?;
    ensure!(Path::new(&asked("first")).exists() && code(&screen)? == code_of_first, "{screen}");
    tmux.line(&format!("a{code_of_first}"))?;
    until("the approved deletion", || Ok((!Path::new(&asked("first")).exists()).then_some(())))?;
    let screen = tmux.hides("gatekeeper asks")?;
    must_not_pass(
        !screen.contains(&format!("a{code_of_first}")),
        format!("the answer reached the session: {screen}"),
    )?;
    until("the session's mouse", || Ok((tmux.knows("mouse_any_flag")? == "1").then_some(())))?;
    fixtures::file(&stop)?;
    tmux.line("printf '\\033[?1000l'; clear")?;

    // Two at once: each has a question of its own, and one answer is good for one.
    let remove = |name: &str| format!("python3 -c 'import os; os.remove(\"{}\")'", asked(name));
    tmux.line(&format!("{} & {} & sleep 1", remove("second"), remove("third")))?;
    let screen = question(&tmux)?;
    let first = code(&screen)?;
    let named = if screen.contains("asked/second") { ("second", "third") } else { ("third", "second") };
    tmux.line(&format!("a{first}"))?;
    tmux.line(&format!("a{first}"))?;
    tmux.shows(&format!("asked/{}", named.1))?;
    let screen = question(&tmux)?;
    until("the first deletion", || Ok((!Path::new(&asked(named.0)).exists()).then_some(())))?;
    must_not_pass(Path::new(&asked(named.1)).exists(), "one answer was good for two")?;
    tmux.line(&format!("d{}", code(&screen)?))?;
    tmux.shows("Operation not permitted")?;
    must_not_pass(Path::new(&asked(named.1)).exists(), "it was denied and is gone")?;

    // Names that would deceive are spelled out.
    tmux.line("clear")?;
    // No such file: nothing is asked. Made first, it is.
    tmux.line(&format!("python3 -c 'import os; os.remove(\"{}\")'", asked(HOSTILE)))?;
    tmux.line(&format!("python3 -c 'open(\"{}\",\"w\")'", asked(HOSTILE)))?;
    tmux.line(&format!("python3 -c 'import os; os.remove(\"{}\")' & sleep 1", asked(HOSTILE)))?;
    let screen = question(&tmux)?;
    for part in ["x\\u{1b}[2J", "\\u{202e}", "\\u{200b}", "\\u{a0}", "\\u{3164}"] {
        ensure!(screen.contains(part), "{part} is not spelled out: {screen}");
    }
    // Decided elsewhere, the question goes away.
    let holds = world.ask_json(&["holds", "--json"])?;
    let hold = holds.iter().find(|hold| hold["event"]["session_name"] == "asking").context("no hold")?;
    answer(world, "deny", hold)?;
    tmux.hides("gatekeeper asks")?;
    Ok(())
}

pub fn no_terminal(world: &World) -> Result<()> {
    let output = world.gatekeeper(User::Dev, &["run", "--prompt", "--policy", "wide", "--", "/bin/true"])?;
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success() && errors.contains("--prompt asks on a terminal"), "{errors}");
    Ok(())
}

pub fn console(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    for name in ["left", "right"] {
        fixtures::file(&asked(name))?;
    }
    let tmux = Tmux::start(world, User::Dev, (200, 40), "gatekeeper console")?;
    let script = format!(
        "import os,subprocess\n\
         a=[subprocess.Popen(['python3','-c','import os; os.remove(\"{PLACE}/asked/%s\")' % n]) for n in ('left','right')]\n\
         try: subprocess.Popen(['/usr/bin/rm','-rf','{HOSTILE}',' '*400,'{PLACE}/none']); print('started')\n\
         except PermissionError: print('refused')\n\
         [p.wait() for p in a]; print(*sorted(p.returncode for p in a))"
    );
    begin(&mut session, &script)?;
    waiting(world, &id, 3)?;
    tmux.shows("asked/right")?;
    tmux.shows("asked/left")?;
    let there = || [Path::new(&asked("left")).exists(), Path::new(&asked("right")).exists()];
    // Nothing is selected of itself, and a key that is held down decides nothing.
    tmux.types(&"a".repeat(20))?;
    tmux.types(&"y".repeat(20))?;
    std::thread::sleep(Duration::from_secs(1));
    ensure!(holds(world, &id)?.len() == 3, "a key without a selection decided something");
    // What is hostile is spelled out, blanks are counted, and it is found by searching.
    tmux.types("/rm")?;
    tmux.press("Enter")?;
    tmux.press("Down")?;
    let screen = tmux.shows("400 blanks")?;
    for part in ["\\u{1b}[2J", "\\u{202e}", "\\u{200b}"] {
        ensure!(screen.contains(part), "{part} is not spelled out: {screen}");
    }
    ensure!(
        !screen.chars().any(|c| matches!(c, '\u{202e}' | '\u{200b}' | '\u{a0}' | '\u{3164}')),
        "{screen}"
    );
    tmux.types("d")?;
    tmux.shows("deny hold")?;
    tmux.types("y")?;
    until("the denial", || Ok((holds(world, &id)?.len() == 2).then_some(())))?;
    // One approval is good for one, however long the keys are held down.
    std::thread::sleep(Duration::from_secs(1));
    tmux.press("Escape")?;
    // Both keys in one reading would be one other key: it has been read once the whole list is back.
    tmux.shows("asked/left")?;
    tmux.press("Down")?;
    tmux.shows("production")?;
    tmux.types("a")?;
    tmux.shows("approve hold")?;
    tmux.types(&"y".repeat(30))?;
    tmux.types(&"a".repeat(30))?;
    until("the approval", || Ok(there().contains(&false).then_some(())))?;
    std::thread::sleep(Duration::from_secs(1));
    tmux.types(&"y".repeat(30))?;
    let left = holds(world, &id)?;
    ensure!(left.len() == 1 && there().contains(&true), "one answer was good for two: {left:?}");
    answer(world, "deny", &left[0])?;
    let (status, output) = ended(&mut session)?;
    ensure!(status == 0 && output.contains("refused\n") && output.contains("\n0 1\n"), "{status}: {output}");
    Ok(())
}

/// A shell with job control sees the job stopped, and go on once it is decided.
pub fn job_control(world: &World) -> Result<()> {
    lay(world)?;
    target()?;
    let line = format!(
        "gatekeeper run --policy people --workspace {} -- /bin/bash --norc --noprofile",
        fixtures::WORK
    );
    let tmux = Tmux::start(world, User::Dev, (100, 30), &line)?;
    tmux.shows("$")?;
    tmux.line(&format!(
        "python3 -c 'import os; os.remove(\"{}\"); print(\"it \" + \"went on\")'",
        asked("target")
    ))?;
    let hold = until("the hold", || {
        let holds = world.ask_json(&["holds", "--json"])?;
        Ok(holds.into_iter().find(|hold| hold["event"]["object"]["path"] == asked("target")))
    })?;
    tmux.shows("Stopped")?;
    tmux.line("jobs")?;
    answer(world, "approve", &hold)?;
    tmux.shows("it went on")?;
    ensure!(is_gone(), "it was not done");
    tmux.line("wait; echo all $?")?;
    tmux.shows("all 0")?;
    Ok(())
}
