//! Programs: started by name, by descriptor, from memory, through an interpreter or the loader.

use anyhow::{Result, bail, ensure};

use crate::events::Denial;
use crate::fixtures::{self, OPEN, PLAIN, REASON, SHUT, SILENT};
use crate::runner::Test;
use crate::session::Session;
use crate::world::{User, World};

/// A small program that no rule of the suite names.
const UNLISTED: &str = "/usr/bin/uname";
const LOADER: &str = "/lib64/ld-linux-x86-64.so.2";

pub fn tests() -> Vec<Test> {
    vec![
        Test::new("exec::unlisted_program", unlisted),
        Test::new("exec::denied_program", denied),
        Test::new("exec::through_the_loader", loader),
        Test::new("exec::script", script),
        Test::new("exec::descriptor", descriptor),
        Test::new("exec::memory", memory),
        Test::new("exec::capabilities_of_a_file", capabilities),
        Test::new("exec::every_start_is_recorded", starts),
    ]
}

/// Starts `words` where they are free, and `allowed` in a session.
fn both(world: &World, free: &[&str], session: &mut Session, allowed: &[&str]) -> Result<()> {
    world.free(User::Dev)?.must_run(free)?;
    session.must_run(allowed).map(drop)
}

fn must_not_start(session: &mut Session, words: &[&str]) -> Result<()> {
    match session.program(words)? {
        Err(libc::EPERM) => Ok(()),
        other => bail!("{words:?} came to {other:?}"),
    }
}

fn unlisted(world: &World) -> Result<()> {
    let mut session = world.session("suite")?;
    both(world, &[UNLISTED], &mut session, &["/usr/bin/true"])?;
    must_not_start(&mut session, &[UNLISTED])?;
    // By a shell, too, which reports it and goes on.
    let output = session.program(&["/usr/bin/bash", "-c", UNLISTED])?;
    ensure!(matches!(&output, Ok((126, words)) if words.contains("Operation not permitted")), "{output:?}");
    let denial = [Denial::of("exec", UNLISTED, SILENT)];
    world.expect(&session.id, &denial)?;
    world.expect_no_other(&session.id, &denial)
}

fn denied(world: &World) -> Result<()> {
    for folder in [SHUT, OPEN] {
        fixtures::folder(&format!("{folder}/exec"))?;
        fixtures::program("/usr/bin/uname", &format!("{folder}/exec/program"))?;
    }
    let mut session = world.session("suite")?;
    let shut = format!("{SHUT}/exec/program");
    both(world, &[&shut], &mut session, &[&format!("{OPEN}/exec/program")])?;
    must_not_start(&mut session, &[&shut])?;
    world.expect(&session.id, &[Denial::of("exec", shut, REASON)])
}

/// A program that gives whoever starts it more than they have needs a verdict of its own. Where the kernel works out what
/// it gives after the last check that can refuse, it is killed before it runs.
fn capabilities(world: &World) -> Result<()> {
    fixtures::folder(&format!("{OPEN}/capabilities"))?;
    let [plain, powerful] = ["plain", "powerful"].map(|name| format!("{OPEN}/capabilities/{name}"));
    for program in [&plain, &powerful] {
        fixtures::program(UNLISTED, program)?;
    }
    fixtures::empower(&powerful)?;
    let mut session = world.session("suite")?;
    both(world, &[&powerful], &mut session, &[&plain])?;
    let output = session.program(&[&powerful])?;
    ensure!(
        matches!(&output, Err(libc::EPERM)) || matches!(&output, Ok((-1, words)) if words.is_empty()),
        "it came to {output:?}"
    );
    world.expect(&session.id, &[Denial::of("setuid", powerful, SILENT)])
}

fn loader(world: &World) -> Result<()> {
    let mut session = world.session("suite")?;
    both(world, &[LOADER, UNLISTED], &mut session, &[LOADER, "/usr/bin/true"])?;
    let output = session.program(&[LOADER, UNLISTED])?;
    ensure!(
        matches!(&output, Ok((status, words)) if *status != 0 && !words.contains("Linux")),
        "through the loader it came to {output:?}"
    );
    let denial = [Denial::of("map", UNLISTED, SILENT)];
    world.expect(&session.id, &denial)?;
    world.expect_no_other(&session.id, &denial)
}

fn script(world: &World) -> Result<()> {
    fixtures::folder(&format!("{PLAIN}/exec"))?;
    fixtures::folder(&format!("{OPEN}/exec-script"))?;
    let make = |folder: &str, name: &str, interpreter: &str| -> Result<String> {
        let path = format!("{folder}/{name}");
        fixtures::file_with(&path, format!("#!{interpreter}\n").as_bytes())?;
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        Ok(path)
    };
    let open = format!("{OPEN}/exec-script");
    let good = make(&open, "good", "/usr/bin/true")?;
    let unlisted_interpreter = make(&open, "unlisted-interpreter", UNLISTED)?;
    let unlisted_script = make(&format!("{PLAIN}/exec"), "unlisted", "/usr/bin/true")?;
    let mut free = world.free(User::Dev)?;
    free.must("run", &[&unlisted_interpreter])?;
    free.must_run(&[&unlisted_script])?;
    let mut session = world.session("suite")?;
    session.must_run(&[&good])?;
    must_not_start(&mut session, &[&unlisted_interpreter])?;
    must_not_start(&mut session, &[&unlisted_script])?;
    let denials = [Denial::of("exec", UNLISTED, SILENT), Denial::of("exec", unlisted_script, SILENT)];
    world.expect(&session.id, &denials)?;
    world.expect_no_other(&session.id, &denials)
}

fn descriptor(world: &World) -> Result<()> {
    let mut session = world.session("suite")?;
    world.free(User::Dev)?.must("run-descriptor", &[UNLISTED])?;
    session.must("run-descriptor", &["/usr/bin/true"])?;
    session.must_not("run-descriptor", &[UNLISTED])?;
    world.expect(&session.id, &[Denial::of("exec", UNLISTED, SILENT)])
}

/// A file that lies in no folder has no name that a rule could mean.
fn memory(world: &World) -> Result<()> {
    let mut session = world.session("suite")?;
    let program = "/usr/bin/true";
    world.free(User::Dev)?.must("run-memory", &[program])?;
    session.must_run(&[program])?;
    session.must_not("run-memory", &[program])?;
    world.expect(&session.id, &[Denial::for_cause("exec", "detached")])
}

fn starts(world: &World) -> Result<()> {
    let mut session = world.session("suite")?;
    session.must_run(&["/usr/bin/true"])?;
    let events = world.events(&session.id)?;
    let starts = |program: &str| {
        let of = |event: &&serde_json::Value| {
            event["operation"] == "exec" && event["passed"] == true && event["object"]["path"] == program
        };
        events.iter().filter(of).count()
    };
    ensure!(starts("/usr/bin/true") == 1, "`true` was started once and recorded {}", starts("/usr/bin/true"));
    ensure!(starts(fixtures::ACTOR) == 1, "the session's command was recorded {}", starts(fixtures::ACTOR));
    Ok(())
}
