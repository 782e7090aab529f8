//! Addresses: real servers listen on loopback, and those that are shut see nothing.

use std::sync::OnceLock;

use anyhow::{Context, Result, anyhow, ensure};

use crate::events::Denial;
use crate::failure::must_not_pass;
use crate::fixtures::{OPEN_PORT, REASON, SHUT_PORT, SILENT};
use crate::policies::{fill, policy};
use crate::runner::Test;
use crate::servers::Server;
use crate::world::{User, World};

pub fn tests() -> Vec<Test> {
    vec![
        Test::new("net::connect", |world| each_host(world, connect)),
        Test::new("net::connect_mapped", |world| {
            reach(world, "connect", &mapped(OPEN_PORT), &mapped(SHUT_PORT), true)
        }),
        Test::new("net::send_udp", |world| each_host(world, |world, host| send(world, "send-udp", host))),
        Test::new("net::send_udp_message", |world| {
            each_host(world, |world, host| send(world, "send-udp-message", host))
        }),
        Test::new("net::tcp_fast_open", |world| {
            each_host(world, |world, host| send(world, "send-tcp-fast", host))
        }),
        Test::new("net::disguised_addresses", disguised),
        Test::new("net::bind", bind),
        Test::new("net::listen", |world| serve(world, "listen", "7008")),
        Test::new("net::accept", |world| serve(world, "accept", "7009")),
        Test::new("net::forget_the_peer", forget),
        Test::new("net::other_families", families),
        Test::new("net::what_every_program_needs", needed),
    ]
}

struct Servers {
    open: Vec<Server>,
    shut: Vec<Server>,
}

fn servers() -> Result<&'static Servers> {
    static SERVERS: OnceLock<Result<Servers, String>> = OnceLock::new();
    let start = |port: u16| -> Result<Vec<Server>> {
        ["127.0.0.1", "[::1]"].iter().map(|host| Server::start(&format!("{host}:{port}"))).collect()
    };
    let made = SERVERS.get_or_init(|| {
        let both = || anyhow::Ok(Servers { open: start(OPEN_PORT)?, shut: start(SHUT_PORT)? });
        both().map_err(|error| format!("{error:#}"))
    });
    made.as_ref().map_err(|error| anyhow!("{error}"))
}

impl Servers {
    fn at(list: &[Server], host: &str) -> Result<usize> {
        list.iter().position(|server| server.address.ip().to_string() == host).context("no such server")
    }
}

fn each_host(world: &World, test: fn(&World, &str) -> Result<()>) -> Result<()> {
    for host in ["127.0.0.1", "::1"] {
        test(world, host).with_context(|| host.to_owned())?;
    }
    Ok(())
}

fn at(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

fn mapped(port: u16) -> String {
    format!("[::ffff:127.0.0.1]:{port}")
}

fn connect(world: &World, host: &str) -> Result<()> {
    reach(world, "connect", &at(host, OPEN_PORT), &at(host, SHUT_PORT), false)
}

/// Connects: to a shut server from outside, to an open one from a session, and then to the shut one.
fn reach(world: &World, verb: &str, open: &str, shut: &str, is_mapped: bool) -> Result<()> {
    let servers = servers()?;
    let host = if is_mapped || open.starts_with("127") { "127.0.0.1" } else { "::1" };
    let (let_in, kept_out) =
        (&servers.open[Servers::at(&servers.open, host)?], &servers.shut[Servers::at(&servers.shut, host)?]);
    let before = kept_out.connections();
    world.free(User::Dev)?.must(verb, &[shut])?;
    kept_out.must_accept(before)?;
    let mut session = world.session("suite")?;
    let before = let_in.connections();
    session.must(verb, &[open])?;
    let_in.must_accept(before)?;

    let before = kept_out.connections();
    session.must_not(verb, &[shut])?;
    let denial = [Denial::of("connect", kept_out.address.to_string(), REASON)];
    world.expect(&session.id, &denial)?;
    // A connection that comes afterwards is seen; so one before it would have been.
    world.free(User::Dev)?.must("connect", &[kept_out.address.to_string()])?;
    kept_out.must_accept(before)?;
    ensure!(kept_out.connections() == before + 1, "the server saw the refused connection");
    world.expect_no_other(&session.id, &denial)
}

fn send(world: &World, verb: &'static str, host: &str) -> Result<()> {
    let servers = servers()?;
    let (open, shut) = (at(host, OPEN_PORT), at(host, SHUT_PORT));
    let (let_in, kept_out) =
        (&servers.open[Servers::at(&servers.open, host)?], &servers.shut[Servers::at(&servers.shut, host)?]);
    let text = |who: &str| format!("<{verb} by {who} number {}>", world.number());
    let (freely, allowed, denied, after) =
        (text("one free"), text("one let"), text("one bound"), text("the last"));
    let mut free = world.free(User::Dev)?;
    free.must(verb, &[&shut, &freely])?;
    kept_out.must_see(&freely)?;
    let mut session = world.session("suite")?;
    session.must(verb, &[&open, &allowed])?;
    let_in.must_see(&allowed)?;

    session.must_not(verb, &[&shut, &denied])?;
    let operation = if verb == "send-tcp-fast" { "connect" } else { "send" };
    let denial = [Denial::of(operation, kept_out.address.to_string(), REASON)];
    world.expect(&session.id, &denial)?;
    free.must(verb, &[&shut, &after])?;
    kept_out.must_see(&after)?;
    must_not_pass(!kept_out.saw(&denied), "the server saw what was refused")?;
    world.expect_no_other(&session.id, &denial)
}

fn bind(world: &World) -> Result<()> {
    let (open, shut) = ("127.0.0.1:7003", "127.0.0.1:7004");
    world.free(User::Dev)?.must("bind", &[shut])?;
    let mut session = world.session("suite")?;
    session.must("bind", &[open])?;
    session.must_not("bind", &[shut])?;
    session.must_not("bind", &["0.0.0.0:7003"])?;
    let denials = [Denial::of("bind", shut, REASON), Denial::of("bind", "0.0.0.0:7003", SILENT)];
    world.expect(&session.id, &denials)?;
    world.expect_no_other(&session.id, &denials)
}

/// A port at which all is allowed but one thing, and one at which all is allowed.
fn serve(world: &World, operation: &'static str, shut: &str) -> Result<()> {
    let (name, open) = (format!("serve-{operation}"), "127.0.0.1:7007");
    let shut = format!("127.0.0.1:{shut}");
    let values = [
        ("NAME", name.as_str()),
        ("OPEN", open),
        ("SHUT", &shut),
        ("OPERATION", operation),
        ("REASON", REASON),
    ];
    world.policy(&name, &fill(policy!("serve"), &values))?;
    world.free(User::Dev)?.must("serve", &[&shut])?;
    let mut session = world.session(&name)?;
    session.must("serve", &[open])?;
    session.must_not("serve", &[&shut])?;
    let denial = [Denial::of(operation, shut, REASON)];
    world.expect(&session.id, &denial)?;
    world.expect_no_other(&session.id, &denial)
}

/// Addresses that mean another than they seem to: what is not plain is refused, or judged as what it means.
fn disguised(world: &World) -> Result<()> {
    let kept_out = &servers()?.shut[0];
    let shut = at("127.0.0.1", SHUT_PORT);
    let mut free = world.free(User::Dev)?;
    let mut session = world.session("suite")?;
    let mut kept = Vec::new();
    for verb in ["send-udp-without-family", "send-udp-crosswise", "send-udp"] {
        // Mapped is what the last one is about; an IPv6 socket has no other way to IPv4.
        let to = if verb == "send-udp" { mapped(SHUT_PORT) } else { shut.clone() };
        let text = |who: &str| format!("<{verb} by {who} number {}>", world.number());
        let (freely, denied) = (text("one free"), text("one bound"));
        free.must(verb, &[&to, &freely])?;
        kept_out.must_see(&freely)?;
        session.must_not(verb, &[&to, &denied])?;
        kept.push(denied);
    }
    free.must("connect-udp-crosswise", &[&shut])?;
    session.must_not("connect-udp-crosswise", &[&shut])?;
    free.must("bind-without-family", &["0.0.0.0:7005"])?;
    session.must_not("bind-without-family", &["0.0.0.0:7005"])?;
    // Not every kernel has MPTCP; where it has, it is TCP to a policy.
    if free.act("connect-mptcp", &[&shut])?.is_ok() {
        session.must_not("connect-mptcp", &[&shut])?;
        session.must("connect-mptcp", &[&at("127.0.0.1", OPEN_PORT)])?;
    }
    let last = format!("<the last number {}>", world.number());
    free.must("send-udp", &[&shut, &last])?;
    kept_out.must_see(&last)?;
    for denied in &kept {
        must_not_pass(!kept_out.saw(denied), format!("the server saw {denied}"))?;
    }
    let denials = [
        Denial::for_cause("send", "address_family"),
        Denial::for_cause("bind", "address_family"),
        Denial::of("send", shut.as_str(), REASON),
        Denial::of("connect", shut.as_str(), REASON),
    ];
    world.expect(&session.id, &denials)?;
    world.expect_no_other(&session.id, &denials)
}

/// `AF_UNSPEC` in a connect dissolves an association and reaches nobody.
fn forget(world: &World) -> Result<()> {
    world.free(User::Dev)?.must("disconnect", &[&at("127.0.0.1", SHUT_PORT)])?;
    let mut session = world.session("suite")?;
    session.must("disconnect", &[&at("127.0.0.1", OPEN_PORT)])?;
    session.must_not("disconnect", &[&at("127.0.0.1", SHUT_PORT)])?;
    world.expect(&session.id, &[Denial::of("connect", at("127.0.0.1", SHUT_PORT), REASON)])
}

/// Root, because the kernel itself refuses some of these to others.
fn families(world: &World) -> Result<()> {
    let made = [
        ("AF_ALG", libc::AF_ALG, libc::SOCK_SEQPACKET, 0),
        ("AF_PACKET", libc::AF_PACKET, libc::SOCK_RAW, 0),
        ("AF_VSOCK", libc::AF_VSOCK, libc::SOCK_STREAM, 0),
        ("raw IPv4", libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP),
        ("raw IPv6", libc::AF_INET6, libc::SOCK_RAW, libc::IPPROTO_ICMPV6),
        ("SCTP", libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_SCTP),
        ("netlink audit", libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_AUDIT),
        ("AF_BLUETOOTH", libc::AF_BLUETOOTH, libc::SOCK_RAW, 1),
    ];
    let mut free = world.free(User::Root)?;
    let mut session = world.session_of(User::Root, "wide", "/", None)?;
    let mut proved = 0;
    for (name, family, kind, protocol) in made {
        let words = [family, kind, protocol].map(|number| number.to_string());
        // Not every kernel can make each: then the refusal proves nothing, and must still be ours.
        proved += usize::from(free.act("socket", &words)?.is_ok());
        session.must_not("socket", &words).context(name)?;
    }
    ensure!(proved >= 4, "only {proved} of these can be made on this kernel at all");
    world.expect(&session.id, &[Denial::for_cause("socket", "address_family")])?;
    let recorded = world.events(&session.id)?.iter().filter(|event| event["operation"] == "socket").count();
    ensure!(recorded == made.len(), "{recorded} refusals were recorded");
    Ok(())
}

fn needed(world: &World) -> Result<()> {
    let mut session = world.session("suite")?;
    session.must::<&str>("socket-pair", &[])?;
    session.must::<&str>("interfaces", &[])?;
    for family in [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6] {
        for kind in [libc::SOCK_STREAM, libc::SOCK_DGRAM] {
            session.must("socket", &[family.to_string(), kind.to_string(), "0".to_owned()])?;
        }
    }
    world.expect_no_other(&session.id, &[])
}
