//! The distribution's way to change the kernel's command line and the kernel.

use std::fs;

/// Family of Linux distributions, as far as the help differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Debian, Ubuntu and what is made of them.
    Debian,
    /// Fedora, RHEL and what is made of them.
    Fedora,
    /// Any other.
    Other,
}

impl Distribution {
    /// This machine's.
    #[must_use]
    pub fn here() -> Self {
        let text =
            fs::read_to_string("/etc/os-release").or_else(|_| fs::read_to_string("/usr/lib/os-release"));
        Self::of(&text.unwrap_or_default())
    }

    /// Returns the family by the text of os-release(5).
    fn of(text: &str) -> Self {
        let value = |key: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
                .unwrap_or("")
                .trim_matches('"')
        };
        let names = format!("{} {}", value("ID"), value("ID_LIKE"));
        let is = |wanted: &[&str]| names.split_whitespace().any(|name| wanted.contains(&name));
        if is(&["debian", "ubuntu"]) {
            Self::Debian
        } else if is(&["fedora", "rhel", "centos"]) {
            Self::Fedora
        } else {
            Self::Other
        }
    }

    /// Returns advice on adding a word to the kernel's command line.
    #[must_use]
    pub fn add_to_command_line(self, word: &str) -> String {
        match self {
            Self::Debian => format!(
                "add {word} to GRUB_CMDLINE_LINUX in /etc/default/grub, run `sudo update-grub`, and restart the machine"
            ),
            Self::Fedora => {
                format!("run `sudo grubby --update-kernel=ALL --args=\"{word}\"`, and restart the machine")
            }
            Self::Other => {
                format!("add {word} to the kernel's command line in the boot loader, and restart the machine")
            }
        }
    }

    /// Returns advice on getting a newer kernel.
    #[must_use]
    pub fn newer_kernel(self) -> &'static str {
        match self {
            Self::Debian => {
                "install a newer kernel: `sudo apt install linux-image-amd64` from backports, on Ubuntu linux-generic-hwe"
            }
            Self::Fedora => "install a newer kernel: `sudo dnf upgrade kernel`",
            Self::Other => "install a newer kernel",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_distinguished() {
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n";
        let mint = "ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n";
        let rocky = "ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n";
        assert_eq!(Distribution::of(debian), Distribution::Debian);
        assert_eq!(Distribution::of(mint), Distribution::Debian);
        assert_eq!(Distribution::of(rocky), Distribution::Fedora);
        assert_eq!(Distribution::of("ID=arch\n"), Distribution::Other);
    }
}
