//! Holds and their ends: by a decision, in time, with the task, with the daemon away; alone, or one of many.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{
    ASKED, POLICY, PYTHON, answer, begin, ended, file, holds, is_there, one, session, target, waiting,
};
use crate::daemon::Daemon;
use crate::failure::must_not_pass;
use crate::fixtures;
use crate::follower::Follower;
use crate::world::{World, until};

pub(super) fn arguments(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    ensure!(session.must_run(&["/usr/bin/echo", "quiet", "words"])? == "quiet words\n", "quiet");
    session.send("run", &["/usr/bin/echo", "loud", "a b", "c"])?;
    let hold = one(world, &id)?;
    ensure!(hold["arguments"] == serde_json::json!(["/usr/bin/echo", "loud", "a b", "c"]), "{hold}");
    answer(world, "approve", &hold)?;
    ensure!(
        ended(&mut session)? == (0, "loud a b c\n".to_owned()),
        "the approved program wrote something else"
    );
    session.send("run", &["/usr/bin/echo", "loud", "again"])?;
    answer(world, "deny", &one(world, &id)?)?;
    ensure!(session.hear()? == Err(libc::EPERM), "the denied program started");
    // Arguments that no rule names are refused at once, and the program never starts.
    ensure!(session.program(&["/usr/bin/echo", "other"])? == Err(libc::EPERM), "other arguments");
    session.send("run", &["/usr/bin/uname", "-s"])?;
    answer(world, "approve", &one(world, &id)?)?;
    ensure!(ended(&mut session)? == (0, "Linux\n".to_owned()), "uname");
    Ok(())
}

pub(super) fn outlives(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    file()?;
    begin(&mut session, &format!("import os; os.remove('{}')", target()))?;
    let hold = one(world, &id)?;
    let mut daemon = world.daemon();
    daemon.take().context("no daemon")?.kill()?;
    std::thread::sleep(Duration::from_secs(1));
    must_not_pass(is_there(), "it was done while no daemon ran")?;
    *daemon = Some(Daemon::start(true)?);
    drop(daemon);
    let again = one(world, &id)?;
    ensure!(again["hold"] == hold["hold"], "{hold} became {again}");
    answer(world, "approve", &again)?;
    ensure!(ended(&mut session)?.0 == 0 && !is_there(), "it was not done");
    Ok(())
}

/// Made once a test has seen enough of what its script does.
fn enough() -> Result<&'static str> {
    let at = "/srv/suite/open/asked-enough";
    match fs::remove_file(at) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).context(at),
        _ => Ok(at),
    }
}

pub(super) fn timeout(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let at = "/srv/suite/asked-short/file";
    fixtures::file(at)?;
    begin(&mut session, &format!("import os; os.remove('{at}')"))?;
    let (status, output) = ended(&mut session)?;
    ensure!(status == 1 && output.contains("Operation not permitted"), "{status}: {output}");
    must_not_pass(Path::new(at).exists(), "it was done though nobody answered")?;
    let records = world.ask_json(&["events", "--json", "--session", &session.id])?;
    let decided: Vec<&Value> = records.iter().filter(|record| record["type"] == "decision").collect();
    ensure!(decided.len() == 1 && decided[0]["decided_by"] == "timeout", "{decided:?}");
    // Nobody can decide any more where the task is gone; the story of the session has both.
    file()?;
    let enough = enough()?;
    let script = format!(
        "import os,subprocess,time\n\
         p=subprocess.Popen(['{PYTHON}','-c','import os; os.remove(\"{}\")'])\n\
         while not os.path.exists('{enough}'): time.sleep(.05)\n\
         p.kill(); p.wait()",
        target()
    );
    begin(&mut session, &script)?;
    one(world, &session.id)?;
    fixtures::file(enough)?;
    ensure!(ended(&mut session)?.0 == 0, "it was not killed");
    let came = |story: &Value| -> Vec<String> {
        let holds = story["holds"].as_array().into_iter().flatten();
        holds.map(|hold| hold["outcome"].as_str().unwrap_or("?").to_owned()).collect()
    };
    until("the end of the hold on record", || {
        let story = world.ask_json(&["audit", "session", &session.id, "--json"])?;
        let [story] = &story[..] else { bail!("{story:?}") };
        Ok((came(story) == ["expired", "withdrawn"] && story["counts"]["undecided"] == 1).then_some(()))
    })
}

pub(super) fn threads(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    for number in 0..32 {
        fixtures::file(&format!("{ASKED}/thread-{number}"))?;
    }
    let script = format!(
        "import os,threading\n\
         def go(n):\n os.remove('{ASKED}/thread-%d' % n)\n\
         ts=[threading.Thread(target=go,args=(n,)) for n in range(32)]\n\
         [t.start() for t in ts]; [t.join() for t in ts]\n"
    );
    begin(&mut session, &script)?;
    let mut decided = 0;
    while decided < 32 {
        for hold in waiting(world, &id, 1)? {
            answer(world, "approve", &hold)?;
            decided += 1;
        }
    }
    let (status, output) = ended(&mut session)?;
    ensure!(status == 0 && output.is_empty(), "{status}: {output}");
    ensure!(
        (0..32).all(|number| !Path::new(&format!("{ASKED}/thread-{number}")).exists()),
        "not all are gone"
    );
    ensure!(decided == 32, "{decided} decisions for 32 files");
    Ok(())
}

/// A decision is for the very file that was shown.
pub(super) fn changed(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    file()?;
    begin(&mut session, &format!("open('{}','a').write('x')", target()))?;
    let hold = one(world, &id)?;
    // Another file takes the path while the person reads.
    fs::rename(target(), format!("{ASKED}/moved"))?;
    fixtures::file(&target())?;
    answer(world, "approve", &hold)?;
    let anew = until("the new hold", || {
        let holds = holds(world, &id)?;
        Ok(holds.into_iter().find(|other| other["hold"] != hold["hold"]))
    })?;
    let untouched = fs::read(target())?;
    must_not_pass(!untouched.ends_with(b"x"), "the approval was good for another file")?;
    answer(world, "deny", &anew)?;
    must_not_pass(ended(&mut session)?.0 == 1, "it passed")?;
    ensure!(fs::read(target())? == untouched, "it was written");
    Ok(())
}

/// A session that asks too often is shown as such, and nobody is asked about the rest.
pub(super) fn flood(world: &World) -> Result<()> {
    session(world)?;
    let policy = POLICY.replace("per_minute = 10000", "per_minute = 2").replace("\"asking\"", "\"flooding\"");
    world.policy("flooding", &policy)?;
    let mut session = world.session("flooding")?;
    let id = session.id.clone();
    for number in 0..6 {
        fixtures::file(&format!("{ASKED}/flood-{number}"))?;
    }
    let script = format!(
        "import os\n\
         for n in range(6):\n \
          if os.fork() == 0:\n  \
           try: os.remove('{ASKED}/flood-%d' % n)\n  \
           except PermissionError: os._exit(1)\n  \
           os._exit(0)\n\
         print(sum(os.waitstatus_to_exitcode(os.wait()[1]) for n in range(6)))"
    );
    let mut follower = Follower::start(world)?;
    begin(&mut session, &script)?;
    follower.until(|line| line["flood_denied"] == 3)?;
    let shown = until("the flood", || {
        let holds = holds(world, &id)?;
        Ok(holds.iter().any(|hold| hold["flood_denied"] == 3).then_some(holds))
    })?;
    ensure!(shown.len() == 3, "{} holds of six are shown: {shown:?}", shown.len());
    let output = world.ask(&["holds"])?;
    ensure!(output.contains("asks too often") && output.contains("3 so far"), "{output}");
    answer(world, "approve", &shown[0])?;
    answer(world, "deny", &shown[1])?;
    answer(world, "deny", &shown[2])?;
    ensure!(ended(&mut session)? == (0, "5\n".to_owned()), "one was approved");
    let left = (0..6).filter(|number| Path::new(&format!("{ASKED}/flood-{number}")).exists()).count();
    ensure!(left == 5, "{left} of six files are left");
    Ok(())
}

/// Signals from the session let nothing pass, and killing what is held ends the hold.
pub(super) fn escape(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    file()?;
    let enough = enough()?;
    let script = format!(
        "import os,signal,subprocess\n\
         p=subprocess.Popen(['{PYTHON}','-c','import os; os.remove(\"{}\")'])\n\
         while not os.path.exists('{enough}'):\n  \
          for n in range(1000): os.kill(p.pid,signal.SIGCONT)\n\
         p.kill(); p.wait(); print(p.returncode)",
        target()
    );
    begin(&mut session, &script)?;
    one(world, &id)?;
    std::thread::sleep(Duration::from_secs(2));
    fixtures::file(enough)?;
    let (status, output) = ended(&mut session)?;
    ensure!(status == 0 && output == "-9\n", "{status}: {output}");
    ensure!(is_there(), "a storm of SIGCONT let it pass");
    until("the end of the hold", || Ok(holds(world, &id)?.is_empty().then_some(())))?;
    ensure!(is_there(), "it was done after all");
    Ok(())
}
