//! Decisions: who makes them, how far they reach, and who sees their reasons.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{
    ASKED, POLICY, PYTHON, answer, begin, decide, ended, file, is_there, number, one, session, target,
};
use crate::failure::must_not_pass;
use crate::fixtures;
use crate::follower::Follower;
use crate::session::Session;
use crate::world::{User, World};

pub(super) fn scopes(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    let append = |name: &str| format!("open('{ASKED}/{name}','a').write('x')");
    for name in ["one", "two", "three"] {
        fixtures::file(&format!("{ASKED}/{name}"))?;
    }
    // Exactly this, for the session.
    begin(&mut session, &append("one"))?;
    let hold = one(world, &id)?;
    decide(world, User::Dev, &["approve", &number(&hold)?, "--session", "--reason", "it may"])?;
    ensure!(ended(&mut session)?.0 == 0, "approved");
    session.must_run(&[PYTHON, "-c", &append("one")])?;
    begin(&mut session, &append("two"))?;
    let hold = one(world, &id)?;
    // For the rule, for a time.
    decide(world, User::Dev, &["approve", &number(&hold)?, "--rule", "--for", "20s"])?;
    let approved = Instant::now();
    ensure!(ended(&mut session)?.0 == 0, "approved for the rule");
    session.must("write", &[format!("{ASKED}/three"), "x".to_owned()])?;
    std::thread::sleep(Duration::from_secs(21).saturating_sub(approved.elapsed()));
    begin(&mut session, &append("three"))?;
    answer(world, "deny", &one(world, &id)?)?;
    ensure!(ended(&mut session)?.0 == 1, "the approval outlived its time");
    // Another session has nothing of it.
    let mut other = world.session("asking")?;
    let other_id = other.id.clone();
    begin(&mut other, &append("one"))?;
    answer(world, "deny", &one(world, &other_id)?)?;
    ensure!(ended(&mut other)?.0 == 1, "an approval was good for another session");
    Ok(())
}

/// A session has room for so many approvals for more than once (`GRANTS_PER_SESSION`).
const APPROVALS: usize = 16;

/// One more than there is room for is refused before it is decided, and the hold waits on. A new policy ends them all.
pub(super) fn many(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    let path = |number: usize| format!("{ASKED}/many-{number}");
    let append = |number: usize| format!("open('{}','a').write('x')", path(number));
    for number in 0..=APPROVALS {
        fixtures::file(&path(number))?;
    }
    for number in 0..APPROVALS {
        begin(&mut session, &append(number))?;
        let hold = self::number(&one(world, &id)?)?;
        decide(world, User::Dev, &["approve", &hold, "--session"])?;
        ensure!(ended(&mut session)?.0 == 0, "{number}: approved");
    }
    let before = std::fs::read(path(APPROVALS))?;
    begin(&mut session, &append(APPROVALS))?;
    let hold = self::number(&one(world, &id)?)?;
    let output = decide(world, User::Dev, &["approve", &hold, "--session"]);
    let words = output.err().map(|error| error.to_string()).unwrap_or_default();
    ensure!(words.contains("16 approvals of this session") && words.contains("approve it once"), "{words}");
    let again = self::number(&one(world, &id)?)?;
    ensure!(again == hold, "hold {hold} became {again}");
    must_not_pass(
        std::fs::read(path(APPROVALS))? == before,
        "what could not be approved for the session was done",
    )?;
    decide(world, User::Dev, &["approve", &hold])?;
    ensure!(ended(&mut session)?.0 == 0, "approved once");
    world.policy("asking", &format!("{POLICY}# anew\n"))?;
    world.ask(&["reload"])?;
    begin(&mut session, &append(0))?;
    let hold = self::number(&one(world, &id)?)?;
    decide(world, User::Dev, &["approve", &hold, "--session"])?;
    ensure!(ended(&mut session)?.0 == 0, "approved under the new policy");
    Ok(())
}

pub(super) fn rights(world: &World) -> Result<()> {
    let mut session = session(world)?;
    let id = session.id.clone();
    file()?;
    begin(&mut session, &format!("import os; os.remove('{}')", target()))?;
    let hold = number(&one(world, &id)?)?;
    ensure!(decide(world, User::Alice, &["approve", &hold]).is_err(), "another user approved");
    // From inside, though it is the owner who asks.
    let inside = world.session("suite")?;
    let (mut inside, _) = inside.parts();
    let output = inside.program(&["/usr/bin/gatekeeper", "approve", &hold])?;
    ensure!(matches!(&output, Ok((1, words)) if words.contains("from inside a session")), "{output:?}");
    decide(world, User::Root, &["deny", &hold, "--reason", "not today"])?;
    ensure!(ended(&mut session)?.0 == 1 && is_there(), "denied by root");
    // Two must agree, and the owner is not enough.
    let at = "/srv/suite/asked-two/file";
    fixtures::file(at)?;
    begin(&mut session, &format!("import os; os.remove('{at}')"))?;
    let hold = number(&one(world, &id)?)?;
    let mut follower = Follower::start(world)?;
    let number: u64 = hold.parse()?;
    follower.until(|line| line["hold"] == number)?;
    let output = decide(world, User::Dev, &["approve", &hold])?;
    ensure!(output.contains("others must agree"), "{output}");
    // Who decides next sees who has.
    follower.until(|line| line["updated"] == number && line["approved_by"][0]["name"] == "dev")?;
    ensure!(decide(world, User::Dev, &["approve", &hold]).is_err(), "the owner approved twice");
    std::thread::sleep(Duration::from_millis(500));
    must_not_pass(Path::new(at).exists(), "one was enough")?;
    // Who is asked last alone does not say how much: the first approved once.
    let output = decide(world, User::Alice, &["approve", &hold, "--session"])?;
    ensure!(output.contains(", once") && output.contains("others approved no more"), "{output}");
    ensure!(ended(&mut session)?.0 == 0 && !Path::new(at).exists(), "two were not enough");
    fixtures::file(at)?;
    begin(&mut session, &format!("import os; os.remove('{at}')"))?;
    let again = one(world, &id)?;
    must_not_pass(Path::new(at).exists(), "one of two approved it for the session")?;
    answer(world, "deny", &again)?;
    must_not_pass(ended(&mut session)?.0 == 1 && Path::new(at).exists(), "it passed")?;
    Ok(())
}

/// Returns the records that `gatekeeper why` shows in a session.
fn reasons_of(session: &mut Session) -> Result<Vec<Value>> {
    let (status, output) = session
        .program(&["/usr/bin/gatekeeper", "why", "--json"])?
        .map_err(|errno| anyhow::anyhow!("it did not start: {errno}"))?;
    ensure!(status == 0, "{status}: {output}");
    output.lines().map(|line| serde_json::from_str(line).with_context(|| line.to_owned())).collect()
}

/// A session sees what it was refused and what people answered, and nothing of any other session.
pub(super) fn reasons(world: &World) -> Result<()> {
    let (mut session, mut other) = (session(world)?, world.session("asking")?);
    let shut = format!("{}/why", fixtures::SHUT);
    fixtures::file(&shut)?;
    ensure!(reasons_of(&mut session)?.is_empty(), "it sees a reason before anything was refused");
    let read = format!("open('{shut}').read()");
    begin(&mut session, &read)?;
    ensure!(ended(&mut session)?.0 == 1, "it could be read");
    for (session, name, why) in
        [(&mut session, "mine", "not on a Friday"), (&mut other, "theirs", "nor on a Monday")]
    {
        let at = format!("{ASKED}/why-{name}");
        fixtures::file(&at)?;
        let id = session.id.clone();
        begin(session, &format!("import os; os.remove('{at}')"))?;
        decide(world, User::Dev, &["deny", &number(&one(world, &id)?)?, "--reason", why])?;
        ensure!(ended(session)?.0 == 1, "{name}: it was denied");
    }
    let own = reasons_of(&mut session)?;
    let denial = |record: &Value| {
        record["type"] == "event"
            && record["object"]["path"] == shut.as_str()
            && record["reason"] == fixtures::REASON
            && record["rule"]["id"] == "suite/shut"
    };
    let decision = |why: &str| {
        let why = why.to_owned();
        move |record: &Value| record["type"] == "decision" && record["reason"] == why.as_str()
    };
    ensure!(own.iter().any(denial), "the denial is missing: {own:?}");
    ensure!(own.iter().any(decision("not on a Friday")), "the decision is missing: {own:?}");
    let theirs = reasons_of(&mut other)?;
    ensure!(theirs.iter().any(decision("nor on a Monday")), "the other's is missing: {theirs:?}");
    must_not_pass(!theirs.iter().any(denial), format!("the other sees the denial: {theirs:?}"))?;
    for (records, id) in [(&own, &session.id), (&theirs, &other.id)] {
        let foreign: Vec<&Value> = records.iter().filter(|record| record["session"] != id.as_str()).collect();
        ensure!(foreign.is_empty(), "{id} sees another session: {foreign:?}");
    }
    let outside = decide(world, User::Dev, &["why"]);
    ensure!(
        outside.is_err_and(|error| format!("{error:#}").contains("in a session")),
        "a process outside sees reasons"
    );
    Ok(())
}
