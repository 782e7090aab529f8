//! The QEMU command line of a guest.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

use crate::cmd::{cmd, have};
use crate::guest::GuestRun;
use crate::kernels::Kernel;

const QEMU: &str = "qemu-system-x86_64";

/// Older ones crash kernels from 6.12 on.
const OLDEST: u32 = 10;

/// A panic ends QEMU at once. The rest is for emulation on a busy machine: no mitigations (for speed
/// only), none of the kernel's checks of timers and clocks, which fail when a virtual CPU is late, and no waiting for grace
/// periods of RCU longer than needed (a seventh of the suite's time).
const APPEND: &str = "console=ttyS0 quiet loglevel=4 panic=-1 oops=panic mitigations=off no_timer_check \
                      tsc=reliable nowatchdog rcupdate.rcu_expedited=1";

/// A processor that is quick to emulate. With all that QEMU has, the same work takes it half as long again: longer page
/// walks, wider registers to keep.
const PLAIN_CPU: &str = "Nehalem";

/// The installed QEMU's major version, if there is one.
pub fn version() -> Option<u32> {
    let text = if have(QEMU) { cmd(QEMU).arg("--version").read().ok()? } else { return None };
    text.split_whitespace().nth(3)?.split('.').next()?.parse().ok()
}

/// Whether it is new enough.
pub fn usable() -> bool {
    version().is_some_and(|major| major >= OLDEST)
}

/// Disks and files of one run.
pub struct Files<'a> {
    pub root: &'a Path,
    pub payload: &'a Path,
    pub log: &'a Path,
    pub status: &'a Path,
}

/// The command that runs a guest; its standard output is the guest command's output.
pub fn command(run: &GuestRun, kernel: &Kernel, files: &Files) -> Result<Command> {
    if !usable() {
        bail!(
            "QEMU {OLDEST} or newer is needed, found {}\n  help: cargo xtask setup",
            version().map_or_else(|| "none".to_owned(), |major| major.to_string())
        );
    }
    // setpriv: QEMU must not outlive us, however we end.
    let mut qemu = Command::new("setpriv");
    qemu.args(["--pdeathsig", "KILL", "--", QEMU, "-nodefaults", "-no-user-config", "-no-reboot"]);
    qemu.args(["-display", "none", "-m", &run.memory.to_string()]);
    if run.icount {
        // One instruction is one nanosecond of guest time: figures that repeat.
        qemu.args(["-accel", "tcg,thread=single", "-icount", "shift=0", "-cpu", "max", "-smp", "1"]);
    } else {
        let (accel, cpu) = if kvm_works() { ("kvm", "host") } else { ("tcg,thread=multi", PLAIN_CPU) };
        qemu.args(["-accel", accel, "-cpu", cpu, "-smp", &run.cpus.to_string()]);
    }
    qemu.arg("-kernel").arg(&kernel.image).arg("-initrd").arg(&kernel.initramfs);
    let clock = if run.icount || kvm_works() { String::new() } else { early_clock() };
    qemu.arg("-append").arg(format!("{APPEND}{clock} lsm={}", run.lsm));
    qemu.arg("-serial").arg(format!("file:{}", files.log.display()));
    for (disk, path) in [("root", files.root), ("payload", files.payload)] {
        let path = path.display();
        qemu.arg("-drive").arg(format!("if=none,id={disk},file={path},format=raw,snapshot=on"));
        qemu.arg("-device").arg(format!("virtio-blk-pci,drive={disk}"));
    }
    qemu.args(["-device", "virtio-serial-pci"]);
    // Not `stdio`: the end of our standard input would close the port.
    for (port, path) in [("out", "/proc/self/fd/1"), ("status", &files.status.display().to_string())] {
        qemu.arg("-chardev").arg(format!("file,id={port},path={path}"));
        qemu.arg("-device").arg(format!("virtserialport,chardev={port},name={port}"));
    }
    qemu.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(qemu)
}

/// The guest's TSC is the host's under plain emulation. On a busy machine the kernel measures it wrong by
/// as much as tenfold, and every deadline in the guest with it: so the host passes it.
fn early_clock() -> String {
    static CLOCK: OnceLock<Option<u64>> = OnceLock::new();
    match CLOCK.get_or_init(tsc_khz) {
        Some(khz) => format!(" tsc_early_khz={khz}"),
        None => String::new(),
    }
}

#[cfg(target_arch = "x86_64")]
fn tsc_khz() -> Option<u64> {
    use std::time::{Duration, Instant};
    // Both clocks as near to one another as they can be had, however often we are interrupted.
    let both = || {
        let reading = || {
            let before = Instant::now();
            // SAFETY: every x86_64 has it.
            let ticks = unsafe { core::arch::x86_64::_rdtsc() };
            (before.elapsed(), before, ticks)
        };
        (0..100).map(|_| reading()).min_by_key(|reading| reading.0)
    };
    let (_, begin, first) = both()?;
    std::thread::sleep(Duration::from_millis(100));
    let (_, end, second) = both()?;
    let nanoseconds = u64::try_from(end.duration_since(begin).as_nanos()).ok()?;
    Some((second.checked_sub(first)? as u128 * 1_000_000 / u128::from(nanoseconds)) as u64)
}

#[cfg(not(target_arch = "x86_64"))]
fn tsc_khz() -> Option<u64> {
    None
}

/// Whether KVM really starts: the device may be there and the CPU not follow.
fn kvm_works() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    *WORKS.get_or_init(|| try_kvm().unwrap_or(false))
}

/// The processor flags for virtual machines in hardware: Intel's, and AMD's.
const IN_HARDWARE: [&str; 2] = ["vmx", "svm"];

fn try_kvm() -> Result<bool> {
    // Without it the device may be of a kind that starts any machine and then runs only kernels made for it (kvm-pvm).
    let processors = std::fs::read_to_string("/proc/cpuinfo").context("/proc/cpuinfo")?;
    let mut flags = processors.split_whitespace();
    if !Path::new("/dev/kvm").exists() || !flags.any(|flag| IN_HARDWARE.contains(&flag)) {
        return Ok(false);
    }
    let mut child = Command::new(QEMU)
        .args(["-accel", "kvm", "-cpu", "host", "-m", "64", "-S", "-nodefaults"])
        .args(["-display", "none", "-qmp", "stdio"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start QEMU")?;
    if let Some(mut stdin) = child.stdin.take() {
        use std::io::Write;
        let _ = stdin.write_all(b"{\"execute\":\"qmp_capabilities\"}\n{\"execute\":\"quit\"}\n");
        let _ = stdin.flush();
    }
    Ok(child.wait().context("cannot wait for QEMU")?.success())
}
