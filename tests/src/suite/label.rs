//! Labels: how a task gets one, and that nothing sheds it.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::actor::Actor;
use crate::events::Denial;
use crate::failure::must_not_pass;
use crate::fixtures::{self, ACTOR, OPEN, REASON, WORK};
use crate::policies::{fill, policy};
use crate::runner::Test;
use crate::session::Session;
use crate::sys::check;
use crate::world::{User, World, in_full, until};

const ROOT: &str = "/sys/fs/cgroup";
/// include/uapi/linux/sched.h; the libc crate cuts it off.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

pub fn tests() -> Vec<Test> {
    let mut tests = vec![
        Test::new("label::leaving_the_cgroup", leaving),
        Test::new("label::another_user_and_name", another_user),
        Test::new("label::other_namespaces", namespaces),
        Test::new("label::descendants_of_the_cgroup", descendants),
        Test::new("label::born_into_the_cgroup", born),
        Test::new("label::existing_cgroup_in_a_storm_of_forks", storm),
        Test::new("label::nested_session_narrows", nested),
        Test::new("label::eight_layers_and_no_ninth", layers),
        Test::new("label::session_ends_with_its_last_task", ends),
        Test::new("label::session_ends_before_its_dead_are_waited_for", unburied),
    ];
    // The daemon's doing.
    if in_full() {
        tests.push(Test::new("label::session_with_an_end_is_killed_at_it", expires));
    }
    tests
}

fn enter(folder: &str, pid: u32) -> Result<()> {
    let file = format!("{folder}/cgroup.procs");
    fs::write(&file, pid.to_string()).with_context(|| format!("writing {pid} to {file}"))
}

fn cgroup_of(world: &World, session: &Session) -> Result<String> {
    let listed = world.session_listed(&session.id)?.context("the session is not listed")?;
    Ok(listed["cgroup"].as_str().context("a session without cgroup")?.to_owned())
}

/// The open file can be read and the shut one can't.
fn bound(actor: &mut Actor, [open, shut]: &[String; 2]) -> Result<()> {
    actor.must("read", &[open])?;
    actor.must_not("read", &[shut])
}

fn leaving(world: &World) -> Result<()> {
    let files = fixtures::pair("label-leaving")?;
    world.free(User::Root)?.must("read", &[&files[1]])?;
    let mut session = world.session_of(User::Root, "suite", "/", None)?;
    bound(&mut session, &files)?;
    enter(ROOT, session.pid())?;
    bound(&mut session, &files)?;
    session.must_not("in-child", &["read", &files[1]])?;
    session.must_not("as-orphan", &["read", &files[1]])?;
    session.must_not("in-thread", &["read", &files[1]])?;
    ensure!(world.session_listed(&session.id)?.is_some(), "the session is over while its task runs");
    let refusals = world.events(&session.id)?.iter().filter(|event| event["passed"] == false).count();
    ensure!(refusals == 5, "{refusals} refusals were recorded");
    world.expect(&session.id, &[Denial::of("read", &files[1], REASON)])
}

fn another_user(world: &World) -> Result<()> {
    let files = fixtures::pair("label-user")?;
    let mut session = world.session_of(User::Root, "suite", "/", None)?;
    bound(&mut session, &files)?;
    session.must("rename-self", &["innocent"])?;
    bound(&mut session, &files)?;
    session.must("become-user", &["1000"])?;
    bound(&mut session, &files)?;
    let events = world.events(&session.id)?;
    let last = events.iter().rfind(|event| event["passed"] == false).context("nothing was refused")?;
    ensure!(last["task"]["uid"] == 1000 && last["task"]["comm"] == "innocent", "{last}");
    Ok(())
}

fn namespaces(world: &World) -> Result<()> {
    let files = fixtures::pair("label-namespaces")?;
    let mut free = world.free(User::Dev)?;
    free.must::<&str>("unshare", &[])?;
    free.must("read", &[&files[1]])?;
    let mut session = world.session("suite")?;
    session.must::<&str>("unshare", &[])?;
    bound(&mut session, &files)?;
    session.must_not("read", &[format!("/proc/self/root{}", files[1])])?;
    // In its own namespace it may be root; mounts are what paths are made of, so they stay closed.
    session.must_not("mount", &[format!("{OPEN}/label-namespaces")])?;
    world.expect(&session.id, &[Denial::of("read", &files[1], REASON), Denial::for_cause("mount", "builtin")])
}

fn descendants(world: &World) -> Result<()> {
    let files = fixtures::pair("label-descendants")?;
    let session = world.session("suite")?;
    let below = format!("{}/below/deeper", cgroup_of(world, &session)?);
    fs::create_dir_all(&below).with_context(|| format!("making {below}"))?;
    let mut free = world.free(User::Dev)?;
    free.must("read", &[&files[1]])?;
    enter(&below, free.pid())?;
    bound(&mut free, &files)?;
    world.expect(&session.id, &[Denial::of("read", &files[1], REASON)])?;
    drop(free);
    drop(session);
    until("the cgroup's removal", || Ok((!Path::new(&below).exists()).then_some(())))
}

/// A child of this very process, which is in no session, comes into the world in a session's cgroup.
fn born(world: &World) -> Result<()> {
    let files = fixtures::pair("label-born")?;
    let path = crate::sys::c(files[1].as_bytes()).map_err(std::io::Error::from_raw_os_error)?;
    let child_in = |folder: &str| -> Result<i32> {
        let cgroup = fs::File::open(folder).with_context(|| format!("opening {folder}"))?;
        // SAFETY: zeros are what clone3 takes for "not asked for".
        let mut wanted: libc::clone_args = unsafe { std::mem::zeroed() };
        wanted.flags = CLONE_INTO_CGROUP;
        wanted.exit_signal = libc::SIGCHLD as u64;
        wanted.cgroup = cgroup.as_raw_fd() as u64;
        // SAFETY: without CLONE_VM the child is a copy; it makes two system calls and is gone.
        let child =
            check(unsafe { libc::syscall(libc::SYS_clone3, &raw mut wanted, size_of::<libc::clone_args>()) });
        let child = child.map_err(std::io::Error::from_raw_os_error).context("clone3")?;
        if child == 0 {
            // SAFETY: the string ends in NUL; `_exit` runs nothing of the parent's.
            unsafe {
                let opened = libc::open(path.as_ptr(), libc::O_RDONLY);
                libc::_exit(if opened >= 0 { 0 } else { *libc::__errno_location() });
            }
        }
        let mut status = 0;
        // SAFETY: the child is ours and the pointer good.
        check(unsafe { libc::waitpid(child as i32, &raw mut status, 0) })
            .map_err(std::io::Error::from_raw_os_error)
            .context("waiting for the child")?;
        ensure!(libc::WIFEXITED(status), "the child ended with status {status}");
        Ok(libc::WEXITSTATUS(status))
    };
    ensure!(child_in(ROOT)? == 0, "outside any session the child could not read");
    let wide = world.session("wide")?;
    ensure!(child_in(&cgroup_of(world, &wide)?)? == 0, "where it is allowed the child could not read");
    let session = world.session("suite")?;
    let came = child_in(&cgroup_of(world, &session)?)?;
    ensure!(came == libc::EPERM, "born into the session, the child came to {came}");
    world.expect(&session.id, &[Denial::of("read", &files[1], REASON)])
}

/// A process with many threads, each of which forks without rest, is taken into a session: from the
/// moment that `label` returns, none of them, and nobody born of them, reads what is shut.
fn storm(world: &World) -> Result<()> {
    let files = fixtures::pair("label-storm")?;
    let cgroup = format!("{ROOT}/suite-storm-{}", world.number());
    fs::create_dir(&cgroup).with_context(|| format!("making {cgroup}"))?;
    let mut actor = world.free(User::Dev)?;
    enter(&cgroup, actor.pid())?;
    let board = crate::acts::Board::make(&format!("{OPEN}/label-storm/board"))?;
    actor.send("fork-storm", &[&format!("{OPEN}/label-storm/board"), &files[1]])?;
    until("the storm", || Ok((board.let_before() > 100).then_some(())))?;
    let words = ["label", "--cgroup", &cgroup, "--policy", "suite", "--user", "dev", "--workspace", WORK];
    // It gives up where a cgroup does not freeze in time, as one that forks without rest may on a busy machine.
    let output = until("the label", || match world.ask(&words) {
        Err(error) if error.to_string().contains("did not freeze") => Ok(None),
        output => output.map(Some),
    })?;
    board.say_bound();
    until("refusals", || Ok((board.refused_after() > 300).then_some(())))?;
    board.say_stop();
    actor.hear()?.map_err(|errno| anyhow::anyhow!("the storm failed: {errno}"))?;
    ensure!(board.let_after() == 0, "{} reads were let after the label was on", board.let_after());
    ensure!(board.failed() == 0, "{} reads failed otherwise", board.failed());
    // The open part of the policy is open to it, too.
    bound(&mut actor, &files)?;
    let id = output.split([' ', ':']).nth(1).context("`label` did not name the session")?.to_owned();
    world.expect(&id, &[Denial::of("read", &files[1], REASON)])?;
    drop(actor);
    until("the cgroup's end", || Ok(fs::remove_dir(&cgroup).ok()))
}

/// Starts an actor in nested sessions, the outermost policy first. Returns the innermost session's name, too.
fn nest(world: &World, policies: &[&str]) -> (Result<Actor>, String) {
    let name = format!("t{}", world.number());
    let mut words = Vec::new();
    for (place, policy) in policies.iter().enumerate() {
        if place > 0 {
            words.push("/usr/bin/gatekeeper");
        }
        words.extend(["run", "--policy", policy, "--workspace", WORK]);
        if place + 1 == policies.len() {
            words.extend(["--name", &name]);
        }
        words.push("--");
    }
    words.extend([ACTOR, "actor"]);
    let mut command = world.command(&words);
    command.current_dir("/");
    (Actor::start(world, command, User::Dev, None), name)
}

fn nested(world: &World) -> Result<()> {
    let [open, shut] = fixtures::pair("label-nested")?;
    let inner_only = format!("{OPEN}/label-nested/inner");
    fixtures::file(&inner_only)?;
    let values = [("NAME", "inner"), ("FILE", inner_only.as_str()), ("REASON", "narrower inside")];
    world.policy("inner", &fill(policy!("allow-all-but-file"), &values))?;
    world.session("suite")?.must("read", &[&inner_only])?;
    let (actor, name) = nest(world, &["suite", "inner"]);
    let mut actor = actor?;
    actor.must("read", &[&open])?;
    actor.must_not("read", &[&inner_only])?;
    // The inner policy allows it; the outer one, which it can't widen, does not.
    actor.must_not("read", &[&shut])?;
    let inner = world.session_named(&name)?;
    ensure!(inner["layers"] == 2, "{inner}");
    let outer = inner["parent"].as_str().context("no parent")?.to_owned();
    let id = inner["session"].as_str().context("no id")?;
    world.expect(
        id,
        &[Denial::of("read", &inner_only, "narrower inside"), Denial::of("read", &shut, REASON)],
    )?;
    drop(actor);
    until("the sessions' end", || Ok(world.session_listed(&outer)?.is_none().then_some(())))
}

fn layers(world: &World) -> Result<()> {
    let files = fixtures::pair("label-layers")?;
    let eight = ["wide", "wide", "wide", "wide", "suite", "wide", "wide", "wide"];
    let (actor, name) = nest(world, &eight);
    let mut actor = actor?;
    ensure!(world.session_named(&name)?["layers"] == 8, "not eight layers");
    bound(&mut actor, &files)?;
    drop(actor);
    let nine = [&eight[..], &["wide"]].concat();
    match nest(world, &nine).0 {
        Ok(_) => bail!("a ninth layer was accepted"),
        Err(error) => {
            let words = format!("{error:#}");
            ensure!(words.contains("layers") && words.contains("125"), "the ninth was refused so: {words}");
            Ok(())
        }
    }
}

fn ends(world: &World) -> Result<()> {
    let session = world.session("suite")?;
    let id = session.id.clone();
    let cgroup = cgroup_of(world, &session)?;
    drop(session);
    until("the session's end", || Ok(world.session_listed(&id)?.is_none().then_some(())))?;
    ensure!(!Path::new(&cgroup).exists(), "{cgroup} is still there");
    let changes = world.ask_json(&["events", "--json", "--session", &id])?;
    let recorded =
        |change: &str| changes.iter().any(|record| record["type"] == "session" && record["change"] == change);
    ensure!(recorded("opened") && recorded("ended"), "the trail does not record its opening and its end");
    Ok(())
}

/// A parent that never waits, as the first process of many a container.
fn unburied(world: &World) -> Result<()> {
    let session = world.session("suite")?;
    let pid = session.pid();
    // SAFETY: no pointers; it is our child, and not waited for.
    unsafe { libc::kill(pid as i32, libc::SIGKILL) };
    until("the session's end", || Ok(world.session_listed(&session.id)?.is_none().then_some(())))?;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("it was waited for")?;
    ensure!(stat.contains(") Z "), "it is not dead: {stat}");
    Ok(())
}

/// With a session in it that asks for more, and a task that somebody moved out of its cgroup.
fn expires(world: &World) -> Result<()> {
    let name = format!("e{}", world.number());
    let script = "sleep 1000 & /usr/bin/gatekeeper run --for 1h --policy wide -- sleep 1000; true";
    let words = ["run", "--for", "40s", "--policy", "wide", "--name", &name, "--", "bash", "-c", script];
    let mut command = world.command(&words);
    User::Dev.become_of(&mut command);
    let mut child = command.current_dir(WORK).stdin(Stdio::null()).process_group(0).spawn()?;
    world.remember(child.id());
    let (outer, inner) = until("both sessions", || {
        let listed = world.ask_json(&["sessions", "--json"])?;
        let outer = listed.iter().find(|session| session["name"] == name.as_str()).cloned();
        let Some(outer) = outer else { return Ok(None) };
        let inner = listed.into_iter().find(|session| session["parent"] == outer["session"]);
        let is_full =
            |session: &Value, count| session["processes"].as_array().is_some_and(|all| all.len() >= count);
        Ok(inner.filter(|inner| is_full(inner, 1) && is_full(&outer, 2)).map(|inner| (outer, inner)))
    })?;
    let left = |session: &Value| session["seconds_left"].as_u64().unwrap_or(u64::MAX);
    ensure!(left(&outer) <= 40 && left(&inner) <= left(&outer), "{outer} {inner}");
    let pids = |session: &Value| -> Vec<u32> {
        session["processes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|pid| Some(pid.as_u64()? as u32))
            .collect()
    };
    // Not the shell: it would see what it waits for killed, and might end of itself before its turn comes.
    let is_sleep =
        |pid: &u32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == "sleep");
    let strayed = until("the sleeping process", || Ok(pids(&outer).into_iter().find(is_sleep)))?;
    enter(ROOT, strayed)?;
    let [outer_id, inner_id] =
        [&outer, &inner].map(|session| session["session"].as_str().unwrap_or_default().to_owned());
    // One that nobody has waited for is there still, though it can do nothing.
    let status = child.wait()?;
    ensure!(status.signal() == Some(libc::SIGKILL), "it ended with {status}");
    until("the sessions' end", || {
        let gone = world.session_listed(&outer_id)?.is_none() && world.session_listed(&inner_id)?.is_none();
        Ok(gone.then_some(()))
    })?;
    for pid in [pids(&outer), pids(&inner)].concat() {
        must_not_pass(
            !Path::new(&format!("/proc/{pid}/exe")).exists(),
            format!("process {pid} runs on, unbound"),
        )?;
    }
    for id in [&outer_id, &inner_id] {
        let records = world.ask_json(&["events", "--json", "--session", id])?;
        let changes: Vec<&str> = records
            .iter()
            .filter(|record| record["type"] == "session")
            .filter_map(|record| record["change"].as_str())
            .collect();
        ensure!(changes == ["opened", "expired", "ended"], "{changes:?}");
        ensure!(
            records.iter().any(|record| record["change"] == "opened" && record["expires"].is_string()),
            "{id}"
        );
    }
    Ok(())
}
