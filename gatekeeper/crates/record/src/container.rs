//! Containers, found by the path of a cgroup: runtimes name cgroups after containers, and the path is the kernel's
//! word. What a process says of itself counts for nothing.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// A container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// Its id, as its runtime has it.
    pub id: String,
    /// The Kubernetes pod it belongs to: a UUID.
    #[serde(default, alias = "pod", skip_serializing_if = "Option::is_none")]
    pub pod_uid: Option<String>,
    /// Its runtime, where the path names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<Runtime>,
}

/// A container runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Runtime {
    /// containerd, for Kubernetes or nerdctl.
    Containerd,
    /// CRI-O.
    CriO,
    /// Docker.
    Docker,
    /// Podman, and what else uses its library.
    Podman,
}

impl Runtime {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Containerd, Self::CriO, Self::Docker, Self::Podman];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Containerd => "containerd",
            Self::CriO => "cri-o",
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    /// The prefixes of the id in the names of its cgroups.
    const fn mark(self) -> &'static [&'static str] {
        match self {
            Self::Containerd => &["cri-containerd-", "nerdctl-"],
            Self::CriO => &["crio-"],
            Self::Docker => &["docker-"],
            Self::Podman => &["libpod-"],
        }
    }
}

impl Container {
    /// The innermost container whose cgroup this is, or lies in.
    #[must_use]
    pub fn of(cgroup: &Path) -> Option<Self> {
        let (mut found, mut pod, mut before) = (None, None, "");
        for part in cgroup.iter().filter_map(|part| part.to_str()) {
            pod = pod_of(part).or(pod);
            if let Some((id, runtime)) = named(part, before, pod.is_some()) {
                found = Some(Self { id: id.to_owned(), pod_uid: pod.clone(), runtime });
            }
            before = part;
        }
        found
    }
}

/// The container that a part of a path names, after this part, in a pod or not.
fn named<'a>(part: &'a str, before: &str, in_pod: bool) -> Option<(&'a str, Option<Runtime>)> {
    let name = part.strip_suffix(".scope").unwrap_or(part);
    let marked = Runtime::ALL.into_iter().find_map(|runtime| {
        let id = runtime.mark().iter().find_map(|mark| name.strip_prefix(mark))?;
        Some((id, Some(runtime)))
    });
    let bare = || match before {
        "docker" => Some((part, Some(Runtime::Docker))),
        _ if in_pod => Some((part, None)),
        _ => None,
    };
    marked.or_else(bare).filter(|(id, _)| is_id(id))
}

/// Whether this is a container id as runtimes draw them: 32 random bytes in hexadecimal.
fn is_id(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The pod that a part of a path below `kubepods` names: `podUUID`, and with systemd `…-podUUID.slice`, where the UUID has
/// underscores, for a dash stands between slices.
fn pod_of(part: &str) -> Option<String> {
    let name = part.strip_suffix(".slice").unwrap_or(part);
    let id = name
        .strip_prefix("pod")
        .or_else(|| name.strip_prefix("kubepods")?.split_once("-pod").map(|(_, id)| id))?;
    let id = id.replace('_', "-");
    let groups: Vec<&str> = id.split('-').collect();
    let is_uuid = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && id.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit());
    is_uuid.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "ac2ea168264a08f9aaca0dfc82ff3551418dfd22d02b713142a6843caa2f61bf";
    const INNER: &str = "13550340a8681c84c861aac2e5b440161c2b33a3e4f302ac680ca5b686de48de";
    const POD: &str = "9f2c1e0a-5b7d-4c1e-8a2f-0123456789ab";

    fn of(path: &str) -> Option<(String, Option<String>, Option<Runtime>)> {
        let path = path.replace("UUID", POD).replace("U_U", &POD.replace('-', "_"));
        let path = path.replace("INNER", INNER).replace("ID", ID);
        Container::of(Path::new(&path)).map(|found| (found.id, found.pod_uid, found.runtime))
    }

    #[test]
    fn runtimes_name_cgroups_after_containers() {
        let alone = |runtime| Some((ID.to_owned(), None, Some(runtime)));
        let in_pod = |runtime| Some((ID.to_owned(), Some(POD.to_owned()), runtime));
        for (path, expected) in [
            ("/sys/fs/cgroup/system.slice/docker-ID.scope", alone(Runtime::Docker)),
            ("/sys/fs/cgroup/docker/ID", alone(Runtime::Docker)),
            ("/sys/fs/cgroup/docker/ID/init.scope", alone(Runtime::Docker)),
            ("/sys/fs/cgroup/machine.slice/libpod-ID.scope/container", alone(Runtime::Podman)),
            (
                "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope",
                alone(Runtime::Podman),
            ),
            ("/sys/fs/cgroup/libpod_parent/libpod-ID", alone(Runtime::Podman)),
            ("/sys/fs/cgroup/system.slice/nerdctl-ID.scope", alone(Runtime::Containerd)),
            (
                "/sys/fs/cgroup/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podU_U.slice/cri-containerd-ID.scope",
                in_pod(Some(Runtime::Containerd)),
            ),
            (
                "/sys/fs/cgroup/kubepods.slice/kubepods-podU_U.slice/crio-ID.scope",
                in_pod(Some(Runtime::CriO)),
            ),
            ("/sys/fs/cgroup/kubepods/burstable/podUUID/ID", in_pod(None)),
            ("/sys/fs/cgroup/kubepods/podUUID/crio-ID", in_pod(Some(Runtime::CriO))),
        ] {
            assert_eq!(of(path), expected, "{path}");
        }
        // A container in a container.
        let inner = of("/docker/ID/docker/INNER").unwrap();
        assert_eq!((inner.0.as_str(), inner.2), (INNER, Some(Runtime::Docker)));
    }

    #[test]
    fn what_only_looks_like_it_is_none() {
        for path in [
            "/sys/fs/cgroup/gatekeeper/4f6k2m9q0x",
            "/sys/fs/cgroup/system.slice/docker.service",
            "/sys/fs/cgroup/system.slice/docker-abc.scope",
            "/sys/fs/cgroup/machine.slice/libpod-conmon-ID.scope",
            "/sys/fs/cgroup/kubepods.slice/kubepods-podU_U.slice/crio-conmon-ID.scope",
            "/sys/fs/cgroup/kubepods/burstable/podUUID",
            "/sys/fs/cgroup/user.slice/ID",
            "/sys/fs/cgroup/docker/IDx",
            "/sys/fs/cgroup/docker/buildx/ID",
        ] {
            assert_eq!(of(path), None, "{path}");
        }
        assert_eq!(of("/pod1/podUUIDx/docker/ID").unwrap().1, None);
    }
}
