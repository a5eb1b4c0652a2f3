//! A machine like this one, to install packages on: what it writes is gone with it, and it has a network of its own.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::run;

/// Lays an empty folder over the root of this machine and waits for the end of its input. The namespace is all that
/// knows of it.
const MAKE: &str = r#"
mount -t tmpfs -o mode=755 tmpfs "$1"
cd "$1"
mkdir upper work root
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root
mount -t proc proc root/proc
mount --rbind /dev root/dev
mount -t tmpfs -o mode=755 tmpfs root/run
mount -t tmpfs tmpfs root/tmp
mount --bind "$2" root/mnt
# The index of all man pages, made anew after each installation, takes longer than all the rest.
echo no-triggers >root/etc/dpkg/dpkg.cfg.d/quick
echo made
exec cat >/dev/null
"#;

/// The machine. systemd does not run on it.
pub(crate) struct Machine {
    dir: TempDir,
    keeper: Child,
}

impl Machine {
    /// With `folder` as its `/mnt`.
    pub(crate) fn new(folder: &Path) -> Self {
        let dir = TempDir::new().unwrap();
        let mut keeper = Command::new("unshare")
            .args(["--mount", "--net", "sh", "-euc", MAKE, "sh"])
            .args([dir.path(), folder])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "made\n", "machines need root and an overlay file system");
        Self { dir, keeper }
    }

    /// What a line of shell prints on it. It has to end well.
    #[track_caller]
    pub(crate) fn shell(&self, line: &str) -> String {
        let mut enter = Command::new("nsenter");
        enter.args(["--mount", "--net", "--target", &self.keeper.id().to_string(), "chroot"]);
        enter.arg(self.dir.path().join("root")).args(["sh", "-ec", line]);
        enter.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C.UTF-8");
        run(enter.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null()))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}
