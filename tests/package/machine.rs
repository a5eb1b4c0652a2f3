//! A machine like this one, to install packages on: what it writes is gone with it, and it has a network of its own.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::run;

/// As long as a machine may take to start, on one with other things to do.
const DEADLINE: Duration = Duration::from_mins(1);

/// Lays an empty folder over the root of this machine. The namespace is all that knows of it.
const MAKE: &str = r#"
mount -t tmpfs -o mode=755 tmpfs "$1"
cd "$1"
mkdir upper work root
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root
mount -t tmpfs -o mode=755 tmpfs root/run
mount -t tmpfs -o mode=1777 tmpfs root/tmp
mount -t tmpfs -o mode=755 tmpfs root/dev
for node in null zero full random urandom tty; do
    touch root/dev/$node
    mount --bind /dev/$node root/dev/$node
done
mkdir root/dev/pts root/dev/shm
mount -t devpts -o newinstance,ptmxmode=666 devpts root/dev/pts
ln -s pts/ptmx root/dev/ptmx
mount --bind "$2" root/mnt
# Containers are often told to start nothing.
rm -f root/usr/sbin/policy-rc.d
# The index of all man pages, made anew after each installation, takes longer than all the rest.
echo no-triggers >root/etc/dpkg/dpkg.cfg.d/quick
"#;

/// Stays until its input ends.
const STAY: &str = "
mount -t proc proc root/proc
echo $$
exec cat >/dev/null
";

/// Starts systemd in a control group that is gone with it, and stays. `/proc/sys` is the kernel's, of all machines.
const BOOT: &str = r#"
echo 0123456789abcdef0123456789abcdef >root/etc/machine-id
mount --bind "$3" root/media
mkdir group
mount -t cgroup2 cgroup group
group=group/f2b-$$
mkdir $group
sh -ec 'echo $$ >"$1/cgroup.procs"
cd root
exec unshare --cgroup --pid --uts --ipc --fork --kill-child sh -ec "
    mount -t proc proc proc
    mount --bind proc/sys proc/sys
    mount -o remount,bind,ro proc/sys
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup sys/fs/cgroup
    exec env -i container=f2b NOTIFY_SOCKET=/media/notify PATH=/usr/sbin:/usr/bin \
        chroot . /lib/systemd/systemd --unit=basic.target"' sh "$group" >/dev/null &
read -r is_ready
cat $group/init.scope/cgroup.procs
cat >/dev/null
echo 1 >$group/cgroup.kill
wait $! 2>/dev/null || true
tries=0
until find $group -depth -type d -exec rmdir {} + 2>/dev/null || [ $tries = 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
"#;

/// The machine.
pub(crate) struct Machine {
    dir: TempDir,
    keeper: Child,
    /// A process of the machine, as this one numbers them.
    inside: String,
    /// Which of its namespaces are its own.
    namespaces: &'static [&'static str],
}

impl Machine {
    /// One on which nothing runs, with `folder` as its `/mnt`.
    pub(crate) fn new(folder: &Path) -> Self {
        let (dir, mut keeper) = made(&format!("{MAKE}{STAY}"), &[folder]);
        let inside = line(keeper.stdout.as_mut().unwrap());
        Self { dir, keeper, inside, namespaces: &["--mount", "--net"] }
    }

    /// One on which systemd runs, and what it starts before services, with `folder` as its `/mnt`.
    pub(crate) fn booted(folder: &Path) -> Self {
        let media = TempDir::new().unwrap();
        let notify = UnixDatagram::bind(media.path().join("notify")).unwrap();
        notify.set_read_timeout(Some(DEADLINE)).unwrap();
        let (dir, mut keeper) = made(&format!("{MAKE}{BOOT}"), &[folder, media.path()]);
        let mut message = [0; 4096];
        loop {
            let len = notify.recv(&mut message).expect("systemd says when it is ready");
            if message[..len].split(|byte| *byte == b'\n').any(|line| line == b"READY=1") {
                break;
            }
        }
        keeper.stdin.as_mut().unwrap().write_all(b"ready\n").unwrap();
        let inside = line(keeper.stdout.as_mut().unwrap());
        Self { dir, keeper, inside, namespaces: &["--all"] }
    }

    /// What a line of shell prints on it. It has to end well.
    #[track_caller]
    pub(crate) fn shell(&self, line: &str) -> String {
        let mut enter = Command::new("nsenter");
        enter.args(self.namespaces).args(["--target", &self.inside, "chroot"]);
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

/// Has `script` make a machine of a folder and of `others`: its arguments.
fn made(script: &str, others: &[&Path]) -> (TempDir, Child) {
    let dir = TempDir::new().unwrap();
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "--net", "sh", "-euc", script, "sh"]).arg(dir.path()).args(others);
    let keeper = unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    (dir, keeper)
}

/// The next line, which is there if nothing went wrong.
fn line(from: &mut ChildStdout) -> String {
    let mut line = String::new();
    BufReader::new(from).read_line(&mut line).unwrap();
    assert!(line.ends_with('\n'), "machines need root, an overlay file system and cgroup2");
    line.trim_end().to_owned()
}
