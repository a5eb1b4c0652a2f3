use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(names: &[&str]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for name in names {
            folder.write(name, b"a line\n");
        }
        folder
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The names of the logs that the arguments, all in this folder, stand for.
    fn expand(&self, args: &[&str]) -> Result<Vec<String>, SourceError> {
        let args: Vec<_> = args.iter().map(|arg| self.path(arg)).collect();
        let name = |log: Log| log.path.file_name().unwrap().to_str().unwrap().to_owned();
        Ok(expand(&args)?.into_iter().map(name).collect())
    }

    fn names(&self, args: &[&str]) -> Vec<String> {
        self.expand(args).unwrap()
    }

    /// The message of the error, without the folder's name.
    fn error(&self, args: &[&str]) -> String {
        let message = self.expand(args).unwrap_err().to_string();
        message.replace(&format!("{}/", self.0.path().display()), "")
    }
}

#[test]
fn a_rotated_set_is_read_oldest_first_whatever_the_order_of_naming() {
    let dir = Folder::with(&["maillog", "maillog.1", "maillog.2.gz", "maillog.10.gz"]);
    let oldest_first = ["maillog.10.gz", "maillog.2.gz", "maillog.1", "maillog"];
    assert_eq!(dir.names(&["maillog*"]), oldest_first);
    assert_eq!(dir.names(&["maillog.1", "maillog", "maillog.10.gz", "maillog.2.gz"]), oldest_first);
}

#[test]
fn unrelated_logs_stay_as_named_and_a_set_stands_where_its_first_was() {
    let dir = Folder::with(&["z", "b", "b.1", "a"]);
    assert_eq!(dir.names(&["z", "b", "a", "b.1"]), ["z", "b.1", "b", "a"]);
}

#[test]
fn logs_of_the_same_name_in_two_folders_are_unrelated() {
    let dir = Folder::with(&[]);
    fs::create_dir(dir.path("x")).unwrap();
    fs::create_dir(dir.path("y")).unwrap();
    for name in ["x/log", "y/log.1"] {
        dir.write(name, b"a line\n");
    }
    assert_eq!(dir.names(&["x/log", "y/log.1"]), ["log", "log.1"]);
}

#[test]
fn a_file_named_twice_is_read_once() {
    let dir = Folder::with(&["log"]);
    symlink(dir.path("log"), dir.path("link")).unwrap();
    fs::hard_link(dir.path("log"), dir.path("hard")).unwrap();
    assert_eq!(dir.names(&["link", "log", "hard", "./log", "*"]), ["link"]);
}

#[test]
fn a_generation_and_its_compressed_copy_are_both_kept() {
    let dir = Folder::with(&["log", "log.1.gz", "log.1"]);
    assert_eq!(dir.names(&["log*"]), ["log.1", "log.1.gz", "log"]);
}

#[test]
fn a_folder_stands_for_the_text_files_directly_in_it() {
    let dir = Folder::with(&["b.log", "a.log", ".hidden"]);
    dir.write("wtmp", b"\x07\0\0\0");
    let mut packed = flate2::read::GzEncoder::new(&b"\x07\0\0"[..], flate2::Compression::fast());
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut packed, &mut bytes).unwrap();
    dir.write("wtmp.1.gz", &bytes);
    fs::create_dir(dir.path("apache")).unwrap();
    dir.write("apache/access.log", b"a line\n");
    symlink("/nowhere", dir.path("dangling")).unwrap();
    assert_eq!(dir.names(&[""]), ["a.log", "b.log"]);
    // Named, anything is read.
    assert_eq!(dir.names(&["wtmp"]), ["wtmp"]);
}

#[test]
fn patterns_follow_the_shell() {
    let dir = Folder::with(&["a1.log", "a2.log", ".a3.log", "[x].log"]);
    fs::create_dir(dir.path("a9.log")).unwrap();
    dir.write("a9.log/a1.log", b"a line\n");
    assert_eq!(dir.names(&["a?.log"]), ["a1.log", "a2.log"]);
    assert_eq!(dir.names(&["a[!1].log"]), ["a2.log"]);
    assert_eq!(dir.names(&["**.log"]), ["[x].log", "a1.log", "a2.log"]);
    assert_eq!(dir.names(&[".a*"]), [".a3.log"]);
    assert_eq!(dir.names(&["[x].log"]), ["[x].log"]);
    assert_eq!(dir.names(&["a9*/*"]), ["a1.log"]);
}

#[test]
fn names_need_not_be_utf8() {
    let dir = Folder::with(&["log"]);
    let odd = dir.0.path().join(OsStr::from_bytes(b"l\xff"));
    fs::write(&odd, b"a line\n").unwrap();
    assert_eq!(expand(&[dir.0.path()]).unwrap().len(), 2);
    assert_eq!(expand(&[&odd]).unwrap()[0].path, odd);
    assert_eq!(dir.names(&["lo*"]), ["log"]);
    assert_eq!(expand(&[dir.path("l*")]).unwrap().len(), 2);
}

#[test]
fn a_blank_makes_a_line_of_what_is_no_file() {
    let line = "Jun 21 16:47:48 host sshd[1]: failed * from 1.2.3.4";
    let logs = expand(&[line]).unwrap();
    assert_eq!(logs[0].kind, LogKind::Literal(line.into()));
    let long = "x ".repeat(10_000);
    assert_eq!(expand(&[&long]).unwrap()[0].kind, LogKind::Literal(long.into()));
    let dir = Folder::with(&["my log"]);
    assert_eq!(dir.names(&["my log"]), ["my log"]);
}

#[test]
fn standard_input_is_read_once() {
    let logs = expand(&["-", "/dev/stdin"]).unwrap();
    assert_eq!(logs, [Log { path: "-".into(), kind: LogKind::Stdin }]);
}

#[test]
fn a_pipe_is_a_log_and_a_socket_is_not() {
    let dir = Folder::with(&[]);
    let made = std::process::Command::new("mkfifo").arg(dir.path("pipe")).status().unwrap();
    assert!(made.success());
    assert_eq!(expand(&[dir.path("pipe")]).unwrap()[0].kind, LogKind::Pipe);
    let _listener = UnixListener::bind(dir.path("socket")).unwrap();
    assert_eq!(dir.error(&["socket"]), "socket: a socket is not a log");
    assert_eq!(expand(&["/dev/tty"]).unwrap_err().to_string(), "/dev/tty: a device is not a log");
    assert_eq!(expand(&["/dev/null"]).unwrap()[0].kind, LogKind::Plain);
}

#[test]
fn err_a_misspelt_path_names_the_nearest() {
    let dir = Folder::with(&["maillog", "messages"]);
    assert_eq!(dir.error(&["mailog"]), "mailog: no such file; did you mean 'maillog'?");
    assert_eq!(dir.error(&["nothing-like-it"]), "nothing-like-it: no such file");
    assert_eq!(dir.error(&["maillog/x"]), "maillog/x: no such file");
    assert_eq!(expand(&[""]).unwrap_err().to_string(), "'': no such file");
}

#[test]
fn err_a_pattern_or_folder_without_logs() {
    let dir = Folder::with(&["log"]);
    assert_eq!(dir.error(&["m*"]), "m*: no file matches this pattern");
    assert!(dir.error(&["m[*"]).starts_with("m[*: not a pattern: "));
    fs::create_dir(dir.path("empty")).unwrap();
    assert_eq!(
        dir.error(&["empty"]),
        "empty: no logs in this folder; name the files, or a folder that directly holds them"
    );
}

#[test]
fn what_is_followed_are_plain_files_and_paths_that_may_come() {
    let dir = Folder::with(&["log", "log.1", "other", ".log"]);
    dir.write("log.2.gz", b"\x1f\x8b\x08\0\0\0\0\0\0\x03");
    dir.write("log[a]", b"a line\n");
    symlink("log", dir.path("log.link")).unwrap();
    fs::create_dir(dir.path("log.d")).unwrap();
    let names = |pattern: &str| {
        let paths = followed(dir.path(pattern).as_os_str()).unwrap().into_iter();
        paths.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("log*"), ["log.1", "log", "log[a]"]);
    assert_eq!(names("log[a]"), ["log[a]"]);
    assert_eq!(names("nothing"), ["nothing"]);
    assert_eq!(names("not here yet"), ["not here yet"]);
    assert_eq!(names("nothing*"), [""; 0]);
    let error = followed(dir.path("m[*").as_os_str()).unwrap_err().to_string();
    assert!(error.contains("m[*: not a pattern: "), "{error}");
}

#[test]
fn a_logpath_stands_for_logs_that_are_not_there_yet() {
    for (logpath, path, stands) in [
        ("/var/log/f.log", "/var/log/f.log", true),
        ("/var/log//f.log", "/var/log/f.log", true),
        ("/var/*/f.log*", "/var/log/f.log", true),
        ("/var/log/f.log", "/var/log/g.log", false),
        ("/var/*", "/var/log/f.log", false),
        ("/var/log/f.log/*", "/var/log/f.log", false),
        ("var/log/*", "/var/log/f.log", false),
        ("/var/log/f[", "/var/log/f[", true),
    ] {
        assert_eq!(stands_for(OsStr::new(logpath), Path::new(path)), stands, "{logpath}");
    }
}
